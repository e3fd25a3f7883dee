import { spawn } from 'node:child_process';
import { lstat, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dropDeadLink, liveHolder, takeLockFile } from '../../../src/storage/disk/lockFile.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidelog-lock-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const stateOf = async (pid: number): Promise<string> => {
  const status = await readFile(`/proc/${pid}/stat`, 'latin1');
  return status.slice(status.lastIndexOf(')') + 2)[0]!;
};

test.skipIf(process.platform !== 'linux')('a process that has ended holds nothing, also while nobody has asked how it ended', async () => {
  const path = join(folder, '.lock');
  // The shell becomes a program that does not wait for its child.
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const pid = Number(await new Promise<string>((resolve) => parent.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString()))));
    await expect.poll(() => stateOf(pid), { timeout: 10_000 }).toBe('Z');
    await writeFile(path, `${pid} \n`);
    expect(await liveHolder(path)).toBeNull();
    await takeLockFile(path);
    expect(await liveHolder(path)).toBe(process.pid);
  } finally {
    parent.kill();
  }
});

test('a link that stands for a holder goes once he is dead, not before', async () => {
  const path = join(folder, 'linked');
  await symlink(`${process.pid} `, path);
  await dropDeadLink(path);
  expect((await lstat(path)).isSymbolicLink()).toBe(true);
  await rm(path);
  await symlink('999999999 1', path);
  await dropDeadLink(path);
  await expect(lstat(path)).rejects.toThrow('ENOENT');
  await writeFile(path, '999999999 1\n');
  await dropDeadLink(path);
  expect((await lstat(path)).isFile()).toBe(true);
});
