/**
 * Appends to one log, one at a time and in call order. The way of an uncompressed client batch is synchronous: header
 * checks, producer checks, roll, one Segment.append. Batches that have to be inflated or recompressed wait in a queue, and so does
 * everything behind them.
 */
import { assert } from '../base/assert.ts';
import { AppendStatus } from '../base/disk.ts';
import type { AppendPlan, AppendResult } from '../base/disk.ts';
import {
  Codec, Field, HEADER_BYTES, attributesOf, baseOffsetOf, baseSequenceOf, codecIn, isControl, isTransactional, lastOffsetDeltaOf, lastSequenceOf, leaderEpochOf, maxTimestampOf,
  nextBatch, producerEpochOf, producerIdOf, readInt64, writeInt64,
} from '../record/batchHeader.ts';
import { renewCrc } from '../record/build.ts';
import { DEFAULT_LEVEL } from '../record/codecs.ts';
import { InflateStatus } from '../record/inflater.ts';
import type { InflateLimits, InflateOutcome } from '../record/inflater.ts';
import { recordDefects } from '../record/defects.ts';
import { RecordError } from '../record/recordError.ts';
import { clientBatchDefect, crcIsRight, replicaBatchDefect } from './batchChecks.ts';
import { outcomeFailure, recordFailure, statusFailure } from './inflation.ts';
import type { LogState } from './logState.ts';
import { markerIn, noteBatch, noteMarker } from './producerNotes.ts';
import type { Marker } from './producerNotes.ts';
import { ProducerVerdict } from './producerState.ts';
import { mustRoll, roll } from './roll.ts';
import { RELATIVE_MAX } from './segments.ts';
import { LogError } from './types.ts';
import type { AppendDone, AppendInfo, AppendOptions } from './types.ts';

const CODEC_BY_NAME = { uncompressed: Codec.none, gzip: Codec.gzip, snappy: Codec.snappy, lz4: Codec.lz4, zstd: Codec.zstd } as const;

/** An append that waits for its turn, with a copy of its bytes. */
class QueuedAppend {
  bytes: Buffer;
  readonly options: AppendOptions;
  readonly done: AppendDone;
  /** Inflated, checked and, where asked, recompressed. */
  isReady = false;
  recordsAreChecked = false;
  crcIsFresh = false;
  error: LogError | null = null;

  constructor(bytes: Buffer, options: AppendOptions, done: AppendDone) {
    this.bytes = bytes;
    this.options = options;
    this.done = done;
  }
}

/** The inflater has enough to do: asked again after this. */
const BUSY_RETRY_MS = 5;
const REPLICA: AppendOptions = { leaderEpoch: -1, origin: 'replica' };
const NO_DONE: AppendDone = () => {};
const EMPTY = Buffer.alloc(0);

