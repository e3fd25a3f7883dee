import fs from 'node:fs/promises';
import { DiskError } from '../../base/disk.ts';
import type { DirectoryLock } from '../../base/disk.ts';
import { diskError } from './nodeFiles.ts';

const heldHere = new Set<string>();
const LOCK_FILE_MAX_BYTES = 200;

/**
 * An exclusive file that names its holder (process id and the time at which that process began), for machines without the addon's lock. A file whose
 * holder is gone is taken over.
 */
export async function takePortableLock(path: string): Promise<DirectoryLock> {
  if (heldHere.has(path)) throw new DiskError('ELOCKED', path, `${path} is held by this process`);
  const identity = `${process.pid} ${await startedAt(process.pid)}\n`;
  heldHere.add(path);
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (await tryCreate(path, identity)) return { release: () => release(path) };
      await removeIfStale(path);
    }
    throw new DiskError('ELOCKED', path, `${path} is held by another process`);
  } catch (error) {
    heldHere.delete(path);
    throw diskError(error, path);
  }
}

async function release(path: string): Promise<void> {
  if (!heldHere.delete(path)) return;
  await fs.rm(path, { force: true });
}

/** Makes the file whole under another name and links it, so that nobody sees it half-written. */
async function tryCreate(path: string, identity: string): Promise<boolean> {
  const own = `${path}.${process.pid}`;
  await fs.writeFile(own, identity);
  try {
    await fs.link(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await fs.rm(own, { force: true });
  }
}

async function removeIfStale(path: string): Promise<void> {
  const text = await fs.readFile(path, 'utf8').catch(() => '');
  const [pid, started] = text.slice(0, LOCK_FILE_MAX_BYTES).trim().split(' ');
  const isAlive = pid !== undefined && pid !== '' && (await startedAt(Number(pid))) === started;
  if (isAlive) throw new DiskError('ELOCKED', path, `${path} is held by process ${pid}`);
  await fs.rm(path, { force: true });
}

/** When a process began, in the kernel's ticks; `?` where that can't be told of a living one, `-` for none. A pid alone may have been given again. */
async function startedAt(pid: number): Promise<string> {
  if (!Number.isInteger(pid) || pid <= 0) return '-';
  try {
    const stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '?';
  } catch {
    try {
      process.kill(pid, 0);
      return '?';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM' ? '?' : '-';
    }
  }
}
