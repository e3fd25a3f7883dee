/** One cleaning of one log: the newest offset of each dirty key is noted, then every segment below is written anew without what is superseded. */
import { attributesOf, baseTimestampOf, hasDeleteHorizon, isControl, isTransactional, lastOffsetOf, nextBatch, producerEpochOf, producerIdOf } from '../../record/batchHeader.ts';
import { BatchPlan } from '../../record/compact/compactTask.ts';
import type { CompactAnswer, CompactTask } from '../../record/compact/compactTask.ts';
import type { Compactor } from '../../record/compact/compactor.ts';
import { ENTRY_BYTES, makeOffsetMapMemory } from '../../record/compact/offsetMap.ts';
import type { OffsetMapMemory } from '../../record/compact/offsetMap.ts';
import { RecordError } from '../../record/recordError.ts';
import { Suffix, offsetStem } from '../fileNames.ts';
import type { LogState } from '../logState.ts';
import type { ProducerView } from '../types.ts';
import type { SegmentSlot } from '../segments.ts';
import type { AbortedEntry } from '../transactionIndex.ts';
import { segmentsBetween } from './cleanable.ts';
import type { LogToClean } from './cleanable.ts';
import { ChunkReader } from './chunks.ts';
import { CleanedSegments } from './cleanedSegments.ts';
import { CleaningAborted, Uncleanable } from './cleaning.ts';
import type { Cleaning } from './cleaning.ts';
import { groupSegments } from './grouping.ts';
import type { SizedSlot } from './grouping.ts';
import { removeUnused, swapIn } from './swap.ts';
import { CleanedTransactions } from './transactions.ts';

export interface CleanTools {
  readonly compactor: Compactor;
  /** Memory for the offsets of keys, and how full it may get. */
  readonly dedupeBytes: number;
  readonly loadFactor: number;
  /** Bytes of a segment that are worked on at a time. */
  readonly chunkBytes: number;
  /** Resolves when so many bytes may have been read or written. */
  throttle(bytes: number): Promise<void>;
}

export interface CleanStats {
  /** Read while noting keys, and while writing anew. */
  indexedBytes: number;
  readBytes: number;
  writtenBytes: number;
  readRecords: number;
  writtenRecords: number;
  recordsWithoutKey: number;
  /** How full the memory for keys got, 0 to 1. */
  bufferUtilization: number;
}

export interface CleanOutcome {
  /** Everything below is clean now. */
  readonly endOffset: number;
  readonly stats: CleanStats;
}

const newStats = (): CleanStats => ({ indexedBytes: 0, readBytes: 0, writtenBytes: 0, readRecords: 0, writtenRecords: 0, recordsWithoutKey: 0, bufferUtilization: 0 });

/** Throws CleaningAborted, Uncleanable, LogError, DiskError; what was put in place before stays, and is right. */
export async function cleanLog(state: LogState, cleanable: LogToClean, cleaning: Cleaning, tools: CleanTools): Promise<CleanOutcome> {
  return new LogCleaning(state, cleanable, cleaning, tools).run();
}

class LogCleaning {
  readonly #state: LogState;
  readonly #cleanable: LogToClean;
  readonly #cleaning: Cleaning;
  readonly #tools: CleanTools;
  readonly #reader: ChunkReader;
  readonly #nowMs: number;
  readonly #stats = newStats();
  /** As many keys as Kafka's map of this size would take. */
  readonly #entriesMax: number;
  readonly #map: OffsetMapMemory;
  #latestOffset = -1;

  constructor(state: LogState, cleanable: LogToClean, cleaning: Cleaning, tools: CleanTools) {
    this.#state = state;
    this.#cleanable = cleanable;
    this.#cleaning = cleaning;
    this.#tools = tools;
    this.#nowMs = state.environment.ports.clock.now();
    this.#reader = new ChunkReader(state, tools.chunkBytes, () => this.#checkGoing());
    this.#entriesMax = Math.max(Math.floor(Math.floor(Math.min(tools.dedupeBytes, 0x7fffffff) / ENTRY_BYTES) * tools.loadFactor), 1);
    // There are no more keys than offsets.
    this.#map = makeOffsetMapMemory(Math.min(this.#entriesMax, Math.max(cleanable.firstUncleanableOffset - cleanable.firstDirtyOffset, 0) + 1));
  }

  #checkGoing(): void {
    if (this.#cleaning.isAborted) throw new CleaningAborted();
    this.#state.checkUsable();
  }