export class Appender {
  readonly #state: LogState;
  readonly #queue: QueuedAppend[] = [];
  readonly #plan: AppendPlan = {
    baseOffset: 0, leaderEpoch: -1, keepOffsets: false, checkCrc: true, checkRecords: true, requireKeys: false, logAppendTimeMs: -1,
    timestampMin: 0, timestampMax: 0, batchSizeMaxBytes: 0,
  };
  readonly #result: AppendResult = {
    position: 0, nextOffset: 0, batches: 0, records: 0, maxTimestampMs: -1, offsetOfMaxTimestamp: -1, badRecordIndex: -1, errno: 0,
  };
  #isPumping = false;
  #holds = 0;
  #idleWaiters: (() => void)[] = [];
  // The append at the disk.
  #done: AppendDone = NO_DONE;
  #origin: AppendOptions['origin'] = 'client';
  #marker: Marker | null = null;
  /** Header fields outlive the borrowed bytes when the disk answers later. */
  #bytes: Buffer = EMPTY;

  constructor(state: LogState) {
    this.#state = state;
  }

  append(bytes: Buffer, options: AppendOptions, done: AppendDone): void {
    const refusal = this.#state.refusal;
    if (refusal !== null) return done(refusal, null);
    const mustWait = this.#state.isAppending || this.#holds > 0 || this.#queue.length > 0;
    if (options.origin === 'replica') {
      if (mustWait) this.#enqueue(bytes, options, done, false);
      else this.#beginReplica(bytes, done);
      return;
    }
    const defect = clientBatchDefect(bytes, options.origin === 'coordinator');
    if (defect !== null) return done(defect, null);
    const needsWork = this.#needsWork(bytes);
    if (mustWait || needsWork) this.#enqueue(bytes, options, done, needsWork);
    else this.#begin(bytes, options, false, false, done);
  }

  /** Must the batch be inflated (or compressed) before it can be appended? */
  #needsWork(bytes: Buffer): boolean {
    const { config } = this.#state;
    const codec = codecIn(attributesOf(bytes, 0));
    if (config.compressionType !== 'producer' && CODEC_BY_NAME[config.compressionType] !== codec) return !isControl(attributesOf(bytes, 0));
    return codec !== Codec.none && (config.batchValidation === 'full' || config.cleanupPolicy.compact);
  }

  #enqueue(bytes: Buffer, options: AppendOptions, done: AppendDone, needsWork: boolean): void {
    const queued = new QueuedAppend(Buffer.from(bytes), options, done);
    this.#queue.push(queued);
    if (!needsWork) queued.isReady = true;
    else if (!this.#refuseBeforeWork(queued)) this.#startWork(queued);
  }

  /** What would be refused anyway is not worth inflating. */
  #refuseBeforeWork(queued: QueuedAppend): boolean {
    const { config } = this.#state;
    if (queued.bytes.length > config.maxMessageBytes) queued.error = tooLarge(queued.bytes.length, config.maxMessageBytes);
    if (queued.error === null) return false;
    queued.isReady = true;
    queueMicrotask(() => this.#pump());
    return true;
  }

  #startWork(queued: QueuedAppend): void {
    const { config, environment } = this.#state;
    const codec = codecIn(attributesOf(queued.bytes, 0));
    const wanted = config.compressionType === 'producer' ? (codec as Codec) : CODEC_BY_NAME[config.compressionType];
    const limits = this.#limits();
    const done = (outcome: InflateOutcome): void => this.#onInflated(queued, outcome);
    if (wanted === codec) environment.inflater.inflate(queued.bytes, limits, done);
    else environment.inflater.recompress(queued.bytes, limits, { codec: wanted, level: this.#levelFor(wanted) }, done);
  }

  #onInflated(queued: QueuedAppend, outcome: InflateOutcome): void {
    if (outcome.status === InflateStatus.busy && this.#state.refusal === null) {
      this.#state.environment.ports.clock.setTimer(BUSY_RETRY_MS, () => this.#startWork(queued));
      return;
    }
    if (outcome.status === InflateStatus.ok && outcome.bytes === null) correctMaxTimestamp(queued.bytes, outcome.maxTimestampMs);
    queued.bytes = outcome.bytes ?? queued.bytes;
    this.#finishWork(queued, outcomeFailure(outcome));
  }

  #finishWork(queued: QueuedAppend, error: LogError | null): void {
    queued.error = error;
    queued.isReady = true;
    queued.recordsAreChecked = true;
    queued.crcIsFresh = true;
    this.#pump();
  }

  #levelFor(codec: Codec): number {
    const { config } = this.#state;
    if (codec === Codec.gzip) return config.compressionGzipLevel;
    if (codec === Codec.lz4) return config.compressionLz4Level;
    return codec === Codec.zstd ? config.compressionZstdLevel : DEFAULT_LEVEL;
  }

  #limits(): InflateLimits {
    const { config, environment } = this.#state;
    const now = environment.ports.clock.now();
    const isCreateTime = config.messageTimestampType === 'CreateTime';
    return {
      inflatedSizeMaxBytes: Math.min(environment.inflatedBatchMaxBytes, Math.max(INFLATED_BYTES_MIN, config.maxMessageBytes * INFLATION_MAX)),
      requireKeys: config.cleanupPolicy.compact,
      timestampMin: isCreateTime ? now - config.messageTimestampBeforeMaxMs : Number.MIN_SAFE_INTEGER,
      timestampMax: isCreateTime ? Math.min(now + config.messageTimestampAfterMaxMs, Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER,
    };
  }

  /** Goes on with what waits, as far as it is ready. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#state.isAppending && this.#holds === 0) {
      const head = this.#queue[0];
      if (head === undefined || !head.isReady) break;
      this.#queue.shift();
      const refusal = this.#state.refusal ?? head.error;
      if (refusal !== null) head.done(refusal, null);
      else if (head.options.origin === 'replica') this.#beginReplica(head.bytes, head.done);
      else this.#begin(head.bytes, head.options, head.recordsAreChecked, head.crcIsFresh, head.done);
    }
    this.#isPumping = false;
    this.#wakeIdle();
  }

  /** Nothing is appended until `resume`; resolves when nothing is under way. What is called meanwhile waits. */
  hold(): Promise<void> {
    this.#holds += 1;
    if (!this.#state.isAppending) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  resume(): void {
    assert(this.#holds > 0, 'resume follows hold');
    this.#holds -= 1;
    this.#pump();
  }

  #wakeIdle(): void {
    if (this.#state.isAppending || this.#idleWaiters.length === 0) return;
    for (const wake of this.#idleWaiters.splice(0)) wake();
  }

  /** Everything that waits fails with this. */
  abandon(reason: LogError): void {
    for (const queued of this.#queue.splice(0)) queued.done(reason, null);
  }

  /** One checked client batch, at the head of the order. */
  #begin(bytes: Buffer, options: AppendOptions, recordsAreChecked: boolean, crcIsFresh: boolean, done: AppendDone): void {
    const refusal = this.#admit(bytes, options, done);
    if (refusal !== null) {
      if (refusal !== ANSWERED) done(refusal, null);
      return;
    }
    const { config, logEndOffset, environment } = this.#state;
    const plan = this.#plan;
    const isAppendTime = config.messageTimestampType === 'LogAppendTime';
    const now = environment.ports.clock.now();
    plan.baseOffset = logEndOffset;
    plan.leaderEpoch = options.leaderEpoch;
    plan.keepOffsets = false;
    plan.checkCrc = !crcIsFresh;
    plan.checkRecords = !recordsAreChecked;
    plan.requireKeys = config.cleanupPolicy.compact;
    plan.logAppendTimeMs = isAppendTime ? now : -1;
    plan.timestampMin = isAppendTime ? Number.MIN_SAFE_INTEGER : now - config.messageTimestampBeforeMaxMs;
    plan.timestampMax = isAppendTime ? Number.MAX_SAFE_INTEGER : Math.min(now + config.messageTimestampAfterMaxMs, Number.MAX_SAFE_INTEGER);
    plan.batchSizeMaxBytes = config.maxMessageBytes;
    if (options.builtMinTimestampMs !== undefined && this.#isInBounds(bytes, options.builtMinTimestampMs)) plan.checkCrc = plan.checkRecords = false;
    this.#write(bytes, options.origin, isAppendTime ? now : maxTimestampOf(bytes, 0), logEndOffset, logEndOffset + lastOffsetDeltaOf(bytes, 0), done);
  }

  /** Nothing that the records' own contents could be refused for. */
  #isInBounds(bytes: Buffer, minTimestampMs: number): boolean {
    const plan = this.#plan;
    return !plan.requireKeys && minTimestampMs >= plan.timestampMin && maxTimestampOf(bytes, 0) <= plan.timestampMax;
  }

  /** Size, epoch and producer checks. Null: append it. ANSWERED: it was a duplicate and has been answered. */
  #admit(bytes: Buffer, options: AppendOptions, done: AppendDone): LogError | null {
    const state = this.#state;
    const { leaderEpoch } = options;
    if (bytes.length > state.config.maxMessageBytes) return tooLarge(bytes.length, state.config.maxMessageBytes);
    if (bytes.length > state.config.segmentBytes) {
      return new LogError('segmentTooSmall', `a batch of ${bytes.length} bytes does not fit into segments of ${state.config.segmentBytes}`);
    }
    if (leaderEpoch < state.epochs.latestEpoch) return new LogError('fencedLeaderEpoch', `leader epoch ${leaderEpoch} is older than ${state.epochs.latestEpoch}`);
    this.#marker = null;
    if (producerIdOf(bytes, 0) < 0) return null;
    const verdict = this.#askProducers(bytes, options);
    if (verdict === ProducerVerdict.ok) return null;
    // The fields that the verdict rests on may be what got damaged on the way.
    if (verdict instanceof LogError || !crcIsRight(bytes)) return verdict instanceof LogError ? verdict : new LogError('corrupt', 'the CRC of the batch is wrong');
    if (verdict === ProducerVerdict.duplicate) {
      this.#answerDuplicate(lastOffsetDeltaOf(bytes, 0), done);
      return ANSWERED;
    }
    return producerFailure(state, verdict, bytes);
  }

  #askProducers(bytes: Buffer, options: AppendOptions): ProducerVerdict | LogError {
    const { producers } = this.#state;
    const attributes = attributesOf(bytes, 0);
    const producerId = producerIdOf(bytes, 0);
    const epoch = producerEpochOf(bytes, 0);
    const { transactionVersion = 0 } = options;
    if (!isControl(attributes)) {
      const firstSequence = baseSequenceOf(bytes, 0);
      if (options.origin === 'coordinator' && firstSequence < 0) return producers.checkCoordinated(producerId, epoch, isTransactional(attributes), options.verification);
      const verdict = producers.check(producerId, epoch, firstSequence, lastSequenceOf(bytes, 0), isTransactional(attributes));
      if (verdict !== ProducerVerdict.ok || !isTransactional(attributes)) return verdict;
      return producers.checkOpening(producerId, epoch, firstSequence, options.verification, transactionVersion);
    }
    try {
      this.#marker = markerIn(bytes, 0);
    } catch (error) {
      return recordFailure(error);
    }
    return this.#marker === null ? ProducerVerdict.ok : producers.checkMarker(producerId, epoch, this.#marker.coordinatorEpoch, transactionVersion);
  }

  #answerDuplicate(lastOffsetDelta: number, done: AppendDone): void {
    const state = this.#state;
    const firstOffset = state.producers.duplicateFirstOffset;
    const lastOffset = firstOffset + lastOffsetDelta;
    const info: AppendInfo = { firstOffset, lastOffset, logAppendTimeMs: -1, logStartOffset: state.logStartOffset, duplicate: true };
    // The first answer may still wait for the disk; this one must not come before.
    if (state.flush.isAwaited(lastOffset)) state.flush.answerWhenDurable(lastOffset + 1, done, info);
    else done(null, info);
  }

  #beginReplica(bytes: Buffer, done: AppendDone): void {
    const state = this.#state;
    const defect = replicaBatchDefect(bytes, state.logEndOffset);
    if (defect !== null) return done(defect, null);
    const pieceBytes = segmentPiece(bytes, state.config.segmentBytes);
    if (pieceBytes === 0) return done(new LogError('segmentTooSmall', `a batch does not fit into segments of ${state.config.segmentBytes} bytes`), null);
    if (pieceBytes < bytes.length) this.#writePieces(bytes, pieceBytes, done);
    else this.#writeReplica(bytes, done);
  }

  /** The first piece now, the others right behind it. */
  #writePieces(bytes: Buffer, pieceBytes: number, done: AppendDone): void {
    let first: AppendInfo | null = null;
    const rest = new QueuedAppend(Buffer.from(bytes.subarray(pieceBytes)), REPLICA, (error, info) =>
      done(error, info === null || first === null ? null : { ...info, firstOffset: first.firstOffset }));
    rest.isReady = true;
    this.#queue.unshift(rest);
    this.#writeReplica(bytes.subarray(0, pieceBytes), (error, info) => {
      first = info;
      if (error !== null) rest.error = error;
    });
    this.#pump();
  }

  #writeReplica(bytes: Buffer, done: AppendDone): void {
    const plan = this.#plan;
    plan.keepOffsets = true;
    plan.checkCrc = true;
    plan.checkRecords = false;
    plan.requireKeys = false;
    plan.logAppendTimeMs = -1;
    plan.timestampMin = Number.MIN_SAFE_INTEGER;
    plan.timestampMax = Number.MAX_SAFE_INTEGER;
    plan.batchSizeMaxBytes = 0x7fffffff;
    let last = 0;
    let maxTimestampMs = -1;
    for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
      last = at;
      maxTimestampMs = Math.max(maxTimestampMs, maxTimestampOf(bytes, at));
    }
    const firstOffset = baseOffsetOf(bytes, 0);
    plan.baseOffset = firstOffset;
    this.#write(bytes, 'replica', maxTimestampMs, firstOffset, lastReplicaOffset(bytes, last, firstOffset), done);
  }

  #write(bytes: Buffer, origin: AppendOptions['origin'], maxTimestampMs: number, firstOffset: number, lastOffset: number, done: AppendDone): void {
    const state = this.#state;
    try {
      if (mustRoll(state, bytes.length, maxTimestampMs, lastOffset)) roll(state, firstOffset);
    } catch (error) {
      return done(state.diskFailure(error, 'rolling'), null);
    }
    this.#state.isAppending = true;
    this.#done = done;
    this.#origin = origin;
    this.#bytes = bytes;
    state.segments.active.append(bytes, this.#plan, this.#result, this.#onWritten);
    // Borrowed until append returns; of data, only the header is needed later.
    if (state.isAppending) this.#bytes = Buffer.from(isJustData(bytes, origin) ? bytes.subarray(0, HEADER_BYTES) : bytes);
  }

  readonly #onWritten = (status: AppendStatus): void => {
    const done = this.#done;
    const bytes = this.#bytes;
    this.#state.isAppending = false;
    this.#done = NO_DONE;
    this.#bytes = EMPTY;
    const refusal = this.#state.refusal;
    if (status !== AppendStatus.ok) done(this.#failure(status, bytes), null);
    else if (refusal !== null) done(refusal, null);
    else this.#settle(bytes, done);
    if (this.#queue.length > 0) this.#pump();
    else this.#wakeIdle();
  };

  /** The bytes are in the segment: moves the log's end and everything that follows from it. */
  #settle(bytes: Buffer, done: AppendDone): void {
    const state = this.#state;
    const plan = this.#plan;
    const nextOffset = this.#result.nextOffset;
    const firstOffset = plan.baseOffset;
    if (this.#origin === 'replica') this.#noteReplicated(bytes);
    else this.#noteAppended(bytes, firstOffset, nextOffset - 1);
    state.moveEnd(nextOffset);
    const info: AppendInfo = { firstOffset, lastOffset: nextOffset - 1, logAppendTimeMs: plan.logAppendTimeMs, logStartOffset: state.logStartOffset, duplicate: false };
    state.flush.noteAppended();
    if (state.naming === 'open') state.host.nameSoon(state);
    if (nextOffset - state.syncRequestedOffset < state.config.flushMessages) return done(null, info);
    state.flush.answerWhenDurable(nextOffset, done, info);
    state.flush.requestAll();
  }

  #noteAppended(bytes: Buffer, firstOffset: number, lastOffset: number): void {
    const state = this.#state;
    const plan = this.#plan;
    if (plan.leaderEpoch !== state.epochs.latestEpoch) state.epochs.assign(plan.leaderEpoch, firstOffset);
    const producerId = producerIdOf(bytes, 0);
    if (producerId < 0) return;
    const attributes = attributesOf(bytes, 0);
    const epoch = producerEpochOf(bytes, 0);
    const nowMs = state.environment.ports.clock.now();
    if (!isControl(attributes)) {
      state.producers.noteData(producerId, epoch, lastSequenceOf(bytes, 0), firstOffset, lastOffset, nowMs, isTransactional(attributes));
      return;
    }
    const marker = this.#marker;
    if (marker !== null) noteMarker(state, state.producers.noteMarker(producerId, epoch, marker.coordinatorEpoch, marker.isAbort, firstOffset, nowMs));
  }

  #noteReplicated(bytes: Buffer): void {
    for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
      this.#state.epochs.assign(leaderEpochOf(bytes, at), baseOffsetOf(bytes, at));
      try {
        noteBatch(this.#state, bytes, at);
      } catch (error) {
        if (!(error instanceof RecordError)) throw error;
        this.#state.environment.ports.logger.warn('a control batch from the leader cannot be read', { log: this.#state.name, reason: error.message });
      }
    }
  }

  #failure(status: AppendStatus, bytes: Buffer): LogError {
    const state = this.#state;
    switch (status) {
      case AppendStatus.corruptHeader:
        return new LogError('corrupt', 'the header of the batch is malformed');
      case AppendStatus.corruptChecksum:
        return new LogError('corrupt', 'the CRC of the batch is wrong');
      case AppendStatus.unsupportedMagic:
        return new LogError('unsupportedMagic', 'only batches of magic 2 are supported');
      case AppendStatus.batchTooLarge:
        return tooLarge(-1, this.#plan.batchSizeMaxBytes);
      case AppendStatus.offsetOutOfOrder:
        return new LogError('invalidRecord', 'the offsets of the batches do not continue the log');
      case AppendStatus.diskFull:
        // Whoever stops in order now must not leave to the next start what may come back with the power.
        state.cutIsUnsynced = true;
        return new LogError('diskFull', `no space is left under ${state.host.path}`);
      case AppendStatus.ioError:
      case AppendStatus.closed: {
        const message = `appending to ${state.name} failed (errno ${this.#result.errno})`;
        if (state.refusal === null) state.host.fail(message);
        return state.refusal ?? new LogError('storage', message);
      }
      default:
        return statusFailure(status, this.#result.badRecordIndex, this.#defects(status, bytes));
    }
  }

  /** `bytes` may be no more than the header by now. */
  #defects(status: AppendStatus, bytes: Buffer): number[] {
    const isAboutRecords = status === AppendStatus.missingKey || status === AppendStatus.invalidTimestamp;
    return isAboutRecords && nextBatch(bytes, 0) === bytes.length ? recordDefects(bytes, null, this.#plan) : [];
  }
}

