/** Reads records forwards, backwards and as they come, from whatever can give batches. */
import { attributesOf, codecIn, Codec, isControl, lastOffsetOf, nextBatch, recordCountOf } from '../../record/batchHeader.ts';
import { RecordCursor } from '../../record/iterate.ts';
import { recordFailure } from '../inflation.ts';
import { LogError } from '../types.ts';
import type { ReadResult } from '../types.ts';
import { bytesOfRecord, recordAt } from './records.ts';
import type { LogRecord } from './records.ts';

/** A log that can be read: one that is open here, or one that another process writes. */
export interface BatchSource {
  readonly startOffset: number;
  /** Records below it may be read. */
  readonly readableOffset: number;
  /** Whole batches from the one that holds `offset` on, at least one where there is one; borrowed until `release`. */
  batchesAt(offset: number, maxBytes: number): Promise<ReadResult>;
  /** Base offset of the batch that holds the last record below `offset`, -1 where there is none. */
  batchBefore(offset: number): Promise<number>;
  /** The inflated records section of a compressed batch. */
  inflate(batch: Buffer): Promise<Buffer>;
  /** Resolves when something at or above `offset` may be readable, or `signal` fires. Rejects when the log was closed. */
  whenReadable(offset: number, signal: AbortSignal | undefined): Promise<void>;
  /** Throws where the log cannot be used any more. */
  checkUsable(): void;
}

export interface ReadOptions {
  /** First offset; default the log's start. Before the start or past the end: LogError offsetOutOfRange. */
  readonly from?: number;
  /** Ends before this offset; default the readable end when reading begins. */
  readonly to?: number;
  /** Bytes of batches taken from the log at a time; default 1 MiB. */
  readonly maxBytes?: number;
  /** true: keys and values are views of the log, to be looked at before the next step of the iteration; default copies, which are the caller's. */
  readonly views?: boolean;
  readonly signal?: AbortSignal;
}

export interface TailOptions extends Omit<ReadOptions, 'to' | 'from'> {
  /** First offset, or where to begin: at the log's start, or (default) at its end of now. */
  readonly from?: number | 'start' | 'end';
}

const READ_BYTES = 1 << 20;

/** Records of [from, to). */
export async function* readRecordsOf(source: BatchSource, options: ReadOptions): AsyncGenerator<LogRecord, void, void> {
  for await (const records of readBatchesOf(source, options)) yield* records;
}

/** The same, a batch at a time: less work for each record. */
export async function* readBatchesOf(source: BatchSource, options: ReadOptions): AsyncGenerator<LogRecord[], void, void> {
  source.checkUsable();
  const from = checkOffset(source, options.from ?? source.startOffset);
  const to = Math.min(options.to ?? Infinity, source.readableOffset);
  yield* forward(source, from, () => to, options);
}

/** Returns the offset after the last record. */
async function* forward(source: BatchSource, from: number, to: () => number, options: Omit<ReadOptions, 'from'>): AsyncGenerator<LogRecord[], number, void> {
  let offset = from;
  const walk = new BatchWalker(source, options.views !== true);
  while (offset < to() && !isAborted(options.signal)) {
    const result = await source.batchesAt(offset, options.maxBytes ?? READ_BYTES);
    try {
      if (result.bytes.length === 0) return offset;
      for (let at = 0, next = nextBatch(result.bytes, 0); next !== -1 && offset < to(); at = next, next = nextBatch(result.bytes, at)) {
        const records = await walk.recordsOf(result, at, next, offset, to());
        offset = Math.max(offset, Math.min(lastOffsetOf(result.bytes, at) + 1, to()));
        if (records.length > 0) yield records;
      }
    } finally {
      result.release();
    }
  }
  return offset;
}

/** Decodes batches one after the other. */
class BatchWalker {
  readonly #source: BatchSource;
  readonly #copies: boolean;
  readonly #cursor = new RecordCursor();

  constructor(source: BatchSource, copies: boolean) {
    this.#source = source;
    this.#copies = copies;
  }

