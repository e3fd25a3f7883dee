/**
 * Reads what a KRaft controller kept about topics, access control, credentials and client quotas: `__cluster_metadata-0` with its newest snapshot (`<end offset>-<epoch>.checkpoint`, KIP-630) and the
 * log behind it. Only for taking a stopped broker's data over: nothing here writes.
 */
import type { Disk } from '../../base/disk.ts';
import { compute } from '../../binding/load.ts';
import { readConfigRecord } from '../../protocol/generated/records/configRecord.ts';
import { readPartitionChangeRecord } from '../../protocol/generated/records/partitionChangeRecord.ts';
import { readPartitionRecord } from '../../protocol/generated/records/partitionRecord.ts';
import { readProducerIdsRecord } from '../../protocol/generated/records/producerIdsRecord.ts';
import { readRemoveTopicRecord } from '../../protocol/generated/records/removeTopicRecord.ts';
import { readTopicRecord } from '../../protocol/generated/records/topicRecord.ts';
import { MetadataRecordType } from '../../protocol/generated/records/types.ts';
import { Reader } from '../../protocol/reader.ts';
import { Field, attributesOf, baseOffsetOf, crcOf, headerDefect, isControl, lastOffsetOf, nextBatch, sizeOf } from '../../record/batchHeader.ts';
import { RecordCursor } from '../../record/iterate.ts';
import { readAccessRecord } from '../accessRecords.ts';
import { AclSet } from '../acls.ts';
import { ClientQuotaSet } from '../clientQuotas.ts';
import { readCredentialRecord } from '../credentialCodec.ts';
import { MutableCredentials } from '../credentials.ts';
import { ConfigResourceType } from '../types.ts';

export const KAFKA_METADATA_FOLDER = '__cluster_metadata-0';
const FRAME_VERSION = 1;
const FILE_BYTES_MAX = 2 ** 31 - 1;
const LOG_NAME = /^(\d{20})\.log$/;
const SNAPSHOT_NAME = /^(\d{20})-\d{10}\.checkpoint$/;
/** In a PartitionChangeRecord: the leader stays, and so does its epoch. */
const NO_LEADER_CHANGE = -2;
/** Newest version of each body that is read here. */
const VERSION_MAX: ReadonlyMap<number, number> = new Map([[MetadataRecordType.Partition, 2], [MetadataRecordType.PartitionChange, 2]]);

export interface KafkaPartition {
  replicas: readonly number[];
  leaderEpoch: number;
}

export interface KafkaTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: Map<number, KafkaPartition>;
}

/** The state after the last record. */
export interface KafkaMetadata {
  readonly topicsById: Map<string, KafkaTopic>;
  /** Settings of topics, by topic name. */
  readonly configs: Map<string, Map<string, string>>;
  readonly acls: AclSet;
  readonly clientQuotas: ClientQuotaSet;
  readonly credentials: MutableCredentials;
  /** Every producer id given out is below. */
  nextProducerId: number;
  /** What else the cluster had that is not read here, in words. */
  readonly notTakenOver: Set<string>;
}

/** Throws Error with the file and the reason for anything that does not read as KRaft metadata, DiskError. */
export async function readKafkaMetadata(disk: Disk, folder: string): Promise<KafkaMetadata> {
  const names = (await disk.list(folder)).map(({ name }) => name);
  const replay = new Replay();
  const snapshot = numbered(names, SNAPSHOT_NAME).at(-1);
  let expected = 0;
  if (snapshot !== undefined) {
    await eachBatch(disk, `${folder}/${snapshot.name}`, (bytes, at) => replay.batch(bytes, at));
    expected = snapshot.offset;
  }
  for (const log of numbered(names, LOG_NAME)) {
    await eachBatch(disk, `${folder}/${log.name}`, (bytes, at) => {
      if (lastOffsetOf(bytes, at) < expected) return;
      if (baseOffsetOf(bytes, at) > expected) throw new Error(`records from offset ${expected} are missing`);
      replay.batch(bytes, at);
      expected = lastOffsetOf(bytes, at) + 1;
    });
  }
  if (expected === 0) throw new Error(`${folder} holds no records`);
  return replay.state;
}

function numbered(names: readonly string[], pattern: RegExp): { name: string; offset: number }[] {
  const found = names.flatMap((name) => {
    const match = pattern.exec(name);
    return match === null ? [] : [{ name, offset: Number(match[1]) }];
  });
  return found.sort((a, b) => a.offset - b.offset);
}

