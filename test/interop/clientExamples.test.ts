import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectRoot } from '../support/brokerProcess.ts';
import { startBroker, type BrokerProcess } from './support/broker.ts';
import { run } from './support/run.ts';

let broker: BrokerProcess;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await broker?.close();
});

it.each([
  ['at-most-once', 'sensor-0: 20.9 °C'],
  ['at-least-once', 'deadLettered: 1'],
  ['exactly-once', '20 payments booked'],
])('the example %s runs to its end', async (name, last) => {
  const { code, stdout, stderr } = await run(process.execPath, [path.join(projectRoot, 'examples/client', `${name}.mjs`), broker.address]);
  expect(stderr).toBe('');
  expect(stdout).toContain(last);
  expect(code).toBe(0);
});
