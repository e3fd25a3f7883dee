/** The bundle of `tidelog/testing` as it is in the package: it starts from what V8 compiled the last time. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleLibrary } from '../../scripts/setup/bundle.mjs';

const projectRoot = fileURLToPath(new URL('../../', import.meta.url));
const SCRIPT = `
import { startBroker } from './testing.js';
import { KafkaError } from './client.js';
const broker = await startBroker({ topics: { orders: {} } });
const error = await broker.createTopic('orders').catch((reason) => reason);
console.log(error instanceof KafkaError, new Error() instanceof KafkaError, error.codeName);
await broker.close();
`;

let root: string;
let library: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'tidelog-kept-'));
  library = path.join(root, 'dist/library');
  await mkdir(library, { recursive: true });
  await cp(path.join(projectRoot, 'bin'), path.join(root, 'bin'), { recursive: true });
  for (const name of ['node_modules', 'build', 'wasm', 'package.json']) await symlink(path.join(projectRoot, name), path.join(root, name)).catch(() => {});
  const entryOf = (room: string): string => path.join(projectRoot, 'src', room, 'index.ts');
  await bundleLibrary({ entries: { testing: entryOf('testing'), client: entryOf('client') }, outdir: library });
  await writeFile(path.join(library, 'use.mjs'), SCRIPT);
}, 60_000);
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

const run = async (): Promise<string> => (await promisify(execFile)(process.execPath, [path.join(library, 'use.mjs')])).stdout.trim();
const WORKS = 'true false TOPIC_ALREADY_EXISTS';

it('keeps compiled code when the first broker closes, starts from it, and keeps it anew where it is torn', { timeout: 60_000 }, async () => {
  expect(await run()).toBe(WORKS);
  const [name] = (await readdir(library)).filter((file) => file.endsWith('.cache'));
  const cache = path.join(library, name as string);
  const kept = await stat(cache);
  expect(await run()).toBe(WORKS);
  expect((await stat(cache)).ino).toBe(kept.ino);
  await truncate(cache, kept.size - 1);
  expect(await run()).toBe(WORKS);
  expect((await stat(cache)).size).toBeGreaterThan(kept.size / 2);
  expect((await stat(cache)).ino).not.toBe(kept.ino);
});