/** One batch of a client that is no marker. */
const isJustData = (bytes: Buffer, origin: AppendOptions['origin']): boolean => origin !== 'replica' && !isControl(attributesOf(bytes, 0));

/**
 * What a compressed batch may be once it is inflated, which Kafka does not limit: so many times as large as the topic lets a batch be, and at least
 * this. Compression of real data stays far below; what does not is made to fill memory.
 */
const INFLATION_MAX = 16;
const INFLATED_BYTES_MIN = 64 * 1024 * 1024;

/** `#admit` has called `done` itself. */
const ANSWERED = new LogError('closed', 'answered');

function tooLarge(sizeBytes: number, maxBytes: number): LogError {
  const size = sizeBytes < 0 ? '' : ` of ${sizeBytes} bytes`;
  return new LogError('batchTooLarge', `the batch${size} is larger than max.message.bytes ${maxBytes}`);
}

function producerFailure(state: LogState, verdict: ProducerVerdict, bytes: Buffer): LogError {
  const text = `${state.name}: ${state.producers.explain(producerIdOf(bytes, 0), producerEpochOf(bytes, 0), baseSequenceOf(bytes, 0))}`;
  if (verdict === ProducerVerdict.staleEpoch) return new LogError('invalidProducerEpoch', text);
  if (verdict === ProducerVerdict.notTransactional) return new LogError('invalidTransactionState', `${text}; a transaction is open, the batch is not part of it`);
  if (verdict === ProducerVerdict.notVerified) return new LogError('invalidTransactionState', `${text}; the batch is not part of an ongoing transaction`);
  if (verdict === ProducerVerdict.coordinatorFenced) return new LogError('transactionCoordinatorFenced', `${text}; the marker is from an older coordinator`);
  return new LogError('outOfOrderSequence', text);
}

