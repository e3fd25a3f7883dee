/** A vitest project in an empty folder tests an event-driven service with `tidelog/testing`. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../setup/stamps.mjs';
import { installInto, runNode } from './machine.mjs';

const GOAL_MS = 1000;

/** Orders come in, a confirmation goes out for each; one that costs too much is refused. */
const SERVICE = `
import { createClient, serdes } from 'tidelog/client';

export function startService(bootstrap) {
  const client = createClient({ bootstrap, clientId: 'order-service' });
  const producer = client.producer({ key: serdes.string, value: serdes.json() });
  const consumer = client.consumer({ key: serdes.string, value: serdes.json(), groupId: 'order-service', autoOffsetReset: 'earliest' });
  consumer.subscribe(['orders']);
  const running = (async () => {
    for await (const { key, value } of consumer) {
      await producer.send({ topic: 'confirmations', key, value: { order: value.id, state: value.cents > 10_000 ? 'refused' : 'confirmed' } });
    }
  })();
  return { stop: async () => { await client.close(); await running.catch(() => {}); } };
}
`;

const TEST = `
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient, serdes } from 'tidelog/client';
import { useBroker } from 'tidelog/testing';
import { startService } from './service.mjs';

const broker = useBroker({ beforeAll, afterAll }, { topics: { orders: {}, confirmations: {} } });
let service;
beforeAll(() => void (service = startService(broker.bootstrap)));
afterAll(() => service.stop());

it('confirms an order, and refuses one that costs too much', async () => {
  const client = createClient({ bootstrap: broker.bootstrap });
  const producer = client.producer({ key: serdes.string, value: serdes.json() });
  await producer.send({ topic: 'orders', key: 'alice', value: { id: 1, cents: 250 } });
  await producer.send({ topic: 'orders', key: 'bob', value: { id: 2, cents: 99_999 } });
  const answers = await broker.waitForRecords('confirmations', 2, 10_000);
  expect(answers.map((record) => record.json())).toEqual([{ order: 1, state: 'confirmed' }, { order: 2, state: 'refused' }]);
  await client.close();
});
`;

export function runTestProject(context) {
  const folder = path.join(context.folder, 'service');
  const { devDependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  installInto(folder, context, { packages: [`vitest@${devDependencies.vitest}`] });
  writeFileSync(path.join(folder, 'service.mjs'), SERVICE);
  writeFileSync(path.join(folder, 'service.test.mjs'), TEST);
  for (const node of context.nodes) context.say(`${node.name}: ${runVitest(folder, node)}`);
}

function runVitest(folder, node) {
  const output = path.join(folder, 'result.json');
  const started = performance.now();
  runNode(node, ['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', `--outputFile=${output}`], { cwd: folder });
  const wholeMs = Math.round(performance.now() - started);
  const result = JSON.parse(readFileSync(output, 'utf8'));
  if (!result.success || result.numPassedTests !== 1) throw new Error(JSON.stringify(result));
  const [{ startTime, endTime }] = result.testResults;
  const tookMs = Math.round(endTime - startTime);
  return `broker, service and test in ${tookMs} ms${tookMs > GOAL_MS ? ` (MORE than the goal of ${GOAL_MS} ms)` : ''}; vitest from exec to exit in ${wholeMs} ms`;
}
