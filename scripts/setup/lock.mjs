/** One set-up at a time in one folder: a file that holds the process id of who is at it. */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from './stamps.mjs';

/** Outside of node_modules, which a set-up may replace whole. */
const lockFile = path.join(os.tmpdir(), `tidelog-setup-${createHash('sha256').update(root).digest('hex').slice(0, 16)}.lock`);
const WAIT_MS = 250;
const WAIT_MS_MAX = 15 * 60_000;

/** Runs `work` alone; waits for another process's set-up first, and takes over the lock of one that is gone. */
export async function withLock(work, say) {
  let waitedMs = 0;
  while (!tryLock()) {
    if (waitedMs === 0) say('set-up: waiting for the one of another process');
    if (waitedMs >= WAIT_MS_MAX) throw new Error(`another set-up has not ended; if there is none, delete ${lockFile}`);
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    waitedMs += WAIT_MS;
  }
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

function tryLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (!isHolderAlive()) rmSync(lockFile, { force: true });
  return false;
}

function isHolderAlive() {
  try {
    process.kill(Number(readFileSync(lockFile, 'utf8')), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
