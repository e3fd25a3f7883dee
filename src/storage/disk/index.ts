import type { Disk } from '../../base/disk.ts';
import { PortableDisk } from './portable.ts';

export { MemoryDisk } from './memory.ts';
export { PortableDisk } from './portable.ts';

/** The best Disk that this machine can run. */
export function openDisk(): Disk {
  return new PortableDisk();
}
