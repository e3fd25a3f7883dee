/**
 * Makes metadata of our own for the folders that a stopped Apache Kafka left: the topics with their ids, partitions and settings as its metadata log has
 * them, or, where there is none that can be read, as far as the folders tell. Reads only; whoever asks journals the records.
 */
import type { Disk } from '../../base/disk.ts';
import type { Logger, Random } from '../../base/ports.ts';
import type { BrokerLayers } from '../../config/layers.ts';
import { validateTopicConfigs } from '../../config/topicConfig.ts';
import { CHECKPOINT_SIZE_MAX_BYTES, parseEpochCheckpoint } from '../../storage/checkpoints.ts';
import { FileName, folderKind } from '../../storage/fileNames.ts';
import { randomId } from '../../storage/ids.ts';
import { ZERO_TOPIC_ID, readPartitionMetadata } from '../../storage/partitionMetadata.ts';
import { PARTITIONS_PER_CHANGE_MAX } from '../decisions.ts';
import type { MetadataRecord } from '../records.ts';
import { CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC, topicNameProblem } from '../topicNames.ts';
import { ConfigResourceType, MetadataError } from '../types.ts';
import { KAFKA_METADATA_FOLDER, readKafkaMetadata } from './kafkaMetadata.ts';
import type { KafkaMetadata, KafkaTopic } from './kafkaMetadata.ts';

export interface AdoptionOptions {
  readonly disk: Disk;
  readonly random: Random;
  readonly logger: Logger;
  /** log.dirs; their owner is settled and they are locked. */
  readonly directories: readonly string[];
  readonly nodeId: number;
  readonly layers: BrokerLayers;
}

/** Kafka gives ids out from 0 by the thousand: none of its clusters has come so far, and there is as much room again above, many times over. */
const PRODUCER_ID_ABOVE_ALL = 2 ** 40;
/** Where the settings are lost, nothing may be deleted for it. */
const KEEP_ALL: ReadonlyMap<string, string> = new Map([['retention.ms', '-1'], ['retention.bytes', '-1']]);
const COMPACTED: ReadonlyMap<string, string> = new Map([['cleanup.policy', 'compact'], ['compression.type', 'producer']]);
const COMPACTED_TOPICS: ReadonlySet<string> = new Set([CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC]);

interface FoundPartition {
  readonly topic: string;
  readonly index: number;
  readonly folder: string;
  /** ZERO_TOPIC_ID before Kafka 2.8. */
  readonly topicId: string;
  /** Of the newest records, -1 when it has none. */
  readonly leaderEpoch: number;
}

interface AdoptedTopic {
  readonly name: string;
  readonly id: string;
  /** By index, up to the highest. */
  readonly leaderEpochs: readonly number[];
  readonly missing: number;
  readonly settings: ReadonlyMap<string, string>;
}

/** Throws MetadataError corrupt for folders that contradict each other, StoreError, DiskError. */
export async function adoptKafkaData(options: AdoptionOptions): Promise<MetadataRecord[]> {
  const folders = await findPartitions(options);
  const kafka = await metadataOf(options);
  const topics = kafka === null ? topicsOfFolders(options, folders) : topicsOfMetadata(options, folders, kafka);
  for (const topic of topics) checkTopic(topic);
  sayWhatWasFound(options.logger, topics, kafka);
  const nextProducerId = kafka?.nextProducerId ?? PRODUCER_ID_ABOVE_ALL;
  return [
    { kind: 'producerIds', brokerId: options.nodeId, brokerEpoch: -1, nextProducerId },
    ...topics.flatMap((topic) => recordsOf(topic, options.nodeId)),
    ...(kafka === null ? [] : accessRecordsOf(kafka)),
  ];
}

