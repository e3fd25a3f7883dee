import { DiskError } from '../../base/disk.ts';
import type { Disk } from '../../base/disk.ts';
import type { Clock, Logger, Random } from '../../base/ports.ts';
import type { Settings } from '../../config/layers.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { Writer } from '../../protocol/writer.ts';
import { decideAclRemoval, decideNewAcls } from '../aclDecisions.ts';
import type { AclBinding, AclFilter } from '../acls.ts';
import { decideQuotas } from '../clientQuotaDecisions.ts';
import { decideNewToken, decideScram, decideTokenChange, decideTokenSweep } from '../credentialDecisions.ts';
import type { ScramDeletion, ScramUpsertion, TokenChange, TokenOutcome } from '../credentialDecisions.ts';
import type { DelegationToken } from '../credentials.ts';
import { decideConfigs, decideIncrementalConfigs } from '../configDecisions.ts';
import { accepted, decideNewPartitions, decideNewTopic, PARTITIONS_PER_CHANGE_MAX, refused } from '../decisions.ts';
import type { DecisionContext, TopicDefaults } from '../decisions.ts';
import { decideFeatures } from '../featureDecisions.ts';
import { MutableClusterImage } from '../image.ts';
import { decodeMetadataRecord, encodeMetadataRecord } from '../recordCodec.ts';
import type { BrokerFact, MetadataRecord } from '../records.ts';
import { shareMinimum } from '../sharedMinimum.ts';
import { ConfigResourceType, MetadataError } from '../types.ts';
import type {
  AclDeletion, BrokerRegistration, ChangeOutcome, ClusterImage, ClusterMetadata, ConfigChange, Controller, FeatureSpan, FeatureUpdate, MetadataDelta, NewTopic, NewTopicOutcome, QuotaAlteration,
} from '../types.ts';
import { Journal } from './journal.ts';

/** As many as Kafka hands out at once. */
const PRODUCER_IDS_PER_BLOCK = 1000;
/** Folder of the journal beside the partitions; it has no number at its end, so that it cannot be taken for one of them. */
export const EMBEDDED_METADATA_FOLDER = '__tidelog_metadata';
const INCARNATION_BYTES = 16;

export interface EmbeddedMetadataOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The data directory under which the journal's folder lies. */
  readonly directory: string;
  /** Asked when somebody wants to know: the data directories say it, once they are open. */
  readonly clusterId: () => string;
  readonly nodeId: number;
  readonly defaults: TopicDefaults;
  /** The broker's file: topic settings are checked against it together with what was set while running. */
  readonly staticSettings: Settings;
  readonly snapshotAfterBytes?: number;
  /** What a journal that is new begins with, so that the folders that are there already are known. Written together with the first life: both or neither. */
  readonly firstRecords?: () => Promise<readonly MetadataRecord[]>;
}

/** The metadata of a cluster of one node, kept by the node itself. */
export interface EmbeddedMetadata extends ClusterMetadata {
  /** There was no journal, and nothing to begin one with: over folders that hold partitions, that means that it was lost. */
  readonly isNew: boolean;
}

/**
 * Opens the journal, replays it and begins a new life of this node: every partition enters a new leader epoch, so that clients notice a tail that a crash
 * took. Rejects with MetadataError `corrupt` (with the path) or `fenced` (the journal is another node's), DiskError, or what
 * `firstRecords` throws; then no journal was begun.
 */
export async function openEmbeddedMetadata(options: EmbeddedMetadataOptions): Promise<EmbeddedMetadata> {
  const image = new MutableClusterImage(options.clusterId, options.nodeId);
  image.beginReplay();
  const folder = `${options.directory}/${EMBEDDED_METADATA_FOLDER}`;
  const { firstRecords } = options;
  // Before the folder is made: Apache Kafka, for one, does not start where it finds it.
  let first = firstRecords === undefined || (await exists(options.disk, folder)) ? null : await firstRecords();
  const journal = await Journal.open({
    disk: options.disk,
    directory: folder,
    now: () => options.clock.now(),
    onBatch: (values, nextOffset) => image.apply(values.map(decodeMetadataRecord), nextOffset - 1),
    ...(options.snapshotAfterBytes === undefined ? {} : { snapshotAfterBytes: options.snapshotAfterBytes }),
  });
  image.endReplay();
  const isBegun = !journal.isEmpty;
  const metadata = new Embedded(options, image, journal, !isBegun && firstRecords === undefined);
  try {
    // The folder may be there from an attempt that came no further.
    if (!isBegun && firstRecords !== undefined) first ??= await firstRecords();
    await metadata.beginLife(isBegun ? [] : (first ?? []));
  } catch (error) {
    await metadata.close();
    throw error;
  }
  return metadata;
}

async function exists(disk: Disk, folder: string): Promise<boolean> {
  return disk.list(folder).then(() => true, (error: unknown) => {
    if (error instanceof DiskError && error.code === 'ENOENT') return false;
    throw error;
  });
}

/** Changes that must be possible on a full disk: those that free room, and the node's own registration. */
type Urgency = 'urgent' | 'normal';

