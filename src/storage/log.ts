/** One partition's log: the face of the parts beside this file. */
import type { BatchPosition } from '../base/disk.ts';
import { Appender } from './appender.ts';
import type { LogState } from './logState.ts';
import { bytesAvailable, locateBatch, read, readWarm } from './reader.ts';
import { applyRetention, moveStart } from './retention.ts';
import { isIdleTooLong, roll } from './roll.ts';
import type { SegmentSlot } from './segments.ts';
import type { TopicConfigView } from './settings.ts';
import { saveProducerSnapshot, sideFilesWritten } from './sideFiles.ts';
import { offsetForTimestamp, offsetOfMaxTimestamp } from './timestamps.ts';
import { truncateFully, truncateTo } from './truncation.ts';
import { LogError } from './types.ts';
import type { AbortedTransaction, AppendDone, AppendOptions, Log, ProducerView, ReadResult, TimestampOffset, Verification } from './types.ts';

export class PartitionLog implements Log {
  /** For the store's own parts. */
  readonly state: LogState;
  readonly #appender: Appender;
  /** Cuts run one after the other. */
  #cutting: Promise<void> = Promise.resolve();

  constructor(state: LogState) {
    this.state = state;
    this.#appender = new Appender(state);
  }

  get topic(): string {
    return this.state.topic;
  }

  get partition(): number {
    return this.state.partition;
  }

  get topicId(): string {
    return this.state.topicId;
  }

  get logDirectory(): string {
    return this.state.host.path;
  }

  get directory(): string {
    return this.state.folder;
  }

  get logStartOffset(): number {
    return this.state.logStartOffset;
  }

  get logEndOffset(): number {
    return this.state.logEndOffset;
  }

  get durableOffset(): number {
    return this.state.durableOffset;
  }

  get highWatermark(): number {
    return this.state.highWatermark;
  }

  set highWatermark(offset: number) {
    this.state.highWatermark = offset;
  }

  get lastStableOffset(): number {
    return this.state.lastStableOffset;
  }

  get sizeBytes(): number {
    return this.state.segments.sizeBytes;
  }

  get segmentCount(): number {
    return this.state.segments.count;
  }

  get online(): boolean {
    return this.state.refusal === null;
  }

  get latestEpoch(): number {
    return this.state.epochs.latestEpoch;
  }

  append(bytes: Buffer, options: AppendOptions, done: AppendDone): void {
    this.#appender.append(bytes, options, done);
  }

  read(offset: number, maxBytes: number, maxOffset: number, atLeastOneBatch: boolean): ReadResult {
    return read(this.state, offset, maxBytes, maxOffset, atLeastOneBatch);
  }

  readWarm(offset: number, maxBytes: number, maxOffset: number, atLeastOneBatch: boolean, done: (error: LogError | null, result: ReadResult | null) => void): void {
    readWarm(this.state, offset, maxBytes, maxOffset, atLeastOneBatch, done);
  }

  locate(offset: number, maxOffset: number, found: BatchPosition): boolean {
    return locateBatch(this.state, offset, maxOffset, found);
  }

  bytesAvailable(offset: number, maxOffset: number): number {
    return bytesAvailable(this.state, offset, maxOffset);
  }

  offsetForTimestamp(timestampMs: number, maxOffset: number): Promise<TimestampOffset> {
    return offsetForTimestamp(this.state, timestampMs, maxOffset);
  }

  offsetOfMaxTimestamp(maxOffset: number): Promise<TimestampOffset> {
    return offsetOfMaxTimestamp(this.state, maxOffset);
  }

  endOffsetForEpoch(leaderEpoch: number): { leaderEpoch: number; endOffset: number } {
    return this.state.epochs.endOffset(leaderEpoch, this.state.logEndOffset);
  }

  epochForOffset(offset: number): number {
    return this.state.epochs.epochAt(offset);
  }

  abortedTransactions(fromOffset: number, upToOffset: number): AbortedTransaction[] {
    const { segments } = this.state;
    const found: AbortedTransaction[] = [];
    for (let index = Math.max(segments.indexFor(fromOffset), 0); index < segments.count; index += 1) {
      const { transactions } = segments.at(index);
      if (transactions !== null && !transactions.collect(fromOffset, upToOffset, found)) break;
    }
    return found;
  }

  producers(): readonly ProducerView[] {
    return this.state.producers.views();
  }

  producer(producerId: number): ProducerView | undefined {
    return this.state.producers.view(producerId);
  }

  beginVerification(producerId: number, epoch: number, firstSequence: number): Verification {
    return this.state.producers.verifications.begin(producerId, epoch, firstSequence, this.state.environment.ports.clock.now());
  }

  dropVerification(verification: Verification): void {
    this.state.producers.verifications.drop(verification);
  }