  async run(): Promise<CleanOutcome> {
    await this.#index();
    const endOffset = this.#latestOffset + 1;
    const transactions = new CleanedTransactions();
    for (const group of await this.#groups(endOffset)) await this.#cleanGroup(group, transactions);
    return { endOffset, stats: this.#stats };
  }

  async #work(task: CompactTask): Promise<CompactAnswer> {
    const answer = await this.#tools.compactor.run(task);
    this.#checkGoing();
    if (answer.defect !== '') throw new Uncleanable(answer.defect);
    this.#stats.bufferUtilization = Math.max(this.#stats.bufferUtilization, (answer.entries * ENTRY_BYTES) / this.#tools.dedupeBytes);
    return answer;
  }

  /** Notes the newest offset of each key in the dirty part, as far as there is memory for keys. */
  async #index(): Promise<void> {
    const { firstDirtyOffset, firstUncleanableOffset } = this.#cleanable;
    const { segments } = this.#state;
    const { from, to } = segmentsBetween(this.#state, firstDirtyOffset, firstUncleanableOffset);
    const dirty = segments.slots.slice(from, to);
    const transactions = new CleanedTransactions();
    transactions.expect(this.#abortedBetween(firstDirtyOffset, firstUncleanableOffset));
    for (const [index, slot] of dirty.entries()) {
      const endOffset = dirty[index + 1]?.baseOffset ?? firstUncleanableOffset;
      if (await this.#indexSegment(slot, transactions)) return;
      this.#latestOffset = endOffset - 1;
    }
  }

  /** True when the map is full. */
  async #indexSegment(slot: SegmentSlot, transactions: CleanedTransactions): Promise<boolean> {
    const { firstDirtyOffset } = this.#cleanable;
    let position = this.#reader.positionOf(slot, firstDirtyOffset);
    while (position < slot.sizeBytes) {
      const chunk = await this.#reader.read(slot, position);
      position += chunk.length;
      this.#stats.indexedBytes += chunk.length;
      const plans = plansOf(chunk, (at) => isPassedOver(chunk, at, transactions));
      await this.#tools.throttle(chunk.length);
      const answer = await this.#work({
        kind: 'index', map: this.#map, chunk, plans, inflatedSizeMaxBytes: this.#state.environment.inflatedBatchMaxBytes,
        startOffset: firstDirtyOffset, entriesMax: this.#entriesMax, latestOffset: this.#latestOffset,
      });
      this.#latestOffset = answer.latestOffset;
      if (answer.isFull) return true;
    }
    return false;
  }