  /** Records of [from, to) in the batch that lies from `at` to `next`; markers of transactions are no records. */
  async recordsOf(result: ReadResult, at: number, next: number, from: number, to: number): Promise<LogRecord[]> {
    const { bytes } = result;
    const attributes = attributesOf(bytes, at);
    if (isControl(attributes) || recordCountOf(bytes, at) === 0) return [];
    const inflated = codecIn(attributes) === Codec.none ? null : await this.#source.inflate(bytes.subarray(at, next));
    try {
      const records = this.#decode(bytes, at, inflated, from, to);
      if (result.intact) return records;
    } catch (error) {
      // A page that was lost reads as zeros.
      if (result.intact) throw recordFailure(error);
    }
    throw new LogError('storage', 'a page of the log cannot be read');
  }

  #decode(bytes: Buffer, at: number, inflated: Buffer | null, from: number, to: number): LogRecord[] {
    const cursor = this.#cursor;
    const records: LogRecord[] = [];
    cursor.open(bytes, at, inflated);
    while (cursor.next() && cursor.offset < to) if (cursor.offset >= from) records.push(recordAt(cursor, this.#copies));
    return records;
  }
}

/** Records below `from`, the newest first, down to the log's start. */
export async function* readBackwards(source: BatchSource, options: ReadOptions): AsyncGenerator<LogRecord, void, void> {
  source.checkUsable();
  const readable = source.readableOffset;
  let end = Math.min(options.from ?? readable, readable);
  const start = Math.max(options.to ?? 0, source.startOffset);
  const walk = new BatchWalker(source, true);
  while (end > start && !isAborted(options.signal)) {
    const base = await source.batchBefore(end);
    if (base < 0) return;
    const result = await source.batchesAt(Math.max(base, start), 1);
    let records: LogRecord[] = [];
    try {
      const next = nextBatch(result.bytes, 0);
      if (next !== -1) records = await walk.recordsOf(result, 0, next, start, end);
    } finally {
      result.release();
    }
    yield* records.toReversed();
    end = Math.min(base, end - 1);
  }
}

/** Records from `from` on, those that are appended later too, until `signal` fires or the log is closed. */
export async function* tailOf(source: BatchSource, options: TailOptions): AsyncGenerator<LogRecord, void, void> {
  for await (const records of tailBatchesOf(source, options)) yield* records;
}

async function* tailBatchesOf(source: BatchSource, options: TailOptions): AsyncGenerator<LogRecord[], void, void> {
  source.checkUsable();
  const { signal } = options;
  let offset = options.from === 'start' ? source.startOffset : options.from === undefined || options.from === 'end' ? source.readableOffset : checkOffset(source, options.from);
  const { from: _, ...rest } = options;
  while (!isAborted(signal)) {
    if (offset < source.startOffset) offset = source.startOffset;
    offset = yield* forward(source, offset, () => source.readableOffset, rest);
    if (!isAborted(signal) && offset >= source.readableOffset) await source.whenReadable(offset, signal);
  }
}

/** `tailOf` as a Web Stream whose back-pressure counts the bytes of keys and values. */
export function streamOf(source: BatchSource, options: TailOptions & { readonly highWaterMarkBytes?: number }): ReadableStream<LogRecord> {
  const ending = new AbortController();
  options.signal?.addEventListener('abort', () => ending.abort(), { once: true });
  const records = tailOf(source, { ...options, views: false, signal: ending.signal });
  return new ReadableStream<LogRecord>(
    {
      async pull(controller) {
        const { done, value } = await records.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel() {
        ending.abort();
      },
    },
    { highWaterMark: options.highWaterMarkBytes ?? READ_BYTES, size: (record) => bytesOfRecord(record) + 1 },
  );
}

function checkOffset(source: BatchSource, offset: number): number {
  if (!Number.isSafeInteger(offset)) throw new LogError('invalidArgument', `${String(offset)} is no offset`);
  if (offset >= source.startOffset && offset <= source.readableOffset) return offset;
  throw new LogError('offsetOutOfRange', `offset ${offset} is outside ${source.startOffset}..${source.readableOffset}`);
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal !== undefined && signal.aborted;