async function eachBatch(disk: Disk, path: string, visit: (bytes: Buffer, position: number) => void): Promise<void> {
  const bytes = (await disk.readFile(path, FILE_BYTES_MAX)) ?? Buffer.alloc(0);
  let position = 0;
  try {
    for (let next = nextBatch(bytes, 0); next !== -1; position = next, next = nextBatch(bytes, position)) {
      const defect = headerDefect(bytes, position);
      if (defect !== '') throw new Error(defect);
      const checked = bytes.subarray(position + Field.attributes, position + sizeOf(bytes, position));
      if (compute.crc32c(checked) !== crcOf(bytes, position)) throw new Error('the checksum is wrong');
      visit(bytes, position);
    }
    if (position !== bytes.length) throw new Error('no whole batch');
  } catch (error) {
    throw new Error(`${path} at byte ${position}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

class Replay {
  readonly state: KafkaMetadata = { topicsById: new Map(), configs: new Map(), acls: new AclSet(), clientQuotas: new ClientQuotaSet(), credentials: new MutableCredentials(), nextProducerId: 0, notTakenOver: new Set() };
  readonly #cursor = new RecordCursor();
  /** Records of a metadata transaction (KIP-868) that has not ended yet; null outside of one. */
  #pending: Buffer[] | null = null;

  batch(bytes: Buffer, position: number): void {
    if (isControl(attributesOf(bytes, position))) return;
    this.#cursor.open(bytes, position, null);
    while (this.#cursor.next()) this.#record(this.#cursor.value() ?? Buffer.alloc(0));
  }

  #record(value: Buffer): void {
    const type = new Frame(value).type;
    if (type === MetadataRecordType.BeginTransaction) this.#pending = [];
    else if (type === MetadataRecordType.AbortTransaction) this.#pending = null;
    else if (type === MetadataRecordType.EndTransaction) this.#endTransaction();
    else if (this.#pending !== null) this.#pending.push(value);
    else this.#apply(value);
  }

  #endTransaction(): void {
    const pending = this.#pending ?? [];
    this.#pending = null;
    for (const value of pending) this.#apply(value);
  }

  #apply(value: Buffer): void {
    const { type, version, reader } = new Frame(value);
    if (!this.#applies(type, reader, version)) return;
    reader.finish();
    if (version > (VERSION_MAX.get(type) ?? 0)) throw new Error(`version ${version} of metadata record type ${type} is not known`);
  }

  /** False for a kind that is not read here. */
  #applies(type: number, reader: Reader, version: number): boolean {
    switch (type) {
      case MetadataRecordType.Topic: {
        const { name, topicId } = readTopicRecord(reader, version);
        this.state.topicsById.set(topicId, { name, id: topicId, partitions: new Map() });
        return true;
      }
      case MetadataRecordType.Partition: {
        const { topicId, partitionId, replicas, leaderEpoch } = readPartitionRecord(reader, version);
        this.#topic(topicId).partitions.set(partitionId, { replicas, leaderEpoch });
        return true;
      }
      case MetadataRecordType.PartitionChange:
        this.#changePartition(reader, version);
        return true;
      case MetadataRecordType.RemoveTopic:
        this.#removeTopic(readRemoveTopicRecord(reader, version).topicId);
        return true;
      case MetadataRecordType.Config:
        this.#setConfig(reader, version);
        return true;
      case MetadataRecordType.ProducerIds:
        this.state.nextProducerId = Number(readProducerIdsRecord(reader, version).nextProducerId);
        return true;
      default:
        return this.#appliesAccess(type, reader, version);
    }
  }

  #appliesAccess(type: number, reader: Reader, version: number): boolean {
    const record = readAccessRecord(reader, type, version);
    if (record === undefined) return this.#appliesCredential(type, reader, version);
    const { acls, clientQuotas } = this.state;
    if (record.kind === 'acl') acls.add(record.id, record.acl);
    else if (record.kind === 'removeAcl') acls.remove(record.id);
    else if (record.value === null) clientQuotas.remove(record.entity, record.key);
    else clientQuotas.set(record.entity, record.key, record.value);
    return true;
  }

  #appliesCredential(type: number, reader: Reader, version: number): boolean {
    const record = readCredentialRecord(reader, type, version);
    if (record !== null) this.state.credentials.apply(record);
    return record !== null;
  }

  #topic(id: string): KafkaTopic {
    const topic = this.state.topicsById.get(id);
    if (topic === undefined) throw new Error(`a record is about topic ${id}, which there is not`);
    return topic;
  }

  #changePartition(reader: Reader, version: number): void {
    const { topicId, partitionId, leader, replicas } = readPartitionChangeRecord(reader, version);
    const partition = this.#topic(topicId).partitions.get(partitionId);
    if (partition === undefined) throw new Error(`a record is about partition ${partitionId} of topic ${topicId}, which there is not`);
    if (replicas !== null) partition.replicas = replicas;
    if (leader !== NO_LEADER_CHANGE) partition.leaderEpoch += 1;
  }

  #removeTopic(id: string): void {
    this.state.configs.delete(this.#topic(id).name);
    this.state.topicsById.delete(id);
  }

  #setConfig(reader: Reader, version: number): void {
    const { resourceType, resourceName, name, value } = readConfigRecord(reader, version);
    if (resourceType !== ConfigResourceType.topic) {
      if (value !== null) this.state.notTakenOver.add('settings made while running that are not a topic\'s');
      return;
    }
    const settings = this.state.configs.get(resourceName) ?? new Map<string, string>();
    this.state.configs.set(resourceName, settings);
    if (value === null) settings.delete(name);
    else settings.set(name, value);
  }
}

/** Frame version, type and version in front of each record's body. */
class Frame {
  readonly reader: Reader;
  readonly type: number;
  readonly version: number;

  constructor(value: Buffer) {
    this.reader = new Reader(value);
    const frameVersion = this.reader.unsignedVarint();
    this.type = this.reader.unsignedVarint();
    this.version = this.reader.unsignedVarint();
    if (!this.reader.ok) throw new Error('a metadata record is cut short');
    if (frameVersion !== FRAME_VERSION) throw new Error(`metadata frame version ${frameVersion} is not known`);
  }
}
