/** Calls of node:fs as promises. node:fs/promises has them too, but it and its file handles cost a start of the process some six milliseconds. */
import * as fs from 'node:fs';
import { promisify } from 'node:util';

export const link = promisify(fs.link);
export const makeDirectory = promisify(fs.mkdir);
export const readDirectory = promisify(fs.readdir);
export const readFile = promisify(fs.readFile);
export const readLink = promisify(fs.readlink);
export const rename = promisify(fs.rename);
export const remove = promisify(fs.rm);
export const stat = promisify(fs.stat);
export const statFileSystem = promisify(fs.statfs);
export const symlink = promisify(fs.symlink);
export const truncate = promisify(fs.truncate);
export const unlink = promisify(fs.unlink);
export const writeFile = promisify(fs.writeFile);

const open = promisify(fs.open);
const close = promisify(fs.close);
const statOpen = promisify(fs.fstat);

/** Of an open file, by its descriptor. */
export const sizeOf = async (descriptor: number): Promise<number> => (await statOpen(descriptor)).size;
export const sync = promisify(fs.fsync);

/** Runs `work` on an open file and closes it. */
export async function withFile<T>(path: string, flags: string, work: (descriptor: number) => Promise<T>): Promise<T> {
  const descriptor = await open(path, flags);
  try {
    return await work(descriptor);
  } finally {
    await close(descriptor);
  }
}
