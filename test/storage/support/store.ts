import { MemoryDisk } from '../../../src/storage/disk/memory.ts';
import type { MemoryFiles } from '../../../src/storage/disk/memoryFiles.ts';
import type { Disk } from '../../../src/base/disk.ts';
import { BatchBuilder } from '../../../src/record/build.ts';
import type { BatchOptions } from '../../../src/record/build.ts';
import { decodeBatch } from '../../../src/record/iterate.ts';
import { nextBatch, attributesOf, codecIn } from '../../../src/record/batchHeader.ts';
import { recordsOf } from '../../../src/record/codecs.ts';
import { InlineInflater } from '../../../src/record/inlineInflater.ts';
import { createStore, defaultTopicConfig } from '../../../src/storage/index.ts';
import type { AppendInfo, AppendOptions, Log, LogError, StoreManager, StoreOptions, TopicConfigView } from '../../../src/storage/index.ts';
import { fakePorts, seededRandom } from './ports.ts';
import type { FakePorts } from './ports.ts';

export const TOPIC_ID = 'AbCdEfGhIjKlMnOpQrStUw';
export const CLIENT: AppendOptions = { leaderEpoch: 0, origin: 'client' };
export const COORDINATOR: AppendOptions = { leaderEpoch: 0, origin: 'coordinator' };
export const REPLICA: AppendOptions = { leaderEpoch: 0, origin: 'replica' };

export const topicConfig = (changes: Partial<TopicConfigView> = {}): TopicConfigView => ({
  ...defaultTopicConfig, segmentIndexBytes: 65_536, indexIntervalBytes: 200, messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER, ...changes,
});

export function memoryDisk(ports: FakePorts, files?: MemoryFiles): MemoryDisk {
  return new MemoryDisk({ random: seededRandom(7), clock: ports.clock }, files);
}

/** The process died, the machine did not: what was written is still there. */
export const afterKill = (disk: MemoryDisk, ports: FakePorts): MemoryDisk => memoryDisk(ports, disk.files);

export interface Bench {
  readonly store: StoreManager;
  readonly disk: Disk;
  readonly ports: FakePorts;
}

/** A started store on `/data`. */
export async function startStore(
  options: Partial<StoreOptions> & { readonly ports?: FakePorts; readonly config?: TopicConfigView } = {},
): Promise<{ store: StoreManager; disk: MemoryDisk; ports: FakePorts }> {
  const ports = options.ports ?? fakePorts();
  const disk = (options.disk as MemoryDisk | undefined) ?? memoryDisk(ports);
  const store = createStore({ inflater: new InlineInflater(), directories: ['/data'], highWatermarkFollowsEnd: true, ...options, disk, ports });
  await store.start(() => options.config ?? topicConfig());
  return { store, disk, ports };
}

export function batchOf(values: readonly string[], options: BatchOptions & { readonly timestamps?: readonly number[]; readonly keys?: readonly (string | null)[] } = {}): Buffer {
  const builder = new BatchBuilder();
  values.forEach((value, index) => {
    const key = options.keys?.[index];
    builder.append(key === undefined || key === null ? null : Buffer.from(key), Buffer.from(value), null, options.timestamps?.[index] ?? 1_699_999_999_000 + index);
  });
  return builder.close(options);
}

export function append(log: Log, bytes: Buffer, options: AppendOptions = CLIENT): Promise<AppendInfo> {
  return new Promise((resolve, reject) => log.append(bytes, options, (error, info) => (error === null ? resolve(info as AppendInfo) : reject(error))));
}

export function flush(log: Log): Promise<void> {
  return new Promise((resolve, reject) => log.flush((error) => (error === null ? resolve() : reject(error))));
}

/** The error of an append that has to fail. */
export async function refusal(promise: Promise<unknown>): Promise<LogError> {
  try {
    await promise;
  } catch (error) {
    return error as LogError;
  }
  throw new Error('it was accepted');
}

export interface ReadRecord {
  readonly offset: number;
  readonly value: string;
  readonly timestampMs: number;
}

/** All records of whole batches in `bytes`. */
export function recordsIn(bytes: Buffer): ReadRecord[] {
  const records: ReadRecord[] = [];
  for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
    const inflated = codecIn(attributesOf(bytes, at)) === 0 ? null : recordsOf(bytes, at, 1 << 28);
    for (const record of decodeBatch(bytes, at, inflated)) records.push({ offset: record.offset, value: String(record.value), timestampMs: record.timestampMs });
  }
  return records;
}

/** Reads the log from its start to `maxOffset` by many small reads. */
export function readAll(log: Log, maxOffset = log.logEndOffset, maxBytes = 500): ReadRecord[] {
  const records: ReadRecord[] = [];
  let offset = log.logStartOffset;
  while (offset < maxOffset) {
    const result = log.read(offset, maxBytes, maxOffset, true);
    const found = recordsIn(Buffer.from(result.bytes)).filter((record) => record.offset >= offset);
    result.release();
    if (found.length === 0) break;
    records.push(...found);
    offset = (found.at(-1) as ReadRecord).offset + 1;
  }
  return records;
}
