/** What one log must hold: every batch that was sent, as it must be stored, and how much of that must outlive what. */
import { must } from '../support/must.ts';
import { batchOf, CLIENT, refusal } from '../../storage/support/store.ts';
import type { AppendInfo, Log, LogError } from '../../../src/storage/index.ts';

const PRODUCER = 77;
const FIRST_TIMESTAMP_MS = 1_699_999_000_000;

export interface SentBatch {
  readonly bytes: Buffer;
  readonly firstOffset: number;
  readonly records: number;
  isAnswered: boolean;
  /** It was there after a restart. */
  isFound: boolean;
}

export class LogModel {
  readonly partition: number;
  log!: Log;
  /** In the order of the log; all that were sent and not refused. */
  batches: SentBatch[] = [];
  /** Offsets below are acknowledged as durable. */
  durable = 0;
  start = 0;
  /** Its end was to be cut off, and nobody said that it was: what is there may be on the medium, and recoveries may believe it. */
  mayBeCut = false;
  /** Of the process that runs: answers for an older one are nobody's. */
  life = 0;
  /** Why an append may be refused now. */
  readonly refusals = new Set<string>();
  /** An answer that must not be, to an append that nobody waited for. */
  #failure: Error | null = null;
  /** Where the first batch begins. */
  #base = 0;
  readonly #unanswered = new Set<Promise<void>>();

  constructor(partition: number) {
    this.partition = partition;
  }

  get end(): number {
    const last = this.batches.at(-1);
    return last === undefined ? this.#base : last.firstOffset + last.records;
  }

  /** Of what the log said it has. */
  get answeredEnd(): number {
    const last = this.batches.findLast((batch) => batch.isAnswered);
    return last === undefined ? this.#base : last.firstOffset + last.records;
  }

  /** Resolves with the answer. */
  async append(records: number, sizeBytes: number, codec: 0 | 4, isDurableOnce: (end: number) => boolean): Promise<void> {
    const first = this.end;
    const values = Array.from({ length: records }, (_, index) => `${this.partition}/${first + index}/${this.life}:`.padEnd(sizeBytes, '.'));
    const timestamps = values.map((_, index) => FIRST_TIMESTAMP_MS + first + index);
    const bytes = batchOf(values, { producerId: PRODUCER, producerEpoch: 0, baseSequence: first, timestamps, codec });
    const sent: SentBatch = { bytes, firstOffset: first, records, isAnswered: false, isFound: false };
    this.batches.push(sent);
    const { life } = this;
    const answered = new Promise<void>((resolve, reject) => {
      this.log.append(bytes, CLIENT, (error, info) => {
        if (life !== this.life) return;
        try {
          this.#answer(sent, error, info, isDurableOnce);
          resolve();
        } catch (failure) {
          this.#failure ??= failure as Error;
          reject(failure as Error);
        }
      });
    });
    this.#unanswered.add(answered);
    await answered.finally(() => this.#unanswered.delete(answered));
  }

  #answer(sent: SentBatch, error: LogError | null, info: AppendInfo | null, isDurableOnce: (end: number) => boolean): void {
    sent.isAnswered = true;
    if (error !== null) {
      must(this.refusals.has(error.kind), `an append to log ${this.partition} was refused: ${error.kind} ${error.message}`);
      // Written, but not as durable as was asked for: it may be there after a restart.
      if (error.kind === 'storage') return;
      this.batches = this.batches.filter((batch) => batch !== sent);
      return;
    }
    const end = sent.firstOffset + sent.records;
    must(info !== null && info.firstOffset === sent.firstOffset && info.lastOffset === end - 1 && !info.duplicate, `the batch at ${sent.firstOffset} is at ${JSON.stringify(info)}`);
    if (isDurableOnce(end)) this.durable = Math.max(this.durable, end);
  }

