import { getSystemErrorName } from 'node:util';
import { DiskError } from '../../base/disk.ts';

/** An errno of the addon as a DiskError. */
export function errorFromErrno(errno: number, path: string, doing: string): DiskError {
  const code = getSystemErrorName(-errno);
  return new DiskError(code, path, `${code}: ${doing} ${path}`);
}
