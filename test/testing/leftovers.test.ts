import { readdirSync } from 'node:fs';
import v8 from 'node:v8';
import vm from 'node:vm';
import { expect, it } from 'vitest';
import { createClient, serdes } from '../../src/client/index.ts';
import { startBroker } from '../../src/testing/index.ts';

const STARTS = 50;
const WARM_UP = 10;
/** A broker that something holds weighs many times this; code that V8 compiles meanwhile is less. */
const LEFT_BYTES_A_START_MAX = 30_000;

async function startOnce(): Promise<void> {
  const broker = await startBroker({ topics: { orders: {} } });
  const client = createClient({ bootstrap: broker.bootstrap });
  await client.producer({ value: serdes.string, lingerMs: 0 }).send({ topic: 'orders', value: 'first' });
  const consumer = client.consumer({ value: serdes.string, autoOffsetReset: 'earliest' });
  consumer.subscribe(['orders']);
  expect((await consumer.nextBatch(20_000))?.toArray().map(({ value }) => value)).toEqual(['first']);
  await client.close();
  await broker.close();
  await broker.close();
}

function descriptors(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
}

async function heapBytes(): Promise<number> {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
  }
  return process.memoryUsage().heapUsed;
}

const sockets = (): number => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP')).length;

it('fifty brokers that were started, used and closed leave nothing behind', async () => {
  for (let start = 0; start < WARM_UP; start++) await startOnce();
  const before = { heap: await heapBytes(), descriptors: descriptors(), sockets: sockets() };
  for (let start = 0; start < STARTS; start++) await startOnce();
  const after = { heap: await heapBytes(), descriptors: descriptors(), sockets: sockets() };
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
  expect(after.sockets).toBeLessThanOrEqual(before.sockets);
  expect(after.heap - before.heap).toBeLessThan(STARTS * LEFT_BYTES_A_START_MAX);
}, 120_000);
