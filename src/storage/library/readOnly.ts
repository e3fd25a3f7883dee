/** A store that another process may be writing, opened for reading only: no lock, nothing is changed. */
import type { BatchPosition, Disk, Segment, SegmentView } from '../../base/disk.ts';
import { DiskError } from '../../base/disk.ts';
import type { Clock } from '../../base/ports.ts';
import { nextBatch } from '../../record/batchHeader.ts';
import type { Inflater } from '../../record/inflater.ts';
import { readOffsetCheckpoint } from '../checkpoints.ts';
import { DirectoryChecksums } from '../checksums.ts';
import { FileName, Suffix, partitionFolder, segmentFileName } from '../fileNames.ts';
import { readRecords } from '../inflation.ts';
import { LogError } from '../types.ts';
import type { ReadResult } from '../types.ts';
import { readBackwards, readBatchesOf, readRecordsOf, streamOf, tailOf } from './reading.ts';
import type { BatchSource, ReadOptions, TailOptions } from './reading.ts';
import type { LogRecord } from './records.ts';

export interface ReadOnlyEnvironment {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly inflater: Inflater;
  readonly inflatedBatchMaxBytes: number;
  /** How often a tail looks for what was appended. */
  readonly pollMs: number;
}

interface FoundSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
}

/** One log of such a store. */
export class ReadOnlyLog {
  readonly name: string;
  readonly #source: FolderSource;

  /** Made by `openLogsReadOnly`; `refresh` comes before the first read. */
  constructor(environment: ReadOnlyEnvironment, root: string, name: string) {
    this.name = name;
    this.#source = new FolderSource(environment, root, name);
  }

  get startOffset(): number {
    return this.#source.startOffset;
  }

  /** Records below it were whole at the last `refresh`. */
  get readableOffset(): number {
    return this.#source.readableOffset;
  }

  /** Looks at what the writer did since. */
  refresh(): Promise<void> {
    return this.#source.refresh();
  }

