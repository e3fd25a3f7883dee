import type { RecordBatch } from './recordBatch.ts';
import type { RecordConsumer } from './recordConsumer.ts';

/** Batches as a Web Stream, taken when they are read. Cancelling it ends the reading, not the consumer. */
export function batchStream<K, V>(consumer: RecordConsumer<K, V>): ReadableStream<RecordBatch<K, V>> {
  const stop = new AbortController();
  const batches = consumer.batches({ signal: stop.signal });
  return new ReadableStream<RecordBatch<K, V>>(
    {
      async pull(controller) {
        const { done, value } = await batches.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        stop.abort();
        await batches.return();
      },
    },
    // nothing waits in the stream: asking for a batch says that the one before is done
    { highWaterMark: 0 },
  );
}
