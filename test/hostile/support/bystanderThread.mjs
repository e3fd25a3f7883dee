/**
 * The bystander's thread: sends one frame, waits for its answer, rests, and sends it again. Plain JavaScript, so that a thread can load it, and a thread,
 * so that the attacker's own work does not delay it.
 */
import net from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';

const { port, frame, restMs, errorAt, counters } = workerData;
/** Shared with the test: acks, longest wait in microseconds, whether it failed, whether it is to stop, whether to be silent. */
const shared = new Int32Array(counters);
const ACKS = 0;
const LONGEST_WAIT = 1;
const FAILED = 2;
const STOP = 3;
const PAUSED = 4;

const socket = net.connect(port, '127.0.0.1');
socket.setNoDelay(true);
let received = Buffer.alloc(0);
let wake = () => {};
let isOver = false;
socket.on('data', (bytes) => {
  received = Buffer.concat([received, bytes]);
  wake();
});
const end = () => {
  isOver = true;
  wake();
};
socket.on('error', end);
socket.on('close', end);

async function answer() {
  while (received.length < 4 || received.length < 4 + received.readInt32BE(0)) {
    if (isOver) return null;
    await new Promise((resolve) => (wake = resolve));
  }
  const end = 4 + received.readInt32BE(0);
  const bytes = received.subarray(4, end);
  received = received.subarray(end);
  return bytes;
}

let lastOffset = -1n;
while (Atomics.load(shared, STOP) === 0) {
  const begun = performance.now();
  socket.write(frame);
  const bytes = await answer();
  const errorCode = bytes === null ? -1 : bytes.readInt16BE(errorAt);
  const offset = bytes === null ? -1n : bytes.readBigInt64BE(errorAt + 2);
  if (errorCode !== 0 || offset <= lastOffset) {
    Atomics.store(shared, FAILED, bytes === null ? 1 : 1000 + errorCode);
    break;
  }
  lastOffset = offset;
  Atomics.add(shared, ACKS, 1);
  const waitedUs = Math.round((performance.now() - begun) * 1000);
  if (waitedUs > Atomics.load(shared, LONGEST_WAIT)) Atomics.store(shared, LONGEST_WAIT, waitedUs);
  do await rest(restMs);
  while (Atomics.load(shared, PAUSED) === 1 && Atomics.load(shared, STOP) === 0);
}
socket.destroy();