  read(options: ReadOptions = {}): AsyncGenerator<LogRecord, void, void> {
    return readRecordsOf(this.#source, options);
  }

  readBatches(options: ReadOptions = {}): AsyncGenerator<LogRecord[], void, void> {
    return readBatchesOf(this.#source, options);
  }

  readBackwards(options: ReadOptions = {}): AsyncGenerator<LogRecord, void, void> {
    return readBackwards(this.#source, options);
  }

  tail(options: TailOptions = {}): AsyncGenerator<LogRecord, void, void> {
    return tailOf(this.#source, options);
  }

  stream(options: TailOptions & { readonly highWaterMarkBytes?: number } = {}): ReadableStream<LogRecord> {
    return streamOf(this.#source, options);
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}

class FolderSource implements BatchSource {
  readonly #environment: ReadOnlyEnvironment;
  readonly #root: string;
  readonly #name: string;
  readonly #folder: string;
  #segments: FoundSegment[] = [];
  readonly #open = new Map<number, Segment>();
  #startOffset = 0;
  #readable = 0;
  /** Bytes of the last segment whose batches are whole. */
  #validBytes = 0;
  #refreshing: Promise<void> | null = null;
  #isClosed = false;

  constructor(environment: ReadOnlyEnvironment, root: string, name: string) {
    this.#environment = environment;
    this.#root = root;
    this.#name = name;
    this.#folder = `${root}/${partitionFolder(name, 0)}`;
  }

  get startOffset(): number {
    return this.#startOffset;
  }

  get readableOffset(): number {
    return this.#readable;
  }

  checkUsable(): void {
    if (this.#isClosed) throw new LogError('closed', `log ${this.#name} is closed`);
  }

  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => void (this.#refreshing = null));
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    this.checkUsable();
    const found = await this.#list();
    const last = found.at(-1);
    const before = this.#segments.at(-1);
    // What is kept ahead of appends is of the file's size already: records may have come there.
    const mayHaveMore = last !== undefined && last.sizeBytes > this.#validBytes;
    const isSame = last !== undefined && before !== undefined && last.baseOffset === before.baseOffset && last.sizeBytes === before.sizeBytes && !mayHaveMore;
    // A segment of the same name may be another file now: what compaction wrote.
    const sizes = new Map(this.#segments.map(({ baseOffset, sizeBytes }) => [baseOffset, sizeBytes]));
    const kept = new Set(found.filter(({ baseOffset, sizeBytes }) => sizes.get(baseOffset) === sizeBytes).map(({ baseOffset }) => baseOffset));
    if (mayHaveMore) kept.delete(last.baseOffset);
    for (const [baseOffset, segment] of this.#open) if (!kept.has(baseOffset)) await this.#close(baseOffset, segment);
    const grew = last !== undefined && last.baseOffset === before?.baseOffset && last.sizeBytes >= this.#validBytes ? this.#validBytes : 0;
    this.#segments = found;
    this.#startOffset = Math.max(await this.#readStart(), found[0]?.baseOffset ?? 0);
    if (last === undefined || isSame) return;
    const { validBytes, nextOffset } = await this.#segment(last.baseOffset).scan(grew, () => {});
    this.#validBytes = validBytes;
    this.#readable = Math.max(nextOffset, last.baseOffset);
  }

  async #list(): Promise<FoundSegment[]> {
    const found: FoundSegment[] = [];
    for (const { name, sizeBytes } of await this.#environment.disk.list(this.#folder)) {
      const parsed = segmentFileName(name);
      if (parsed !== null && parsed.type === Suffix.log && parsed.state === '') found.push({ baseOffset: parsed.baseOffset, sizeBytes });
    }
    return found.sort((left, right) => left.baseOffset - right.baseOffset);
  }

  async #readStart(): Promise<number> {
    const checksums = new DirectoryChecksums({ disk: this.#environment.disk, folder: this.#root });
    await checksums.load();
    const { entries } = await readOffsetCheckpoint(checksums, FileName.logStarts);
    return entries?.find(({ topic, partition }) => topic === this.#name && partition === 0)?.offset ?? 0;
  }

  #segment(baseOffset: number): Segment {
    let segment = this.#open.get(baseOffset);
    if (segment === undefined) {
      segment = this.#environment.disk.openSegment({
        directory: this.#folder, baseOffset, indexIntervalBytes: 4096, indexSizeMaxBytes: 0x7fffffff, segmentSizeMaxBytes: 0x7fffffff, preallocateBytes: 0, readOnly: true,
      });
      this.#open.set(baseOffset, segment);
    }
    return segment;
  }

  async #close(baseOffset: number, segment: Segment): Promise<void> {
    this.#open.delete(baseOffset);
    await segment.close();
  }

  async batchesAt(offset: number, maxBytes: number): Promise<ReadResult> {
    this.checkUsable();
    try {
      return this.#batchesAt(offset, maxBytes);
    } catch (error) {
      // The writer took a segment away since it was listed.
      if (!(error instanceof DiskError) || error.code !== 'ENOENT') throw error;
      await this.refresh();
      return this.#batchesAt(offset, maxBytes);
    }
  }

  #batchesAt(offset: number, maxBytes: number): ReadResult {
    const found: BatchPosition = { position: 0, sizeBytes: 0, baseOffset: 0, lastOffset: 0, maxTimestampMs: -1 };
    for (let index = Math.max(this.#indexOf(offset), 0); index < this.#segments.length; index += 1) {
      const { baseOffset } = this.#segments[index] as FoundSegment;
      const segment = this.#segment(baseOffset);
      if (segment.sizeBytes === 0 || !segment.locateOffset(offset, found) || found.baseOffset >= this.#readable) continue;
      const end = index === this.#segments.length - 1 ? this.#validBytes : segment.sizeBytes;
      return wholeBatches(segment.view(found.position, Math.min(Math.max(maxBytes, found.sizeBytes), segment.viewBytesMax < found.sizeBytes ? found.sizeBytes : segment.viewBytesMax, end - found.position)));
    }
    return { bytes: Buffer.alloc(0), intact: true, release() {} };
  }

  #indexOf(offset: number): number {
    return this.#segments.findLastIndex(({ baseOffset }) => baseOffset <= offset);
  }

  async batchBefore(offset: number): Promise<number> {
    this.checkUsable();
    for (let index = this.#indexOf(offset - 1); index >= 0; index -= 1) {
      const { baseOffset } = this.#segments[index] as FoundSegment;
      const last = await lastBatchBelow(this.#segment(baseOffset), offset);
      if (last >= 0) return last;
    }
    return -1;
  }

  inflate(batch: Buffer): Promise<Buffer> {
    return readRecords(this.#environment.inflater, batch, this.#environment.inflatedBatchMaxBytes);
  }

  async whenReadable(offset: number, signal: AbortSignal | undefined): Promise<void> {
    while (this.#readable <= offset && signal?.aborted !== true) {
      await this.#pause(signal);
      await this.refresh();
    }
  }

  #pause(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.#environment.clock.setTimer(this.#environment.pollMs, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const [baseOffset, segment] of this.#open) await this.#close(baseOffset, segment);
  }
}

/** Base offset of the segment's last batch that begins below `offset`, -1 without one. */
export async function lastBatchBelow(segment: Segment, offset: number): Promise<number> {
  if (segment.sizeBytes === 0) return -1;
  const found: BatchPosition = { position: 0, sizeBytes: 0, baseOffset: 0, lastOffset: 0, maxTimestampMs: -1 };
  if (segment.locateOffset(offset - 1, found) && found.baseOffset < offset) return found.baseOffset;
  if (segment.nextOffset <= offset && segment.nextOffset > segment.baseOffset && segment.locateOffset(segment.nextOffset - 1, found)) return found.baseOffset;
  // Where compaction left a gap: by a walk.
  let last = -1;
  await segment.scan(0, ({ baseOffset }) => {
    if (baseOffset < offset) last = baseOffset;
  });
  return last;
}

function wholeBatches(view: SegmentView): ReadResult {
  let end = 0;
  for (let next = nextBatch(view.bytes, 0); next !== -1; next = nextBatch(view.bytes, end)) end = next;
  const bytes = view.bytes.subarray(0, end);
  return {
    bytes,
    get intact() {
      return view.intact;
    },
    release: () => view.release(),
  };
}
