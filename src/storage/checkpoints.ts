/**
 * Kafka's text files of offsets: line 1 the version 0, line 2 the number of entries, then one entry a line.
 * `recovery-point-offset-checkpoint` and its like have `topic partition offset`, `leader-epoch-checkpoint` has `epoch offset`.
 */
import type { Disk } from '../base/disk.ts';
import type { DirectoryChecksums } from './checksums.ts';
import { SharedRun } from './concurrently.ts';
import { FileName } from './fileNames.ts';

const VERSION = '0';
/** 10 million partitions of the longest name do not pass it. */
export const CHECKPOINT_SIZE_MAX_BYTES = 0x7fffffff;

export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

function linesOf(text: string): string[] | null {
  const lines = text.split('\n');
  const count = lines[1] ?? '';
  if (lines[0] !== VERSION || !/^[0-9]{1,15}$/.test(count)) return null;
  const entries = lines.slice(2).filter((line) => line.trim() !== '');
  return entries.length === Number(count) ? entries : null;
}

function safeInteger(text: string | undefined): number | null {
  if (text === undefined || !/^-?[0-9]{1,16}$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

/** Null when the text is not a whole, well-formed checkpoint. */
export function parseOffsetCheckpoint(text: string): PartitionOffset[] | null {
  const lines = linesOf(text);
  if (lines === null) return null;
  const entries: PartitionOffset[] = [];
  for (const line of lines) {
    const [topic, partitionText, offsetText, ...rest] = line.split(/\s+/);
    const partition = safeInteger(partitionText);
    const offset = safeInteger(offsetText);
    if (!topic || partition === null || partition < 0 || offset === null || offset < 0 || rest.length > 0) return null;
    entries.push({ topic, partition, offset });
  }
  return entries;
}

export function formatOffsetCheckpoint(entries: readonly PartitionOffset[]): Buffer {
  const lines = entries.map((entry) => `${entry.topic} ${entry.partition} ${entry.offset}\n`);
  return Buffer.from(`${VERSION}\n${entries.length}\n${lines.join('')}`, 'utf8');
}

export interface OffsetsRead {
  /** Null: there is no file. */
  readonly bytes: Buffer | null;
  /** Null: damaged, and nothing replaces it. */
  readonly entries: PartitionOffset[] | null;
  readonly state: 'right' | 'replaced' | 'damaged';
}

/** A checkpoint held to its checksum, where there is one; a file that is not there has no entries. Rejects with DiskError. */
export async function readOffsetCheckpoint(checksums: DirectoryChecksums, name: string): Promise<OffsetsRead> {
  const { bytes, state, copy } = await checksums.read(name, CHECKPOINT_SIZE_MAX_BYTES);
  const entries = bytes === null || state === 'damaged' ? null : parseOffsetCheckpoint(bytes.toString('utf8'));
  if (entries !== null) return { bytes, entries, state: 'right' };
  // Who takes the recovery points away wants everything to be looked at.
  const copied = copy === null || (bytes === null && name === FileName.recoveryPoints) ? null : parseOffsetCheckpoint(copy.toString('utf8'));
  if (copied !== null) return { bytes, entries: copied, state: 'replaced' };
  return bytes === null ? { bytes, entries: [], state: 'right' } : { bytes, entries: null, state: 'damaged' };
}

export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

/** Null when the text is not a whole, well-formed checkpoint with ascending epochs and offsets. */
export function parseEpochCheckpoint(text: string): EpochStart[] | null {
  const lines = linesOf(text);
  if (lines === null) return null;
  const entries: EpochStart[] = [];
  for (const line of lines) {
    const [epochText, offsetText, ...rest] = line.split(/\s+/);
    const epoch = safeInteger(epochText);
    const startOffset = safeInteger(offsetText);
    if (epoch === null || epoch < 0 || epoch > 0x7fffffff || startOffset === null || startOffset < 0 || rest.length > 0) return null;
    const last = entries.at(-1);
    if (last && (epoch <= last.epoch || startOffset < last.startOffset)) return null;
    entries.push({ epoch, startOffset });
  }
  return entries;
}

export function formatEpochCheckpoint(entries: readonly EpochStart[]): Buffer {
  return Buffer.from(`${VERSION}\n${entries.length}\n${entries.map((entry) => `${entry.epoch} ${entry.startOffset}\n`).join('')}`, 'utf8');
}

/** Where a checkpoint's checksum is kept. */
export interface CheckpointSums {
  readonly checksums: DirectoryChecksums;
  readonly name: string;
}

/**
 * One checkpoint file that is written again and again; writes that were asked for while one runs are served together by the next, and
 * content that the file has already is not written.
 */
export class CheckpointFile {
  readonly path: string;
  readonly #disk: Disk;
  readonly #content: () => Buffer;
  readonly #sums: CheckpointSums | null;
  readonly #writes: SharedRun;
  #written: Buffer | null = null;

  /** `content` is asked when a write begins. */
  constructor(disk: Disk, path: string, content: () => Buffer, sums: CheckpointSums | null = null) {
    this.path = path;
    this.#disk = disk;
    this.#content = content;
    this.#sums = sums;
    this.#writes = new SharedRun(() => this.#write());
  }

  /** Resolves when the content of a moment after this call is durable. Rejects with DiskError. */
  write(): Promise<void> {
    return this.#writes.run();
  }

  /** The file holds these bytes, durably. */
  believe(bytes: Buffer): void {
    this.#written = bytes;
  }

  async #write(): Promise<void> {
    const bytes = this.#content();
    if (this.#written?.equals(bytes)) return;
    this.#written = null;
    const sums = this.#sums;
    // The checksum first: whatever a crash leaves of the two, it knows both contents.
    if (sums !== null) await sums.checksums.expect(sums.name, bytes, true);
    try {
      await this.#disk.writeFileAtomic(this.path, bytes);
    } catch (error) {
      await sums?.checksums.lookUp(sums.name, CHECKPOINT_SIZE_MAX_BYTES);
      throw error;
    }
    sums?.checksums.settle(sums.name, bytes);
    this.#written = bytes;
  }
}
