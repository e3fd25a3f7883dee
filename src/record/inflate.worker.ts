/** Entry of the inflater's worker threads (see workerInflater.ts). */
import { getHeapStatistics } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import { definite } from '../base/assert.ts';
import { runInflateTask } from './inflateTask.ts';
import type { InflateTask } from './inflateTask.ts';
import type { InflateOutcome } from './inflater.ts';
import type { AnswerMessage, TaskMessage } from './workerPool.ts';

/** Of buffers and WebAssembly, which a collector that sees only a small heap leaves lying. */
const FOREIGN_MEMORY_BYTES_MAX = 64 * 2 ** 20;

const port = definite(parentPort, 'the port of a worker thread');

port.on('message', ({ id, task }: TaskMessage<InflateTask>) => {
  const outcome = runInflateTask(task);
  // A codec's memory may not be transferable (native) or be shared (a pool): the bytes that go back get their own.
  const bytes = outcome.bytes === null ? null : new Uint8Array(outcome.bytes);
  const isWorn = getHeapStatistics().external_memory > FOREIGN_MEMORY_BYTES_MAX;
  const message: AnswerMessage<InflateOutcome> = { id, answer: { ...outcome, bytes: bytes as Buffer | null }, isWorn };
  port.postMessage(message, bytes === null ? [] : [bytes.buffer]);
});
