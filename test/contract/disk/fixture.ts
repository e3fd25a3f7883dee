import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppendStatus } from '../../../src/base/disk.ts';
import type { AppendPlan, AppendResult, BatchPosition, Disk, Segment, SegmentOptions } from '../../../src/base/disk.ts';
import type { Random } from '../../../src/base/ports.ts';
import { loadNativeCore, whyNotNative } from '../../../src/binding/addon.ts';
import { loadWasmCompute } from '../../../src/binding/wasm.ts';
import { openDisk, PortableDisk } from '../../../src/storage/disk/index.ts';
import { NativeDisk } from '../../../src/storage/disk/native.ts';
import { MemoryDisk } from '../../../src/storage/disk/memory.ts';

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    below: (bound) => Math.floor(next() * bound),
    bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)),
  };
}

/** A disk under test with a root folder of its own. */
export interface DiskUnderTest {
  readonly disk: Disk;
  readonly root: string;
  /** Overwrites bytes of a file behind the disk's back. */
  overwrite(path: string, position: number, bytes: Uint8Array): Promise<void>;
  /** Sets a file's size behind the disk's back. */
  resize(path: string, sizeBytes: number): Promise<void>;
  end(): Promise<void>;
}

export interface DiskKind {
  readonly name: string;
  /** Why this kind cannot run here; '' when it can. */
  readonly unavailable: string;
  open(): Promise<DiskUnderTest>;
}

export const memoryKind: DiskKind = {
  name: 'memory',
  unavailable: '',
  async open() {
    const disk = new MemoryDisk({ random: seededRandom(7) });
    await disk.makeDirectory('/data');
    return {
      disk,
      root: '/data',
      overwrite: async (path, position, bytes) => disk.files.file(path).write(bytes, position),
      resize: async (path, sizeBytes) => {
        const file = disk.files.file(path);
        file.cut(sizeBytes);
        file.current.grow(sizeBytes);
      },
      end: () => disk.close(),
    };
  },
};

/** A disk of the machine in a temporary folder. */
async function hostDisk(disk: Disk): Promise<DiskUnderTest> {
  const folder = temporaryFolder();
  return {
    disk,
    root: folder.path,
    overwrite: async (path, position, bytes) => {
      const fd = openSync(path, 'r+');
      writeSync(fd, bytes, 0, bytes.length, position);
      closeSync(fd);
    },
    resize: async (path, sizeBytes) => truncateSync(path, sizeBytes),
    end: async () => {
      await disk.close();
      folder.remove();
    },
  };
}

export const portableKind: DiskKind = {
  name: 'portable',
  unavailable: '',
  open: () => hostDisk(new PortableDisk({ compute: loadWasmCompute() })),
};

export const nativeKind: DiskKind = {
  name: 'native',
  unavailable: loadNativeCore() === null ? whyNotNative() : '',
  open: () => hostDisk(openDisk({ core: 'native' })),
};

/** As when the kernel is slow to take writes. */
const handingOffKind: DiskKind = {
  name: 'native, appends on other threads',
  unavailable: nativeKind.unavailable,
  open: () => hostDisk(new NativeDisk(loadNativeCore()!, { handOffAppends: 'always' })),
};

/** As in an engine that allows no external memory: every read is a copy. */
const copyingKind: DiskKind = {
  name: 'native, without external memory',
  unavailable: nativeKind.unavailable,
  open: () => hostDisk(new NativeDisk(loadNativeCore()!, { externalMemory: false })),
};

const every = [memoryKind, portableKind, nativeKind, handingOffKind, copyingKind];
for (const kind of every) if (kind.unavailable !== '') console.log(`SKIPPED: the ${kind.name} disk: ${kind.unavailable}`);

/** The disks that run here; those that cannot were named on the way. */
export const diskKinds: readonly DiskKind[] = every.filter((kind) => kind.unavailable === '');

/** A file system of `sizeBytes`, null where this process may not mount one. */
export function smallFileSystem(sizeBytes: number): { path: string; unmount(): void } | null {
  const folder = temporaryFolder();
  mkdirSync(folder.path, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', folder.path], { stdio: 'ignore' });
  } catch {
    folder.remove();
    return null;
  }
  return {
    path: folder.path,
    unmount: () => {
      execFileSync('umount', ['-l', folder.path]);
      folder.remove();
    },
  };
}

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'tidelog-disk-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function segmentOptions(directory: string, changes: Partial<SegmentOptions> = {}): SegmentOptions {
  return {
    directory,
    baseOffset: 0,
    indexIntervalBytes: 4096,
    indexSizeMaxBytes: 10 * 1024 * 1024,
    segmentSizeMaxBytes: 64 * 1024 * 1024,
    preallocateBytes: 0,
    ...changes,
  };
}

export function appendPlan(changes: Partial<AppendPlan> = {}): AppendPlan {
  return {
    baseOffset: 0,
    leaderEpoch: 5,
    keepOffsets: false,
    checkCrc: true,
    checkRecords: true,
    requireKeys: false,
    logAppendTimeMs: -1,
    timestampMin: -Infinity,
    timestampMax: Infinity,
    batchSizeMaxBytes: 1024 * 1024,
    ...changes,
  };
}

export function emptyResult(): AppendResult {
  return { position: 0, nextOffset: 0, batches: 0, records: 0, maxTimestampMs: -1, offsetOfMaxTimestamp: -1, badRecordIndex: -1, errno: 0 };
}

export function emptyPosition(): BatchPosition {
  return { position: -1, sizeBytes: -1, baseOffset: -1, lastOffset: -1, maxTimestampMs: -1 };
}

/** Appends and waits; `baseOffset` of the plan follows the segment unless it is given. */
export function append(segment: Segment, bytes: Uint8Array, changes: Partial<AppendPlan> = {}): Promise<{ status: AppendStatus; result: AppendResult }> {
  const result = emptyResult();
  const plan = appendPlan({ baseOffset: segment.nextOffset, ...changes });
  return new Promise((resolve) => segment.append(bytes, plan, result, (status) => resolve({ status, result })));
}

export async function appendOk(segment: Segment, bytes: Uint8Array, changes: Partial<AppendPlan> = {}): Promise<AppendResult> {
  const { status, result } = await append(segment, bytes, changes);
  if (status !== AppendStatus.ok) throw new Error(`append answered ${status}`);
  return result;
}

export function readAll(segment: Segment): Buffer {
  const view = segment.view(0, segment.sizeBytes);
  const copy = Buffer.from(view.bytes);
  view.release();
  return copy;
}

export function sync(disk: Disk, segments: readonly Segment[]): Promise<unknown> {
  return new Promise((resolve) => disk.sync(segments, resolve));
}
