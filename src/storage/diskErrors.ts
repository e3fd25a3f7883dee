import { DiskError } from '../base/disk.ts';

/** What the failure of a Disk call means for the log directory it happened in. */
export type DiskTrouble =
  /** No space: nothing was written, everything else goes on. */
  | 'full'
  /** The process lacks descriptors or memory at the moment. */
  | 'busy'
  /** The medium cannot be trusted. */
  | 'broken';

const FULL: readonly string[] = ['ENOSPC', 'EDQUOT'];
const BUSY: readonly string[] = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR'];

/** Throws what is no DiskError. */
export function diskTrouble(error: unknown): DiskTrouble {
  if (!(error instanceof DiskError)) throw error;
  if (FULL.includes(error.code)) return 'full';
  return BUSY.includes(error.code) ? 'busy' : 'broken';
}
