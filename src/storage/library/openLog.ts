/** One log as an application has it. */
import type { PartitionLog } from '../log.ts';
import type { StoreManager } from '../manager.ts';
import { readRecords } from '../inflation.ts';
import { LogError } from '../types.ts';
import type { ReadResult, TimestampOffset } from '../types.ts';
import { Appended, Stage } from './appended.ts';
import type { AppendedRange } from './appended.ts';
import { lastBatchBelow } from './readOnly.ts';
import { readBackwards, readBatchesOf, readRecordsOf, streamOf, tailOf } from './reading.ts';
import type { BatchSource, ReadOptions, TailOptions } from './reading.ts';
import { buildBatches } from './records.ts';
import type { BuiltBatch, CompressionName, LogRecord, NewRecord } from './records.ts';
import { configOf } from './settings.ts';
import type { LogSettings, ResolvedSettings } from './settings.ts';

export class OpenLog {
  readonly #log: PartitionLog;
  readonly #store: StoreManager;
  readonly #source: LiveSource;
  #settings: ResolvedSettings;
  readonly #onClose: () => Promise<void>;
  #isClosed = false;
  /** Appended, and somebody waits for them to be durable. */
  #unsynced = new Set<Appended>();
  #isSyncing = false;
  #syncAgain = false;
  #syncTimer: { cancel(): void } | null = null;

  /** Made by `OpenLogs`. */
  constructor(store: StoreManager, log: PartitionLog, settings: ResolvedSettings, onClose: () => Promise<void>) {
    this.#onClose = onClose;
    this.#store = store;
    this.#log = log;
    this.#settings = settings;
    this.#source = new LiveSource(log, () => this.#checkOpen());
    // What was there before is agreed: there is no other copy to wait for.
    log.highWatermark = log.logEndOffset;
  }

  get name(): string {
    return this.#log.topic;
  }

  get settings(): LogSettings {
    return this.#settings;
  }

  /** Offset of the first record that is kept. */
  get startOffset(): number {
    return this.#log.logStartOffset;
  }

  /** Offset that the next record will get. */
  get endOffset(): number {
    return this.#log.logEndOffset;
  }

  /** Readers see everything below. */
  get readableOffset(): number {
    return this.#log.highWatermark;
  }

  /** Everything below survives a crash of the machine. */
  get durableOffset(): number {
    return this.#log.durableOffset;
  }

  get sizeBytes(): number {
    return this.#log.sizeBytes;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new LogError('closed', `log ${this.name} is closed`);
    this.#log.state.checkUsable();
  }

  /** Appends records in order; they get offsets one after the other. Throws LogError invalidArgument, batchTooLarge, closed. */
  append(records: NewRecord | readonly NewRecord[], options: { readonly compression?: CompressionName } = {}): Appended {
    this.#checkOpen();
    const list = Array.isArray(records) ? (records as readonly NewRecord[]) : [records as NewRecord];
    const { maxMessageBytes } = this.#log.state.config;
    return this.#append(buildBatches(list, options.compression ?? 'none', maxMessageBytes, this.#log.state.environment.ports.clock.now()));
  }

  /** Appends a ready batch in Kafka's format, base offset 0. Its bytes are borrowed for the call only. */
  appendBatch(batch: Uint8Array): Appended {
    this.#checkOpen();
    if (!(batch instanceof Uint8Array)) throw new LogError('invalidArgument', 'a batch is bytes');
    return this.#append([{ bytes: Buffer.from(batch.buffer, batch.byteOffset, batch.length) }]);
  }

