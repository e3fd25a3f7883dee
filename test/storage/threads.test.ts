import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLogsReadOnly } from '../../src/storage/index.ts';
import { BuiltPackage } from '../record/builtWorker.ts';

let built: BuiltPackage;
beforeAll(async () => {
  built = await BuiltPackage.make();
  await built.bundle('src/storage/index.ts', 'dist/storage/index.js');
});
afterAll(() => built.remove());

it('a store is written by a worker thread, read by this one, and refused to a second writer', async () => {
  const script = join(built.root, 'writer.mjs');
  await writeFile(script, `
    import { parentPort, workerData } from 'node:worker_threads';
    import { openLogs } from './dist/storage/index.js';
    const logs = await openLogs(workerData.folder);
    const log = await logs.open('a');
    for (let index = 0; index < 100; index += 1) await log.append({ value: 'v' + index }).accepted;
    const refused = await openLogs(workerData.folder).catch((error) => error.code);
    parentPort.postMessage({ durable: await log.append({ value: 'last' }).durable, refused });
    parentPort.once('message', async () => {
      await logs.close();
      parentPort.close();
    });
  `);
  const folder = join(built.root, 'store');
  const worker = new Worker(script, { workerData: { folder } });
  const exit = new Promise<number>((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  const message = await new Promise((resolve) => worker.once('message', resolve));
  expect(message).toEqual({ durable: { firstOffset: 100, lastOffset: 100 }, refused: 'locked' });
  const reader = await openLogsReadOnly(folder);
  const found: string[] = [];
  for await (const record of (await reader.open('a')).read()) found.push(String(record.value));
  expect([found.length, found[0], found.at(-1)]).toEqual([101, 'v0', 'last']);
  await reader.close();
  worker.postMessage('end', []);
  expect(await exit).toBe(0);
});
