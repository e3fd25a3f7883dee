import { constants } from 'node:os';
import { assert, definite } from '../../base/assert.ts';
import { DiskError } from '../../base/disk.ts';
import type { DirectoryEntry, DirectoryLock, Disk, FolderContent, Segment, SegmentOptions } from '../../base/disk.ts';
import type { NativeCore } from '../../binding/addon.ts';
import { truncate, writeFile } from './asyncFiles.ts';
import { HostFiles, asDiskError } from './hostFiles.ts';
import { dropDeadLink, liveHolder, lockedError, ownHolderText } from './lockFile.ts';
import { errorFromErrno } from './nativeErrors.ts';
import { readNativeFolders } from './nativeFolders.ts';
import { NativeSegment } from './nativeSegment.ts';
import type { NativeSegmentContext } from './nativeSegment.ts';
import { moveSegments } from './segmentPaths.ts';
import { WindowCache } from './windows.ts';

/** In the order of native/segment/writePace.h. */
const HAND_OFF_MODES = ['never', 'whenSlow', 'always'];
/** In the order of native/segment/aheadSpace.h. */
const ZERO_AHEAD_MODES = ['never', 'whenSynced', 'always'];
const WINDOW_BYTES_MAX_DEFAULT = 128 * 1024 * 1024;

export interface NativeDiskOptions {
  /** Mapped bytes that JavaScript may see at a time without reading them, 128 MiB by default. */
  readonly windowBytesMax?: number;
  /** When appends are written by threads of the addon instead of this one: while the kernel is slow to take them, unless given. Holds for the whole addon. */
  readonly handOffAppends?: 'never' | 'whenSlow' | 'always';
  /**
   * When zeros are kept ahead of appends, so that a sync need not wait for the file system's journal: in segments whose appends are synced by and by in small parts, on a file system that
   * gains by it (ext4, XFS), unless given. `always`: from the first sync on. Holds for the whole addon.
   */
  readonly zeroAhead?: 'never' | 'whenSynced' | 'always';
  /** False: reads are copies, as where the JavaScript engine allows no external memory (Electron). Holds for the whole addon. */
  readonly externalMemory?: boolean;
}

/** A Disk in the addon: pwritev, mappings, group commit on threads of its own. See docs/architecture.md. */
export class NativeDisk implements Disk {
  readonly kind = 'native';
  readonly description: string;
  readonly #core: NativeCore;
  readonly #files = new HostFiles();
  readonly #segments = new Map<number, NativeSegment>();
  readonly #context: NativeSegmentContext;
  #handles = new Int32Array(16);
  #closed = false;

