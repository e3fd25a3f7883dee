import { resolve } from 'node:path';
import { assert } from '../../base/assert.ts';
import type { DirectoryEntry, DirectoryLock, Disk, DiskError, Segment, SegmentOptions } from '../../base/disk.ts';
import { compute } from '../../binding/load.ts';
import type { Compute } from '../../binding/compute.ts';
import { AppendCheck } from './appendCheck.ts';
import { truncate } from './asyncFiles.ts';
import { CopyLimits, FileSegment } from './fileSegment.ts';
import type { SegmentContext } from './fileSegment.ts';
import { HostFiles } from './hostFiles.ts';
import { lockedError, takeLockFile } from './lockFile.ts';
import { logFilesMax } from './openFiles.ts';
import { PortableHost } from './portableHost.ts';
import { moveSegments } from './segmentPaths.ts';
import { SegmentSyncs } from './segmentSyncs.ts';

/** What a fetch gets of one partition at a time, and what all that wait to be sent may hold. */
const VIEW_BYTES_MAX = 1024 * 1024;
const COPIED_BYTES_MAX = 128 * 1024 * 1024;

export interface PortableDiskOptions {
  /** Descriptors kept open; by default a quarter of what the process may have, 2048 at most. */
  readonly openFilesMax?: number;
  /** The core in use by default. */
  readonly compute?: Compute;
}

/**
 * A Disk through node:fs alone: appends by writev, reads by pread into fresh buffers, syncs on libuv's threads. No preallocation; the lock is
 * a file that names its holder.
 */
export class PortableDisk implements Disk {
  readonly kind = 'portable';
  readonly description: string;
  readonly #files = new HostFiles();
  readonly #segments = new Set<FileSegment>();
  readonly #context: SegmentContext;
  readonly #syncs = new SegmentSyncs();
  readonly #locks = new Set<string>();

  constructor(options: PortableDiskOptions = {}) {
    const core = options.compute ?? compute;
    this.description = `portable (node:fs, checks: ${core.name})`;
    const segments = this.#segments;
    this.#context = {
      host: new PortableHost(options.openFilesMax ?? logFilesMax()),
      compute: core,
      check: new AppendCheck(core),
      copies: new CopyLimits(VIEW_BYTES_MAX, COPIED_BYTES_MAX),
      onClosed: (segment) => void segments.delete(segment),
    };
  }

  openSegment(options: SegmentOptions): Segment {
    const segment = new FileSegment(this.#context, options);
    this.#segments.add(segment);
    return segment;
  }

  sync(segments: readonly Segment[], done: (error: DiskError | null) => void): void {
    this.#syncs.sync(segments, done);
  }

  makeDirectory(path: string): Promise<void> {
    return this.#files.makeDirectory(path);
  }

  list(path: string): Promise<DirectoryEntry[]> {
    return this.#files.list(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#files.rename(from, to);
    moveSegments(this.#segments, from, to);
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

  async lock(path: string): Promise<DirectoryLock> {
    const key = resolve(path);
    if (this.#locks.has(key)) throw lockedError(path, process.pid);
    this.#locks.add(key);
    try {
      await takeLockFile(path);
    } catch (error) {
      this.#locks.delete(key);
      throw error;
    }
    return {
      release: async () => {
        if (!this.#locks.delete(key)) return;
        // The empty file stays, as Kafka's does: removing it could remove the file of the next holder.
        await truncate(path, 0).catch(() => {});
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
    await this.#syncs.idle();
    for (const segment of this.#segments) await segment.close();
    assert(this.#segments.size === 0, 'closed segments leave the disk');
  }
}
