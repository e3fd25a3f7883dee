import { forEachFetchedRecord } from '../consumer/fetchedRecords.ts';
import type { TakenPartition } from '../consumer/fetcher.ts';
import type { Batch } from './consumerTypes.ts';
import { fromCursor, type KafkaMessage } from './messages.ts';

/** What one fetch brought of one partition, in KafkaJS's form. Throws RecordError. */
export function toBatch({ state, bytes, aborted, from, next }: TakenPartition): Batch {
  const messages: KafkaMessage[] = [];
  forEachFetchedRecord(bytes, { fromOffset: from, aborted, checkCrcs: true }, (cursor) => void messages.push(fromCursor(cursor)));
  const highWatermark = Math.max(state.highWatermark, next);
  const lagFrom = (offset: number): string => String(Math.max(highWatermark - 1 - offset, 0));
  return {
    topic: state.topic, partition: state.partition, highWatermark: String(highWatermark), messages,
    isEmpty: () => messages.length === 0,
    firstOffset: () => messages[0]?.offset ?? null,
    // behind the last message there may be markers of transactions
    lastOffset: () => String(next - 1),
    offsetLag: () => lagFrom(next - 1),
    offsetLagLow: () => (messages.length === 0 ? '0' : lagFrom(Number((messages[0] as KafkaMessage).offset))),
  };
}