/** Bytes of whole batches at the start of `bytes` that fit into one segment; all of them where their framing ends early (the disk will say why). */
function segmentPiece(bytes: Buffer, segmentBytes: number): number {
  const start = readInt64(bytes, 0);
  let at = 0;
  for (let next = nextBatch(bytes, 0); next !== -1; next = nextBatch(bytes, at)) {
    const span = readInt64(bytes, at) + lastOffsetDeltaOf(bytes, at) - start;
    if (next > segmentBytes || span > RELATIVE_MAX) return at;
    at = next;
  }
  return bytes.length;
}

/** The header's claim is checked by the disk later: here it only decides whether to roll. */
function lastReplicaOffset(bytes: Buffer, lastBatchAt: number, firstOffset: number): number {
  const last = readInt64(bytes, lastBatchAt) + lastOffsetDeltaOf(bytes, lastBatchAt);
  return Number.isSafeInteger(last) ? Math.max(last, firstOffset) : firstOffset;
}

/** Puts a wrong maxTimestamp in a header right, as Kafka does. `batch` is our own copy. */
function correctMaxTimestamp(batch: Buffer, maxTimestampMs: number): void {
  if (maxTimestampOf(batch, 0) === maxTimestampMs) return;
  writeInt64(batch, maxTimestampMs, Field.maxTimestamp);
  renewCrc(batch);
}
