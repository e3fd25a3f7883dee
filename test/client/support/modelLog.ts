import { baseSequenceOf, producerEpochOf, producerIdOf, recordCountOf } from '../../../src/record/batchHeader.ts';
import { recordsOf } from '../../../src/record/codecs.ts';
import { RecordCursor } from '../../../src/record/iterate.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';

interface ProducerEntry {
  epoch: number;
  nextSequence: number;
  /** The last five batches. */
  batches: { sequence: number; count: number; offset: number }[];
}

export interface AppendOutcome {
  readonly errorCode: number;
  readonly baseOffset: number;
}

/** One partition as Kafka keeps it: the values appended, with the checks of idempotent producers. */
export class ModelLog {
  readonly values: string[] = [];
  readonly #producers = new Map<number, ProducerEntry>();

  append(batch: Buffer): AppendOutcome {
    const count = recordCountOf(batch, 0);
    const producerId = producerIdOf(batch, 0);
    if (producerId >= 0) {
      const verdict = this.#check(producerId, producerEpochOf(batch, 0), baseSequenceOf(batch, 0), count);
      if (verdict !== null) return verdict;
    }
    const baseOffset = this.values.length;
    const cursor = new RecordCursor();
    cursor.open(batch, 0, recordsOf(batch, 0, 1 << 30));
    while (cursor.next()) this.values.push(String(cursor.value()));
    if (this.values.length !== baseOffset + count) throw new Error('the batch does not hold what it says');
    return { errorCode: ErrorCode.NONE, baseOffset };
  }

  #check(producerId: number, epoch: number, sequence: number, count: number): AppendOutcome | null {
    const refused = (errorCode: number): AppendOutcome => ({ errorCode, baseOffset: -1 });
    const entry = this.#producers.get(producerId) ?? { epoch: -1, nextSequence: -1, batches: [] };
    if (epoch < entry.epoch) return refused(ErrorCode.INVALID_PRODUCER_EPOCH);
    if (epoch > entry.epoch) {
      if (sequence !== 0) return refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    } else {
      const repeated = entry.batches.find((known) => known.sequence === sequence && known.count === count);
      if (repeated !== undefined) return { errorCode: ErrorCode.NONE, baseOffset: repeated.offset };
      if (sequence !== entry.nextSequence) return refused(sequence < entry.nextSequence ? ErrorCode.DUPLICATE_SEQUENCE_NUMBER : ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    }
    const batches = epoch > entry.epoch ? [] : entry.batches;
    this.#producers.set(producerId, { epoch, nextSequence: sequence + count, batches: [...batches, { sequence, count, offset: this.values.length }].slice(-5) });
    return null;
  }
}

/** Logs by `topic/partition`, made when asked for. */
export class ModelLogs {
  readonly #logs = new Map<string, ModelLog>();

  of(topic: string, partition: number): ModelLog {
    const key = `${topic}/${partition}`;
    let log = this.#logs.get(key);
    if (log === undefined) this.#logs.set(key, (log = new ModelLog()));
    return log;
  }
}