/** What a request decided: records to write (none: nothing changes) and what to answer once they are durable. */
interface Decision<T> {
  readonly records: readonly MetadataRecord[];
  answer(): T;
}

class Embedded implements EmbeddedMetadata, Controller {
  readonly isNew: boolean;
  readonly #options: EmbeddedMetadataOptions;
  readonly #image: MutableClusterImage;
  readonly #journal: Journal;
  readonly #writer = new Writer();
  readonly #listeners = new Set<(delta: MetadataDelta, image: ClusterImage) => void>();
  readonly #incarnationId: string;
  /** Changes run one after the other, each on the image that the one before left. */
  #tail: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: EmbeddedMetadataOptions, image: MutableClusterImage, journal: Journal, isNew: boolean) {
    this.#options = options;
    this.#image = image;
    this.#journal = journal;
    this.isNew = isNew;
    this.#incarnationId = Buffer.from(options.random.bytes(INCARNATION_BYTES)).toString('base64url');
  }

  get image(): ClusterImage {
    return this.#image;
  }

  get controller(): Controller {
    return this;
  }

  subscribe(listener: (delta: MetadataDelta, image: ClusterImage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async beginLife(first: readonly MetadataRecord[]): Promise<void> {
    const { nodeId } = this.#options;
    for (const other of this.#image.brokers.keys()) {
      if (other !== nodeId) throw new MetadataError('fenced', `the metadata in ${this.#journal.directory} belongs to node ${other}; this node is ${nodeId}`);
    }
    const known = this.#image.brokers.get(nodeId);
    await this.#change(() => {
      const { records, answer } = this.#registration(known?.endpoints ?? [], known?.rack ?? null, true);
      return { records: [...records, ...first], answer };
    }, 'urgent');
  }

  async register(broker: Omit<BrokerRegistration, 'epoch' | 'fenced'>): Promise<void> {
    if (broker.id !== this.#options.nodeId) throw new MetadataError('fenced', `node ${this.#options.nodeId} cannot register node ${broker.id}`);
    await this.#change(() => this.#registration(broker.endpoints, broker.rack, false), 'urgent');
  }

  #registration(endpoints: BrokerFact['endpoints'], rack: string | null, fenced: boolean): Decision<void> {
    const record: BrokerFact = {
      kind: 'broker', id: this.#options.nodeId, incarnationId: this.#incarnationId, epoch: this.#journal.nextOffset, rack, endpoints, fenced,
    };
    return { records: [record], answer: () => undefined };
  }

  createTopics(topics: readonly NewTopic[], validateOnly: boolean): Promise<NewTopicOutcome[]> {
    return this.#change(() => {
      const records: MetadataRecord[] = [];
      let partitionsLeft = PARTITIONS_PER_CHANGE_MAX;
      const names = new Set<string>();
      const decided = topics.map((topic) => {
        if (names.has(topic.name)) return refused(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.');
        names.add(topic.name);
        const before = records.length;
        const result = decideNewTopic(this.#context(), topic, records, partitionsLeft);
        partitionsLeft -= records.slice(before).filter((record) => record.kind === 'partition').length;
        return result;
      });
      const answer = (): NewTopicOutcome[] => decided.map((result) =>
        typeof result === 'string' ? { ...accepted, topic: this.#image.topicsById.get(result) ?? drafted(records, result) } : { ...result, topic: null });
      return { records: validateOnly ? [] : records, answer };
    });
  }

  deleteTopics(topicIds: readonly string[]): Promise<ChangeOutcome[]> {
    return this.#change(() => {
      const records: MetadataRecord[] = [];
      const seen = new Set<string>();
      const outcomes = topicIds.map((id) => {
        if (!this.#image.topicsById.has(id) || seen.has(id)) return refused(ErrorCode.UNKNOWN_TOPIC_ID);
        seen.add(id);
        records.push({ kind: 'removeTopic', id });
        return accepted;
      });
      return { records, answer: () => outcomes };
    }, 'urgent');
  }

  createPartitions(topic: string, count: number, assignments: readonly (readonly number[])[], validateOnly: boolean): Promise<ChangeOutcome> {
    return this.#decide(validateOnly, (records) => decideNewPartitions(this.#context(), topic, count, assignments, records));
  }

  incrementalAlterConfigs(type: ConfigResourceType, name: string, changes: readonly ConfigChange[], validateOnly: boolean): Promise<ChangeOutcome> {
    return this.#decide(validateOnly, (records) => decideIncrementalConfigs(this.#context(), type, name, changes, records), 'urgent');
  }

  alterConfigs(type: ConfigResourceType, name: string, configs: ReadonlyMap<string, string | null>, validateOnly: boolean): Promise<ChangeOutcome> {
    return this.#decide(validateOnly, (records) => decideConfigs(this.#context(), type, name, configs, records), 'urgent');
  }

  createAcls(bindings: readonly AclBinding[]): Promise<ChangeOutcome[]> {
    return this.#decide(false, (records) => decideNewAcls(this.#image.acls, this.#options.random, bindings, records));
  }

  deleteAcls(filters: readonly AclFilter[]): Promise<AclDeletion[]> {
    return this.#decide(false, (records) => decideAclRemoval(this.#image.acls, filters, records), 'urgent');
  }

  alterClientQuotas(alterations: readonly QuotaAlteration[], validateOnly: boolean): Promise<ChangeOutcome[]> {
    return this.#decide(validateOnly, (records) => decideQuotas(this.#image.clientQuotas, alterations, records), 'urgent');
  }

  alterScramCredentials(deletions: readonly ScramDeletion[], upsertions: readonly ScramUpsertion[]): Promise<ReadonlyMap<string, ChangeOutcome>> {
    return this.#decide(false, (records) => decideScram(this.#image.credentials, deletions, upsertions, records));
  }

  createDelegationToken(token: DelegationToken): Promise<ChangeOutcome> {
    return this.#decide(false, (records) => decideNewToken(this.#image.credentials, token, records));
  }

  changeDelegationToken(change: TokenChange): Promise<TokenOutcome> {
    return this.#decide(false, (records) => decideTokenChange(this.#image.credentials, change, records), 'urgent');
  }

  sweepDelegationTokens(nowMs: number): Promise<void> {
    return this.#decide(false, (records) => decideTokenSweep(this.#image.credentials, nowMs, records), 'urgent');
  }

  updateFeatures(supported: readonly FeatureSpan[], updates: readonly FeatureUpdate[], validateOnly: boolean): Promise<ChangeOutcome> {
    const { features, controllerId } = this.#image;
    return this.#decide(validateOnly, (records) => {
      const outcome = decideFeatures({ levels: features, supported, controllerId }, updates, records);
      shareMinimum(this.#image, this.#options.staticSettings.get('min.insync.replicas'), records);
      return outcome;
    }, 'urgent');
  }

  allocateProducerIds(): Promise<{ first: number; count: number }> {
    return this.#change(() => {
      const first = this.#image.nextProducerId;
      const brokerEpoch = this.#image.brokers.get(this.#options.nodeId)?.epoch ?? -1;
      const record: MetadataRecord = { kind: 'producerIds', brokerId: this.#options.nodeId, brokerEpoch, nextProducerId: first + PRODUCER_IDS_PER_BLOCK };
      return { records: [record], answer: () => ({ first, count: PRODUCER_IDS_PER_BLOCK }) };
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#tail;
    await this.#journal.close();
  }

  #context(): DecisionContext {
    const { nodeId, staticSettings, defaults, random } = this.#options;
    const dynamicBroker = this.#image.configsOf(ConfigResourceType.broker, String(nodeId));
    const dynamicDefault = this.#image.configsOf(ConfigResourceType.broker, '');
    return { image: this.#image, defaults, random, layers: { dynamicBroker, dynamicDefault, static: staticSettings } };
  }

  #decide<T>(validateOnly: boolean, decide: (records: MetadataRecord[]) => T, urgency: Urgency = 'normal'): Promise<T> {
    return this.#change(() => {
      const records: MetadataRecord[] = [];
      const outcome = decide(records);
      return { records: validateOnly ? [] : records, answer: () => outcome };
    }, urgency);
  }

  #change<T>(decide: () => Decision<T>, urgency: Urgency = 'normal'): Promise<T> {
    if (this.#closed) return Promise.reject(new MetadataError('unavailable', 'the metadata is closed'));
    const done = this.#tail.then(() => this.#run(decide, urgency));
    this.#tail = done.then(() => this.#sumUp(), () => undefined);
    return done;
  }

  async #run<T>(decide: () => Decision<T>, urgency: Urgency): Promise<T> {
    const { records, answer } = decide();
    if (records.length > 0) {
      await this.#journal.append(records.map((record) => encodeMetadataRecord(this.#writer, record)), urgency === 'urgent');
      this.#publish(this.#image.apply(records, this.#journal.nextOffset - 1));
    }
    return answer();
  }

  #publish(delta: MetadataDelta): void {
    for (const listener of this.#listeners) listener(delta, this.#image);
  }

  /** Keeps the journal short. It can wait: a failure is said and tried again after the next change. */
  async #sumUp(): Promise<void> {
    if (!this.#journal.isLong) return;
    try {
      await this.#journal.snapshot(this.#encodedImage());
    } catch (error) {
      this.#options.logger.warn('the metadata journal could not be shortened', { directory: this.#journal.directory, reason: String(error) });
    }
  }

  *#encodedImage(): Generator<Buffer> {
    for (const record of this.#image.snapshot()) yield encodeMetadataRecord(this.#writer, record);
  }
}

/** What a topic that was only validated would have looked like. */
function drafted(records: readonly MetadataRecord[], id: string): NewTopicOutcome['topic'] {
  const draft = new MutableClusterImage(() => '', -1);
  draft.apply(records.filter((record) => (record.kind === 'topic' && record.id === id) || (record.kind === 'partition' && record.topicId === id)), 0);
  return draft.topicsById.get(id) ?? null;
}