/** Who could do what, and how much, before: without them the data would be open to all. */
function accessRecordsOf({ acls, clientQuotas, credentials }: KafkaMetadata): MetadataRecord[] {
  const lists = [...acls.entries()].map(([id, acl]) => ({ kind: 'acl' as const, id, acl }));
  const quotas = [...clientQuotas.entries()].flatMap(({ entity, values }) => [...values].map(([key, value]) => ({ kind: 'clientQuota' as const, entity, key, value })));
  return [...lists, ...quotas, ...credentials.snapshot()];
}

async function findPartitions({ disk, directories }: AdoptionOptions): Promise<FoundPartition[]> {
  const found: FoundPartition[] = [];
  for (const directory of directories) {
    for (const { name, isDirectory } of await disk.list(directory)) {
      const kind = folderKind(name);
      if (!isDirectory || kind.kind !== 'partition' || name === KAFKA_METADATA_FOLDER) continue;
      const folder = `${directory}/${name}`;
      const topicId = await readPartitionMetadata(disk, folder);
      found.push({ topic: kind.topic, index: kind.partition, folder, topicId, leaderEpoch: await latestEpoch(disk, folder) });
    }
  }
  return found;
}

async function latestEpoch(disk: Disk, folder: string): Promise<number> {
  const bytes = await disk.readFile(`${folder}/${FileName.leaderEpochs}`, CHECKPOINT_SIZE_MAX_BYTES);
  const entries = bytes === null ? null : parseEpochCheckpoint(bytes.toString('utf8'));
  return entries?.at(-1)?.epoch ?? -1;
}

/** Null when there is no metadata log, or none that can be read: the reason is said. */
async function metadataOf({ disk, directories, logger }: AdoptionOptions): Promise<KafkaMetadata | null> {
  const lost = 'topics are taken over by their folders alone: deleted ones may come back, and their settings are not known, so retention is off for each (retention.ms=-1): set it';
  for (const directory of directories) {
    const folder = `${directory}/${KAFKA_METADATA_FOLDER}`;
    if (!(await disk.list(directory)).some(({ name }) => name === KAFKA_METADATA_FOLDER)) continue;
    try {
      return await readKafkaMetadata(disk, folder);
    } catch (error) {
      logger.warn(`Kafka's metadata cannot be read; ${lost}`, { reason: error instanceof Error ? error.message : String(error) });
      return null;
    }
  }
  logger.warn(`there is no ${KAFKA_METADATA_FOLDER} in log.dirs; ${lost}`);
  return null;
}

/** Folders that the metadata does not know belong to deleted topics: they get no topic, and so are set aside. */
function topicsOfMetadata(options: AdoptionOptions, folders: readonly FoundPartition[], kafka: KafkaMetadata): AdoptedTopic[] {
  const adopted: AdoptedTopic[] = [];
  const others = new Set<number>();
  for (const topic of kafka.topicsById.values()) {
    const own = folders.filter((found) => found.topic === topic.name && (found.topicId === topic.id || found.topicId === ZERO_TOPIC_ID));
    const replicas = new Set([...topic.partitions.values()].flatMap((partition) => [...partition.replicas]));
    if (own.length === 0 && !replicas.has(options.nodeId)) continue;
    for (const id of replicas) if (id !== options.nodeId) others.add(id);
    const settings = usableSettings(options, topic.name, kafka.configs.get(topic.name) ?? new Map());
    adopted.push(adoptedTopic(topic.name, topic.id, own, settings, topic));
  }
  if (others.size > 0) {
    options.logger.warn('the cluster had more brokers: only what lies in these folders is taken over', { otherBrokers: [...others].sort((a, b) => a - b).join(', ') });
  }
  return adopted;
}

function topicsOfFolders({ random }: AdoptionOptions, folders: readonly FoundPartition[]): AdoptedTopic[] {
  const byName = new Map<string, FoundPartition[]>();
  for (const found of folders) byName.set(found.topic, [...(byName.get(found.topic) ?? []), found]);
  return [...byName].map(([name, own]) => {
    const settings = COMPACTED_TOPICS.has(name) ? COMPACTED : KEEP_ALL;
    return adoptedTopic(name, commonId(name, own) ?? randomId(random), own, settings, null);
  });
}