  #abortedBetween(fromOffset: number, upToOffset: number): AbortedEntry[] {
    const { segments } = this.#state;
    const found: AbortedEntry[] = [];
    for (let index = Math.max(segments.indexFor(fromOffset), 0); index < segments.count; index += 1) {
      const { transactions } = segments.at(index);
      if (transactions !== null && !transactions.collectEntries(fromOffset, upToOffset, found)) break;
    }
    return found;
  }

  async #groups(endOffset: number): Promise<SegmentSlot[][]> {
    const { disk, folder, config, segments } = this.#state;
    const { to } = segmentsBetween(this.#state, -1, endOffset);
    const entries = await disk.list(folder);
    this.#checkGoing();
    const sizes = new Map(entries.map(({ name, sizeBytes }) => [name, sizeBytes]));
    const sizeOf = (slot: SegmentSlot, suffix: string): number => sizes.get(`${offsetStem(slot.baseOffset)}${suffix}`) ?? 0;
    const sized: SizedSlot[] = segments.slots.slice(0, to).map((slot) => ({
      slot, indexBytes: sizeOf(slot, Suffix.offsetIndex), timeIndexBytes: sizeOf(slot, Suffix.timeIndex),
    }));
    return groupSegments(sized, config.segmentBytes, config.segmentIndexBytes, this.#cleanable.firstUncleanableOffset);
  }

  async #cleanGroup(group: readonly SegmentSlot[], transactions: CleanedTransactions): Promise<void> {
    const { segments } = this.#state;
    const cleaned = new CleanedSegments(this.#state, group.reduce((bytes, slot) => bytes + slot.sizeBytes, 0));
    try {
      const first = await cleaned.begin((group[0] as SegmentSlot).baseOffset);
      transactions.index = first.transactions;
      const lastRecords = lastRecordsOf(this.#state.producers.views());
      for (const slot of group) {
        const index = segments.slots.indexOf(slot);
        transactions.expect(this.#abortedBetween(slot.baseOffset, segments.endOffset(index, this.#cleanable.firstUncleanableOffset)));
        await this.#cleanSegment(slot, cleaned, transactions, lastRecords);
      }
      await cleaned.finish();
      this.#checkGoing();
      await swapIn(this.#state, group, cleaned.list, this.#cleaning);
    } catch (error) {
      await takeBack(this.#state, cleaned);
      throw error instanceof RecordError ? new Uncleanable(error.message) : error;
    }
  }

  async #cleanSegment(slot: SegmentSlot, cleaned: CleanedSegments, transactions: CleanedTransactions, lastRecords: LastRecords): Promise<void> {
    for (let position = 0; position < slot.sizeBytes; ) {
      const chunk = await this.#reader.read(slot, position);
      position += chunk.length;
      this.#stats.readBytes += chunk.length;
      const plans = plansOf(chunk, (at) => this.#planOf(chunk, at, transactions, lastRecords));
      await this.#tools.throttle(chunk.length);
      const answer = await this.#work({
        kind: 'filter', map: this.#map, chunk, plans, inflatedSizeMaxBytes: this.#state.environment.inflatedBatchMaxBytes,
        latestOffset: this.#latestOffset, nowMs: this.#nowMs, deleteRetentionMs: this.#state.config.deleteRetentionMs,
      });
      this.#count(answer);
      if (answer.output.length === 0) continue;
      const output = Buffer.from(answer.output.buffer as ArrayBuffer, answer.output.byteOffset, answer.output.length);
      await cleaned.append(output, (begun) => void (transactions.index = begun.transactions));
      await this.#tools.throttle(output.length);
      this.#checkGoing();
    }
  }

  #count(answer: CompactAnswer): void {
    this.#stats.readRecords += answer.recordsRead;
    this.#stats.writtenRecords += answer.recordsKept;
    this.#stats.recordsWithoutKey += answer.recordsWithoutKey;
    this.#stats.writtenBytes += answer.output.length;
  }

  /** One of BatchPlan's sums for the batch at `at`. */
  #planOf(chunk: Buffer, at: number, transactions: CleanedTransactions, lastRecords: LastRecords): number {
    const attributes = attributesOf(chunk, at);
    const producerId = producerIdOf(chunk, at);
    const lastOffset = lastOffsetOf(chunk, at);
    const isMarker = isControl(attributes);
    const isEmpty = isMarker
      ? transactions.onControl(chunk, at, producerId, lastOffset)
      : transactions.onData(producerId, lastOffset, isTransactional(attributes));
    const isDue = !isMarker || (hasDeleteHorizon(attributes) && baseTimestampOf(chunk, at) <= this.#nowMs);
    let plan: number = isEmpty && isDue ? BatchPlan.discardRecords : 0;
    if (isEmpty && isMarker) plan |= BatchPlan.markerOfEmptyTransaction;
    const isKept = isLastOfProducer(lastRecords, chunk, at, producerId, lastOffset, isMarker) || lastOffset + 1 === this.#cleanable.firstUncleanableOffset;
    if (isKept) return plan | BatchPlan.keepEmpty;
    return (plan & BatchPlan.discardRecords) === 0 ? plan : plan | BatchPlan.drop;
  }
}

/** Of each producer: its last data's offset, or (-1) the epoch that its marker must have. */
type LastRecords = ReadonlyMap<number, { readonly lastOffset: number; readonly epoch: number }>;

const lastRecordsOf = (producers: readonly ProducerView[]): LastRecords =>
  new Map(producers.map(({ producerId, lastOffset, epoch }) => [producerId, { lastOffset, epoch }]));

/** The batch has the last sequence, or the epoch, that an active producer is known by. */
function isLastOfProducer(lastRecords: LastRecords, chunk: Buffer, at: number, producerId: number, lastOffset: number, isMarker: boolean): boolean {
  const last = producerId < 0 ? undefined : lastRecords.get(producerId);
  if (last === undefined) return false;
  return last.lastOffset >= 0 ? lastOffset === last.lastOffset : isMarker && producerEpochOf(chunk, at) === last.epoch;
}

function plansOf(chunk: Buffer, planOf: (at: number) => number): Uint8Array {
  const plans: number[] = [];
  for (let at = 0, next = nextBatch(chunk, 0); next !== -1; at = next, next = nextBatch(chunk, at)) plans.push(planOf(at));
  return Uint8Array.from(plans);
}

/** Aborted data and markers have no keys that count. */
function isPassedOver(chunk: Buffer, at: number, transactions: CleanedTransactions): number {
  const attributes = attributesOf(chunk, at);
  const producerId = producerIdOf(chunk, at);
  const lastOffset = lastOffsetOf(chunk, at);
  if (!isControl(attributes)) return transactions.onData(producerId, lastOffset, isTransactional(attributes)) ? BatchPlan.discardRecords : 0;
  transactions.onControl(chunk, at, producerId, lastOffset);
  return BatchPlan.discardRecords;
}

/** What cannot be removed now is removed before the next cleaning, or at the next start. */
async function takeBack(state: LogState, cleaned: CleanedSegments): Promise<void> {
  try {
    await removeUnused(state, cleaned.list);
  } catch (error) {
    state.environment.ports.logger.warn('the files of a compaction that was broken off could not be removed', { log: state.name, reason: String(error) });
  }
}
