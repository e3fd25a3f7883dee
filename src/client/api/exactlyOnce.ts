import { ClientError } from '../core/clientError.ts';
import { isRetriableError } from '../core/wait.ts';
import type { RecordBatch } from './recordBatch.ts';
import type { RecordConsumer } from './recordConsumer.ts';
import type { RecordProducer, TransactionScope } from './recordProducer.ts';

export interface ExactlyOnceOptions<K, V, OutK, OutV> {
  /** In a group, with read_committed and without auto commit. */
  readonly consumer: RecordConsumer<K, V>;
  /** With a transactional.id. */
  readonly producer: RecordProducer<OutK, OutV>;
  readonly topics: readonly string[] | RegExp;
  /** Reads a batch, sends what comes of it. What it throws aborts the transaction and ends the loop; the batch is read again after a restart. */
  readonly transform: (batch: RecordBatch<K, V>, scope: TransactionScope<OutK, OutV>) => Promise<void> | void;
  readonly signal?: AbortSignal;
}

/**
 * Consume, transform, produce: what is sent and the offsets of what was read become visible together, or not at all (KIP-447). Resolves when `signal` is
 * aborted or the consumer closed. An aborted transaction (the group moved on, a broker failed) is tried again from what was committed.
 */
export async function runExactlyOnce<K, V, OutK, OutV>(options: ExactlyOnceOptions<K, V, OutK, OutV>): Promise<void> {
  const { consumer, producer, topics, transform, signal } = options;
  consumer.subscribe(topics);
  const onAbort = () => consumer.engine.wake();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    while (signal?.aborted !== true && !consumer.isClosed) {
      const batch = await consumer.nextBatch();
      if (batch === null || batch.isStale) continue;
      try {
        await producer.transaction(async (scope) => {
          await transform(batch, scope);
          if (batch.isStale) throw new ClientError('REBALANCED', 'the partition was taken away');
          await scope.sendOffsets(consumer.groupIdentity(), [{ topic: batch.topic, partition: batch.partition, offset: batch.nextOffset }]);
        });
      } catch (error) {
        if (!mayTryAgain(error)) throw error;
        consumer.engine.putBack(batch.taken);
      }
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

function mayTryAgain(error: unknown): boolean {
  return isRetriableError(error) || (error instanceof ClientError && (error.code === 'TRANSACTION_ABORTABLE' || error.code === 'DELIVERY_TIMED_OUT'));
}