/** Null when no folder has one. */
function commonId(name: string, folders: readonly FoundPartition[]): string | null {
  const withId = folders.filter(({ topicId }) => topicId !== ZERO_TOPIC_ID);
  const first = withId[0];
  if (first === undefined) return null;
  const other = withId.find(({ topicId }) => topicId !== first.topicId);
  if (other === undefined) return first.topicId;
  throw new MetadataError('corrupt', `${first.folder} and ${other.folder} belong to two topics of the name ${name} (ids ${first.topicId} and ${other.topicId}): move the deleted one away`);
}

function adoptedTopic(name: string, id: string, own: readonly FoundPartition[], settings: ReadonlyMap<string, string>, known: KafkaTopic | null): AdoptedTopic {
  const indexes = new Set([...own.map(({ index }) => index), ...(known?.partitions.keys() ?? [])]);
  const count = [...indexes].reduce((highest, index) => Math.max(highest, index), -1) + 1;
  const missing = count - new Set(own.map(({ index }) => index)).size;
  if (missing > PARTITIONS_PER_CHANGE_MAX) {
    throw new MetadataError('corrupt', `topic ${name} would have ${count} partitions, of which ${missing} have no folder: move ${name}-${count - 1} away, or bring the folders`);
  }
  const epochs = new Map([...(known?.partitions ?? [])].map(([index, { leaderEpoch }]) => [index, leaderEpoch]));
  for (const { index, leaderEpoch } of own) epochs.set(index, Math.max(leaderEpoch, epochs.get(index) ?? -1));
  // A leadership of its own for this node's first life.
  const leaderEpochs = Array.from({ length: count }, (_, index) => (epochs.get(index) ?? -1) + 1);
  return { name, id, leaderEpochs, missing, settings };
}

/** Those that mean something here. What is not taken is said: a topic must not behave differently without a word. */
function usableSettings({ layers, logger }: AdoptionOptions, topic: string, settings: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const usable = new Map<string, string>();
  for (const [key, value] of settings) {
    const problem = validateTopicConfigs(new Map([[key, value]]), layers);
    if (problem === null) usable.set(key, value);
    else logger.warn('a setting of a topic is not taken over', { topic, key, value, reason: problem });
  }
  return usable;
}

function checkTopic({ name }: AdoptedTopic): void {
  const problem = topicNameProblem(name);
  if (problem !== null) throw new MetadataError('corrupt', problem);
}

function recordsOf({ name, id, leaderEpochs, settings }: AdoptedTopic, nodeId: number): MetadataRecord[] {
  return [
    { kind: 'topic', name, id },
    ...[...settings].map(([key, value]): MetadataRecord => ({ kind: 'config', resourceType: ConfigResourceType.topic, resourceName: name, key, value })),
    ...leaderEpochs.map((leaderEpoch, index): MetadataRecord =>
      ({ kind: 'partition', topicId: id, index, replicas: [nodeId], inSyncReplicas: [nodeId], leader: nodeId, leaderEpoch, partitionEpoch: 0 })),
  ];
}

function sayWhatWasFound(logger: Logger, topics: readonly AdoptedTopic[], kafka: KafkaMetadata | null): void {
  for (const { name, missing } of topics) {
    if (missing > 0) logger.warn('partitions have no folder and begin empty', { topic: name, partitions: missing });
  }
  const notTakenOver = [...(kafka?.notTakenOver ?? [])];
  if (notTakenOver.length > 0) logger.warn(`not taken over from Kafka's metadata: ${notTakenOver.join(', ')}`);
  logger.info("the data of an Apache Kafka broker is taken over", { topics: topics.length, partitions: topics.reduce((sum, { leaderEpochs }) => sum + leaderEpochs.length, 0) });
}
