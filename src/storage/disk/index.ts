import type { Disk } from '../../base/disk.ts';
import { loadNativeCore, whyNotNative } from '../../binding/addon.ts';
import { wantedCore } from '../../binding/load.ts';
import { NativeDisk } from './native.ts';
import { PortableDisk } from './portable.ts';

export { MemoryDisk } from './memory.ts';
export { PortableDisk } from './portable.ts';

export interface DiskChoice {
  /** By default what TIDELOG_CORE says, else the addon where it is built, else node:fs. */
  readonly core?: 'native' | 'portable';
}

/** The disk of this machine. Throws when `native` is asked for and the addon is not there. */
export function openDisk(choice: DiskChoice = {}): Disk {
  const wanted = choice.core ?? (wantedCore === 'wasm' ? 'portable' : wantedCore);
  const core = wanted === 'portable' ? null : loadNativeCore();
  if (core !== null) return new NativeDisk(core);
  if (wanted === 'native') throw new Error(`the native disk was asked for, but ${whyNotNative()}`);
  return new PortableDisk();
}
