/** A segment's files by their paths, where no segment of the addon is open. */
import { renameSync } from 'node:fs';
import { remove } from './asyncFiles.ts';
import { asDiskError } from './hostFiles.ts';

/** One that is gone already is no error. Throws DiskError. */
export async function removeFile(path: string): Promise<void> {
  try {
    await remove(path, { force: true });
  } catch (error) {
    throw asDiskError(error, path);
  }
}

/** One that is not `required` may be missing. Throws DiskError. */
export function moveFile(from: string, to: string, required: boolean): void {
  try {
    renameSync(from, to);
  } catch (error) {
    const failed = asDiskError(error, from);
    if (required || failed.code !== 'ENOENT') throw failed;
  }
}