  async deleteRecordsBefore(offset: number): Promise<number> {
    const { state } = this;
    state.checkUsable();
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > state.highWatermark) {
      throw new LogError('offsetOutOfRange', `cannot delete records of ${state.name} before ${offset}: the high watermark is ${state.highWatermark}`);
    }
    if (offset > state.logStartOffset) {
      moveStart(state, offset);
      await this.#guarded('deleting records', () => state.host.saveOffsets());
    }
    return state.logStartOffset;
  }

  truncateTo(offset: number): Promise<void> {
    return this.#cut(() => truncateTo(this.state, offset));
  }

  truncateFullyAndStartAt(offset: number): Promise<void> {
    return this.#cut(() => truncateFully(this.state, offset));
  }

  /** Appends that come after this call come after the cut. */
  #cut(work: () => Promise<void>): Promise<void> {
    const held = this.#appender.hold();
    this.state.cleaningHolds += 1;
    const cut = this.#cutting
      .then(() => held)
      .then(() => this.#cleaningEnded())
      .then(() => {
        this.state.checkUsable();
        return this.#guarded('truncating', work);
      })
      .finally(() => {
        this.state.cleaningHolds -= 1;
        this.#appender.resume();
      });
    this.#cutting = cut.catch(() => {});
    return cut;
  }

  /** No segment is taken away, cut or put in another's place while `work` goes on; appends do. */
  async whileSegmentsStay(work: () => Promise<void>): Promise<void> {
    this.state.cleaningHolds += 1;
    const stay = this.#cutting
      .then(() => this.#cleaningEnded())
      .then(work)
      .finally(() => void (this.state.cleaningHolds -= 1));
    this.#cutting = stay.catch(() => {});
    return stay;
  }

  /** Breaks a compaction off. */
  async #cleaningEnded(): Promise<void> {
    const { cleaning } = this.state;
    cleaning?.abort();
    await cleaning?.ended;
  }

  async #guarded(doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw this.state.diskFailure(error, doing);
    }
  }

  flush(done: (error: LogError | null) => void): void {
    this.state.flush.flush(done);
  }

  applyRetention(nowMs: number): number {
    return applyRetention(this.state, nowMs);
  }

  roll(): void {
    if (this.state.refusal !== null || this.state.isAppending || !isIdleTooLong(this.state)) return;
    try {
      roll(this.state, this.state.logEndOffset);
    } catch (error) {
      this.state.environment.ports.logger.warn(this.state.diskFailure(error, 'rolling').message);
    }
  }

  /** Seals the active segment, where it holds anything: what is in it may then be compacted or deleted. Rejects with LogError. */
  async beginSegment(): Promise<void> {
    await this.#appender.hold();
    try {
      this.state.checkUsable();
      roll(this.state, this.state.logEndOffset);
    } catch (error) {
      throw this.state.diskFailure(error, 'rolling');
    } finally {
      this.#appender.resume();
    }
  }

  updateConfig(config: TopicConfigView): void {
    const { state } = this;
    state.config = config;
    const active = state.segments.activeSlot.segment;
    if (state.refusal !== null || active === null || active.sizeBytes > 0 || active.options.segmentSizeMaxBytes >= config.segmentBytes) return;
    // An empty segment is made for what it may hold now; a filled one is left by a roll.
    this.#cut(() => reopenEmpty(state)).catch((error: unknown) => state.environment.ports.logger.warn(String(error)));
  }

  /** Segments that nobody reads give their files and indexes back. */
  closeIdleSegments(): void {
    const { state } = this;
    if (state.refusal !== null) return;
    for (const closing of state.segments.closeIdle((segment) => state.flush.needs(segment))) {
      closing.catch((error: unknown) => state.environment.ports.logger.warn('a segment could not be closed', { log: state.name, reason: String(error) }));
    }
  }

  /** Nothing can be read or appended from now on; whoever waits gets `reason`. */
  stop(reason: LogError): void {
    if (this.state.refusal !== null) return;
    this.state.refuse(reason);
    this.#appender.abandon(reason);
    this.state.flush.abandon(reason);
  }

  /** No append is under way or will begin; cuts have ended. For the store's close. */
  async quiesce(): Promise<void> {
    this.state.cleaningHolds += 1;
    await this.#cleaningEnded();
    await this.#cutting;
    await this.#appender.hold();
  }

  /** Takes `quiesce` back: what waited is appended. */
  resume(): void {
    this.state.cleaningHolds -= 1;
    this.#appender.resume();
  }

  /** Writes the files that make the next start quick. The log must be flushed. */
  async saveForCleanStart(): Promise<void> {
    // Where there are no records a start has none to look through.
    if (this.state.logEndOffset > this.state.segments.first.baseOffset) saveProducerSnapshot(this.state);
    await sideFilesWritten(this.state);
  }

  /** Gives all files back. */
  async closeFiles(): Promise<void> {
    const slots: SegmentSlot[] = [...this.state.segments.slots];
    await Promise.all(slots.map((slot) => slot.forget()?.close()));
  }
}

async function reopenEmpty(state: LogState): Promise<void> {
  const slot = state.segments.activeSlot;
  if (slot.sizeBytes > 0) return;
  await slot.forget()?.close();
  state.segments.open(slot);
}