  #append(batches: readonly BuiltBatch[]): Appended {
    const appended = new Appended(this.#wantDurable);
    let left = batches.length;
    let firstOffset = -1;
    for (const { bytes, ...built } of batches) {
      this.#log.append(bytes, { leaderEpoch: Math.max(this.#log.latestEpoch, 0), origin: 'client', ...built }, (error, info) => {
        left -= 1;
        if (error !== null) return appended.fail(error);
        if (firstOffset < 0) firstOffset = info!.firstOffset;
        if (left === 0) this.#onAppended(appended, { firstOffset, lastOffset: info!.lastOffset });
      });
    }
    return appended;
  }

  readonly #wantDurable = (appended: Appended): void => {
    // What has no offset yet is seen to when it has.
    if (appended.range === null || this.#isClosed) return;
    this.#unsynced.add(appended);
    this.#sync();
  };

  #onAppended(appended: Appended, range: AppendedRange): void {
    appended.settle(Stage.accepted, range);
    const { durability } = this.#settings;
    if (durability === 'everyAppend' || appended.isDurabilityWanted) this.#unsynced.add(appended);
    if (durability !== 'everyAppend') {
      this.#makeReadable(this.#log.logEndOffset);
      appended.settle(Stage.readable, range);
      if (durability !== 'none') this.#syncWithin(durability.everyMs);
    }
    if (this.#unsynced.has(appended)) this.#sync();
  }

  #makeReadable(offset: number): void {
    if (offset > this.#log.highWatermark) this.#log.highWatermark = offset;
    this.#source.wake();
  }

  #syncWithin(delayMs: number): void {
    this.#syncTimer ??= this.#log.state.environment.ports.clock.setTimer(delayMs, () => {
      this.#syncTimer = null;
      this.#sync();
    });
  }

  /** One sync at a time; appends meanwhile share the next. */
  #sync(): void {
    if (this.#isSyncing) {
      this.#syncAgain = true;
      return;
    }
    this.#isSyncing = true;
    this.#log.flush((error) => {
      this.#isSyncing = false;
      if (error !== null) this.#failUnsynced(error);
      else this.#onSynced();
      if (!this.#syncAgain) return;
      this.#syncAgain = false;
      this.#sync();
    });
  }

  #onSynced(): void {
    const { durableOffset } = this.#log;
    if (this.#settings.durability === 'everyAppend') this.#makeReadable(durableOffset);
    for (const appended of this.#unsynced) {
      const { range } = appended;
      if (range === null || range.lastOffset >= durableOffset) continue;
      this.#unsynced.delete(appended);
      appended.settle(Stage.readable, range);
      appended.settle(Stage.durable, range);
    }
  }

  #failUnsynced(error: LogError): void {
    const lost = this.#unsynced;
    this.#unsynced = new Set();
    for (const appended of lost) appended.fail(error);
  }

  /** Everything appended so far is durable when this resolves. */
  flush(): Promise<void> {
    this.#checkOpen();
    return new Promise((resolve, reject) => {
      this.#log.flush((error) => {
        if (error !== null) return reject(error);
        this.#onSynced();
        resolve();
      });
    });
  }

  /** Records of [from, to) in order. */
  read(options: ReadOptions = {}): AsyncGenerator<LogRecord, void, void> {
    return readRecordsOf(this.#source, options);
  }

  /** As `read`, a batch of records at a time. */
  readBatches(options: ReadOptions = {}): AsyncGenerator<LogRecord[], void, void> {
    return readBatchesOf(this.#source, options);
  }

  /** Records below `from` (default: the readable end), the newest first, not below `to`. */
  readBackwards(options: ReadOptions = {}): AsyncGenerator<LogRecord, void, void> {
    return readBackwards(this.#source, options);
  }

  /** Records from `from` on, and those that come later, until `signal` fires. Rejects with LogError closed when the log is closed. */
  tail(options: TailOptions = {}): AsyncGenerator<LogRecord, void, void> {
    return tailOf(this.#source, options);
  }

  /** `tail` as a Web Stream; its back-pressure counts bytes. */
  stream(options: TailOptions & { readonly highWaterMarkBytes?: number } = {}): ReadableStream<LogRecord> {
    this.#checkOpen();
    return streamOf(this.#source, options);
  }

  /** The first record with this timestamp or a later one; null where there is none. */
  async findTimestamp(timestampMs: number): Promise<TimestampOffset | null> {
    this.#checkOpen();
    const found = await this.#log.offsetForTimestamp(timestampMs, this.readableOffset);
    return found.offset < 0 ? null : found;
  }

  /** Drops everything at and after `offset`, for good. */
  async truncate(offset: number): Promise<void> {
    this.#checkOpen();
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > this.endOffset) throw new LogError('offsetOutOfRange', `offset ${offset} is outside 0..${this.endOffset}`);
    await this.#log.truncateTo(offset);
    this.#log.highWatermark = this.#log.logEndOffset;
  }

  /** Lets go of everything before `offset`; the log then starts there. */
  async deleteBefore(offset: number): Promise<void> {
    this.#checkOpen();
    await this.#log.deleteRecordsBefore(offset);
    this.#log.applyRetention(this.#log.state.environment.ports.clock.now());
  }

  /** Deletes what `retentionMs` and `retentionBytes` say now rather than at the next turn; returns segments deleted. */
  retain(): number {
    this.#checkOpen();
    return this.#log.applyRetention(this.#log.state.environment.ports.clock.now());
  }

  /**
   * Keeps the newest record of each key only, among all but the newest records: those since the last call or roll of a segment. Records
   * without a key are not kept, so that the setting `cleanupPolicy` must say compact.
   */
  async compact(): Promise<void> {
    this.#checkOpen();
    if (!this.#log.state.config.cleanupPolicy.compact) throw new LogError('invalidArgument', `log ${this.name} is not to be compacted: set cleanupPolicy`);
    await this.#log.beginSegment();
    await this.#store.cleaner.cleanNow(this.#log);
  }

  /** Takes other settings into use, from the next append on. */
  update(settings: LogSettings): void {
    this.#checkOpen();
    this.#settings = { ...this.#settings, ...settings };
    this.#log.updateConfig(configOf(this.#settings));
  }

  /** Closes this handle; of a store of one log, the store too. Resolves when everything is durable then. */
  async close(): Promise<void> {
    await this.drain();
    this.shut();
    await this.#onClose();
  }

  /** For OpenLogs, before it closes: whoever waits for durability gets it. */
  async drain(): Promise<void> {
    if (this.#isClosed || this.#unsynced.size === 0) return;
    await this.flush().catch(() => {});
  }

  /** For OpenLogs: whoever waits is told. */
  shut(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#syncTimer?.cancel();
    this.#failUnsynced(new LogError('closed', `log ${this.name} is closed`));
    this.#source.close(new LogError('closed', `log ${this.name} is closed`));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }
}

/** Reads of a log that is open in this process. */
class LiveSource implements BatchSource {
  readonly #log: PartitionLog;
  readonly #checkOpen: () => void;
  readonly #waiting = new Set<() => void>();
  #ending: LogError | null = null;

  constructor(log: PartitionLog, checkOpen: () => void) {
    this.#log = log;
    this.#checkOpen = checkOpen;
  }

  get startOffset(): number {
    return this.#log.logStartOffset;
  }

  get readableOffset(): number {
    return this.#log.highWatermark;
  }

  checkUsable(): void {
    this.#checkOpen();
  }

  batchesAt(offset: number, maxBytes: number): Promise<ReadResult> {
    this.#checkOpen();
    return new Promise((resolve, reject) => {
      this.#log.readWarm(offset, maxBytes, this.#log.highWatermark, true, (error, result) => (error === null ? resolve(result!) : reject(error)));
    });
  }

  async batchBefore(offset: number): Promise<number> {
    this.#checkOpen();
    const { segments } = this.#log.state;
    for (let index = segments.indexFor(offset - 1); index >= 0; index -= 1) {
      const last = await lastBatchBelow(segments.open(segments.at(index)), offset);
      if (last >= 0) return last;
    }
    return -1;
  }

  inflate(batch: Buffer): Promise<Buffer> {
    const { inflater, inflatedBatchMaxBytes } = this.#log.state.environment;
    return readRecords(inflater, batch, inflatedBatchMaxBytes);
  }

  whenReadable(offset: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#ending !== null) return Promise.reject(this.#ending);
    if (this.readableOffset > offset) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
        if (this.#ending === null) resolve();
        else reject(this.#ending);
      };
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  wake(): void {
    for (const wake of this.#waiting) wake();
  }

  close(reason: LogError): void {
    this.#ending = reason;
    this.wake();
  }
}