  async answered(): Promise<void> {
    await Promise.all(this.#unanswered);
  }

  /** The log has nothing of the producer yet. As Kafka's it takes any sequence then: were the first batch refused, the one behind it would be the first. */
  get isProducerNew(): boolean {
    return !this.batches.some((batch) => batch.isAnswered || batch.isFound);
  }

  /** What comes after this offset, with the batch that holds it, may be gone from now on. */
  expectCut(offset: number): void {
    this.mayBeCut = true;
    const holder = this.batches.find((batch) => batch.firstOffset + batch.records > offset);
    this.durable = Math.min(this.durable, holder?.firstOffset ?? offset);
    for (const batch of this.batches) if (batch.firstOffset + batch.records > offset) batch.isAnswered = false;
  }

  /** All that comes after this end is gone for good. */
  cut(end: number): void {
    this.mayBeCut = false;
    this.batches = this.batches.filter((batch) => batch.firstOffset + batch.records <= end);
    this.durable = Math.min(this.durable, end);
  }

  /** The process has ended: nothing it was asked is answered any more. */
  endLife(): void {
    this.life += 1;
    this.#unanswered.clear();
  }

  beginLife(log: Log): void {
    this.log = log;
    this.refusals.clear();
  }

  /** After a restart: nothing durable is lost, nothing was made up, each batch is byte for byte what was sent, and all lookups find it. */
  async check(mustHave: number): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const end = this.log.logEndOffset;
    must(end >= mustHave, `log ${this.partition} ends at ${end}, before ${mustHave}: records are lost`);
    must(end <= this.end, `log ${this.partition} ends at ${end}, after ${this.end}`);
    // A cut below the start that was not told of moved it, or did not.
    if (this.mayBeCut && end < this.start && this.log.logStartOffset === end) this.start = end;
    must(this.log.logStartOffset === this.start, `log ${this.partition} starts at ${this.log.logStartOffset}, not at ${this.start}`);
    this.cut(end);
    // Where all that was left is torn, the log goes on where its deleted part ended.
    if (end === this.start && this.end < end) this.#beginAt(end);
    must(this.end === end, `log ${this.partition} ends at ${end}, within a batch`);
    for (const batch of this.batches) batch.isFound = true;
    for (const batch of this.batches) if (batch.firstOffset + batch.records > this.start) this.#checkBatch(batch);
    await this.#checkTimes();
    await this.#checkProducer();
  }

  #beginAt(offset: number): void {
    this.batches = [];
    this.#base = offset;
    this.durable = offset;
  }

  #checkBatch(batch: SentBatch): void {
    const from = Math.max(batch.firstOffset + batch.records - 1, this.start);
    const result = this.log.read(from, 1, this.end, true);
    const stored = Buffer.from(result.bytes);
    const { intact } = result;
    result.release();
    must(intact && stored.equals(asStored(batch)), `the batch at ${batch.firstOffset} of log ${this.partition} is not what was sent`);
  }

  async #checkTimes(): Promise<void> {
    for (let offset = this.start; offset < this.end; offset += 5) {
      const found = await this.log.offsetForTimestamp(FIRST_TIMESTAMP_MS + offset, this.end);
      must(found.offset === offset, `the timestamp of ${offset} of log ${this.partition} is found at ${found.offset}`);
    }
  }

  /** Idempotence goes on where the log ends. */
  async #checkProducer(): Promise<void> {
    const last = this.batches.at(-1);
    if (last === undefined || last.firstOffset < this.start) return;
    const again = await appended(this.log, last.bytes);
    must(again.duplicate && again.firstOffset === last.firstOffset, `what was sent again is taken as ${JSON.stringify(again)}`);
    const gap = batchOf(['gap'], { producerId: PRODUCER, producerEpoch: 0, baseSequence: this.end + 1 });
    must((await refusal(appended(this.log, gap))).kind === 'outOfOrderSequence', 'a gap in the sequence is taken');
    must(this.log.logEndOffset === this.end, 'what was refused is in the log');
  }
}

function appended(log: Log, bytes: Buffer): Promise<AppendInfo> {
  return new Promise((resolve, reject) => log.append(bytes, CLIENT, (error, info) => (error === null ? resolve(info as AppendInfo) : reject(error))));
}

/** Offset and leader epoch are the log's. */
function asStored({ bytes, firstOffset }: SentBatch): Buffer {
  const stored = Buffer.from(bytes);
  stored.writeBigInt64BE(BigInt(firstOffset), 0);
  stored.writeInt32BE(CLIENT.leaderEpoch, 12);
  return stored;
}