  constructor(core: NativeCore, options: NativeDiskOptions = {}) {
    this.#core = core;
    core.acquire();
    core.exports.setHandOff(HAND_OFF_MODES.indexOf(options.handOffAppends ?? 'whenSlow'));
    core.exports.setZeroAhead(ZERO_AHEAD_MODES.indexOf(options.zeroAhead ?? 'whenSynced'));
    core.exports.setExternalMemory(options.externalMemory ?? true);
    this.description = `native (${core.exports.describe()})`;
    this.#context = {
      core,
      windows: new WindowCache(core, options.windowBytesMax ?? WINDOW_BYTES_MAX_DEFAULT),
      onClosed: (segment) => void this.#segments.delete(segment.handle),
    };
  }

  openSegment(options: SegmentOptions): Segment {
    const segment = new NativeSegment(this.#context, options);
    this.#segments.set(segment.handle, segment);
    return segment;
  }

  sync(segments: readonly Segment[], done: (error: DiskError | null) => void): void {
    const first = segments[0];
    if (first === undefined) {
      queueMicrotask(() => done(null));
      return;
    }
    assert(first instanceof NativeSegment, 'a segment of this disk');
    if (segments.every((segment) => (segment as NativeSegment).group === first.group)) this.#syncGroup(segments, done);
    else this.#syncGroups(segments, done);
  }

  /** Segments of one log directory: one call. */
  #syncGroup(segments: readonly Segment[], done: (error: DiskError | null) => void): void {
    if (segments.length > this.#handles.length) this.#handles = new Int32Array(segments.length * 2);
    let count = 0;
    for (const segment of segments) {
      assert(segment instanceof NativeSegment, 'a segment of this disk');
      if (!segment.isClosed) this.#handles[count++] = segment.handle;
    }
    const token = this.#core.begin((error, failed) => {
      if (error === 0) done(null);
      else done(this.#syncFailed(error, failed));
    });
    this.#core.exports.sync(this.#handles, count, token);
  }

  #syncGroups(segments: readonly Segment[], done: (error: DiskError | null) => void): void {
    const groups = new Map<string, Segment[]>();
    for (const segment of segments) {
      const { group } = segment as NativeSegment;
      const members = groups.get(group);
      if (members === undefined) groups.set(group, [segment]);
      else members.push(segment);
    }
    let left = groups.size;
    let firstError: DiskError | null = null;
    for (const members of groups.values()) {
      this.#syncGroup(members, (error) => {
        firstError ??= error;
        if (--left === 0) done(firstError);
      });
    }
  }

  #syncFailed(errno: number, handle: number): DiskError {
    const segment = this.#segments.get(handle);
    segment?.markFailed();
    return errorFromErrno(errno, segment?.directory ?? '', 'cannot sync');
  }

  makeDirectory(path: string): Promise<void> {
    return this.#files.makeDirectory(path);
  }

  async list(path: string): Promise<DirectoryEntry[]> {
    const [content] = await this.readFolders([path], [], 0);
    if (content instanceof DiskError) throw content;
    return [...definite(content, 'a folder that was read').entries];
  }

  readFolders(paths: readonly string[], names: readonly string[], sizeMaxBytes: number): Promise<(FolderContent | DiskError)[]> {
    return readNativeFolders(this.#core, paths, names, sizeMaxBytes);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#files.rename(from, to);
    moveSegments(this.#segments.values(), from, to);
  }

  link(from: string, to: string): Promise<void> {
    return this.#files.link(from, to);
  }

  remove(path: string): Promise<void> {
    return this.#files.remove(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#files.syncDirectory(path);
  }

  readFile(path: string, sizeMaxBytes: number): Promise<Buffer | null> {
    return this.#files.readFile(path, sizeMaxBytes);
  }

  writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    return this.#files.writeFileAtomic(path, bytes);
  }

  writeFile(path: string, bytes: Uint8Array): Promise<void> {
    return this.#files.writeFile(path, bytes);
  }

  /** The kernel's lock excludes Java's and other native brokers; the holder's name in the file excludes portable ones. */
  async lock(path: string): Promise<DirectoryLock> {
    await dropDeadLink(path);
    const before = await liveHolder(path);
    const handle = this.#core.exports.lock(path);
    if (handle === -constants.errno.EAGAIN) throw lockedError(path, before);
    if (handle < 0) throw errorFromErrno(-handle, path, 'cannot lock');
    if (before !== null && before !== process.pid) {
      this.#core.exports.unlock(handle);
      throw lockedError(path, before);
    }
    try {
      await writeFile(path, ownHolderText());
    } catch (error) {
      const failure = asDiskError(error, path);
      // Who holds it cannot be told then; the kernel's lock holds all the same, and a broker with a full disk must be able to start.
      if (failure.code !== 'ENOSPC' && failure.code !== 'EDQUOT') {
        this.#core.exports.unlock(handle);
        throw failure;
      }
    }
    let held = true;
    return {
      release: async () => {
        if (!held) return;
        held = false;
        await truncate(path, 0).catch(() => {});
        this.#core.exports.unlock(handle);
      },
    };
  }

  freeBytes(path: string): Promise<number> {
    return this.#files.freeBytes(path);
  }

  totalBytes(path: string): Promise<number> {
    return this.#files.totalBytes(path);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#segments.values()].map((segment) => segment.close()));
    if (this.#closed) return;
    this.#closed = true;
    this.#core.release();
  }
}
