import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WorkerPool } from '../../src/record/workerPool.ts';

type Task = { readonly kind: 'double' | 'wear' | 'exit' | 'throw' | 'hang'; readonly value: number };

let folder: string;
let workerPath: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidelog-pool-'));
  workerPath = join(folder, 'worker.mjs');
  await writeFile(
    workerPath,
    `import { parentPort, threadId } from 'node:worker_threads';
     parentPort.on('message', ({ id, task }) => {
       if (task.kind === 'exit') process.exit(3);
       if (task.kind === 'throw') throw new Error('thrown');
       if (task.kind === 'double' || task.kind === 'wear') parentPort.postMessage({ id, answer: { doubled: task.value * 2, threadId }, isWorn: task.kind === 'wear' });
     });`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Answer = { readonly doubled: number; readonly threadId: number };
const run = (pool: WorkerPool<Task, Answer>, kind: Task['kind'], value = 0): Promise<Answer | string> =>
  new Promise((resolve) => pool.run({ kind, value }, [], (error, answer) => resolve(answer ?? error!.message)));
const poolOf = (threadsMax: number, idleTimeoutMs = 60_000, path = workerPath): WorkerPool<Task, Answer> => new WorkerPool({ workerPath: path, threadsMax, idleTimeoutMs });

test('a thread that is worn answers what it has and gets no more', async () => {
  const pool = poolOf(1);
  const answers = (await Promise.all([run(pool, 'wear', 1), ...[2, 3, 4, 5].map((value) => run(pool, 'double', value))])) as Answer[];
  expect(answers.map(({ doubled }) => doubled)).toEqual([2, 4, 6, 8, 10]);
  const [worn, ...others] = answers.map(({ threadId }) => threadId);
  expect(others.filter((threadId) => threadId === worn).length).toBeLessThanOrEqual(1);
  expect(others.at(-1)).not.toBe(worn);
  expect(((await run(pool, 'double', 6)) as Answer).threadId).toBe(others.at(-1));
  await pool.close();
});

test('answers every task, on no more threads than allowed', async () => {
  const pool = poolOf(2);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, value) => run(pool, 'double', value)));
  expect(answers.map((answer) => (answer as Answer).doubled)).toEqual(Array.from({ length: 50 }, (_, value) => value * 2));
  expect(new Set(answers.map((answer) => (answer as Answer).threadId)).size).toBe(2);
  expect(pool.threadCount).toBe(2);
  await pool.close();
  expect(pool.threadCount).toBe(0);
});

test.each([['exit', 'worker thread ended with code 3'], ['throw', 'thrown']] as const)('a thread that dies by %s fails its own tasks only', async (kind, message) => {
  const pool = poolOf(1);
  const answers = await Promise.all([run(pool, kind), run(pool, 'double', 1), run(pool, 'double', 2), run(pool, 'double', 3)]);
  expect(answers.slice(0, 2)).toEqual([message, message]);
  expect(answers.slice(2).map((answer) => (answer as Answer).doubled)).toEqual([4, 6]);
  await pool.close();
});

test('a script that cannot be loaded fails every task and starts no endless row of threads', async () => {
  const pool = poolOf(1, 60_000, join(folder, 'absent.mjs'));
  const answers = await Promise.all([1, 2, 3, 4, 5].map((value) => run(pool, 'double', value)));
  for (const answer of answers) expect(answer).toContain('absent.mjs');
  expect(pool.threadCount).toBe(0);
  await pool.close();
});

test('idle threads end and come back', async () => {
  const pool = poolOf(1, 1);
  const first = (await run(pool, 'double', 1)) as Answer;
  while (pool.threadCount > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const second = (await run(pool, 'double', 2)) as Answer;
  expect(second.doubled).toBe(4);
  expect(second.threadId).not.toBe(first.threadId);
  await pool.close();
});

test('close fails what hangs, what waits and what comes later', async () => {
  const pool = poolOf(1);
  const answers = Promise.all(Array.from({ length: 4 }, () => run(pool, 'hang')));
  await pool.close();
  expect(await answers).toEqual(['closed', 'closed', 'closed', 'closed']);
  expect(await run(pool, 'double', 1)).toBe('closed');
});
