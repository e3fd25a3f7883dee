import { readFileSync } from 'node:fs';
import { DiskError } from '../../base/disk.ts';
import { link, readFile, readLink, remove, rename, stat, symlink, withFile, writeFile } from './asyncFiles.ts';
import { asDiskError } from './hostFiles.ts';

/** After this long a guard left by a process that died while taking a lock over is void. */
const GUARD_VOID_AFTER_MS = 10_000;
let counter = 0;

/** Who holds a lock: a process, told from a later one of the same number by its start time. */
interface Holder {
  readonly pid: number;
  readonly startTime: string;
}

/** Start time of a process in the system's own unit; '' where it cannot be known, null when there is no such process. */
function startTimeOf(pid: number): string | null {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return null;
  }
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may hold anything; behind it come the state and, as the 20th field, the start time.
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
    // It has ended, and nobody has asked how: in a container without an init that may stay so.
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    return fields[19] ?? '';
  } catch {
    return '';
  }
}

function parseHolder(text: string): Holder | null {
  const match = /^(\d{1,10}) (\d*)\s*$/.exec(text);
  return match === null ? null : { pid: Number(match[1]), startTime: match[2]! };
}

function isAlive(holder: Holder): boolean {
  const startTime = startTimeOf(holder.pid);
  return startTime !== null && (startTime === '' || holder.startTime === '' || startTime === holder.startTime);
}

/** What a holder writes into its lock file. */
export function ownHolderText(): string {
  return `${process.pid} ${startTimeOf(process.pid) ?? ''}\n`;
}

export function lockedError(path: string, pid: number | null): DiskError {
  const who = pid === null ? 'another process' : pid === process.pid ? 'this process' : `process ${pid}`;
  return new DiskError('ELOCKED', path, `${path} is held by ${who}`);
}

/** The live process that a lock file names, null when it names none or a dead one. */
export async function liveHolder(path: string): Promise<number | null> {
  const text = await readLink(path).catch(() => readFile(path, 'latin1')).catch(() => '');
  const holder = parseHolder(text);
  return holder !== null && isAlive(holder) ? holder.pid : null;
}

/** Takes a lock file without the kernel's help. Throws ELOCKED when a live process holds it. */
export async function takeLockFile(path: string): Promise<void> {
  const own = `${path}.${process.pid}.${counter++}`;
  try {
    await writeHolder(own);
    // A link appears with its content or not at all.
    const taken = await link(own, path).then(() => true, (error: NodeJS.ErrnoException) => notExisting(error));
    if (!taken) await takeOver(path, own);
  } catch (error) {
    throw asDiskError(error, path);
  } finally {
    await remove(own, { force: true }).catch(() => {});
  }
}

/** A full disk has no block for the text: the target of a symbolic link needs none. */
async function writeHolder(path: string): Promise<void> {
  try {
    await writeFile(path, ownHolderText());
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    await remove(path, { force: true });
    await symlink(ownHolderText().trim(), path);
  }
}

function notExisting(error: NodeJS.ErrnoException): false {
  if (error.code === 'EEXIST') return false;
  throw error;
}

/** A link of a dead holder (see writeHolder) goes: the kernel would lock a file of the name that it holds. */
export async function dropDeadLink(path: string): Promise<void> {
  const isLink = (): Promise<boolean> => readLink(path).then(() => true, () => false);
  if (!(await isLink()) || (await liveHolder(path)) !== null) return;
  await guarded(`${path}.guard`, path, async () => {
    if ((await isLink()) && (await liveHolder(path)) === null) await remove(path);
  });
}

/** Replaces the file of a dead holder, one taker at a time. */
async function takeOver(path: string, own: string): Promise<void> {
  const guard = `${path}.guard`;
  await guarded(guard, path, async () => {
    const pid = await liveHolder(path);
    if (pid !== null) throw lockedError(path, pid);
    await rename(own, path);
  });
}

async function guarded(guard: string, path: string, work: () => Promise<void>): Promise<void> {
  const make = (): Promise<void> => withFile(guard, 'wx', async () => {});
  await make().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    const ageMs = await stat(guard).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0);
    if (ageMs < GUARD_VOID_AFTER_MS) throw lockedError(path, null);
    await remove(guard, { force: true });
    await make();
  });
  try {
    await work();
  } finally {
    await remove(guard, { force: true });
  }
}
