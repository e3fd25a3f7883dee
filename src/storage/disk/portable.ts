import { mkdir, open, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assert } from '../../base/assert.ts';
import { DiskError } from '../../base/disk.ts';
import type { DirectoryEntry, DirectoryLock, Disk, Segment, SegmentOptions } from '../../base/disk.ts';
import { compute } from '../../binding/load.ts';
import { AppendCheck } from './appendCheck.ts';
import { FileSegment } from './fileSegment.ts';
import type { SegmentContext } from './fileSegment.ts';
import { moveSegments } from './memory.ts';
import { diskError, NodeFileHost } from './nodeFiles.ts';
import { takePortableLock } from './portableLock.ts';

export interface PortableDiskOptions {
  /** Descriptors kept open at a time. */
  readonly openFilesMax?: number;
}

const OPEN_FILES_MAX = 512;
/** Two appends to one file may share a sync; a sync that runs can't serve what came after it began. */
interface SyncRound {
  readonly done: Promise<void>;
}

/** A Disk of this machine without the addon: node:fs for files, `compute` (WASM) for the bytes. */
export class PortableDisk implements Disk {
  readonly kind = 'portable';
  readonly description = `portable (node:fs, ${compute.name})`;
  readonly #context: SegmentContext;
  readonly #segments = new Set<FileSegment>();
  /** The sync of a segment that has not begun yet: whoever asks meanwhile joins it. */
  readonly #waiting = new Map<FileSegment, SyncRound>();
  readonly #running = new Map<FileSegment, Promise<void>>();

  constructor(options: PortableDiskOptions = {}) {
    const segments = this.#segments;
    this.#context = {
      host: new NodeFileHost(options.openFilesMax ?? OPEN_FILES_MAX), compute, check: new AppendCheck(compute), onClosed: (segment) => void segments.delete(segment),
    };
  }

  openSegment(options: SegmentOptions): Segment {
    const segment = new FileSegment(this.#context, options);
    this.#segments.add(segment);
    return segment;
  }

  sync(segments: readonly Segment[], done: (error: DiskError | null) => void): void {
    const rounds = segments.map((segment) => {
      assert(segment instanceof FileSegment, 'a segment of this disk');
      return this.#joinRound(segment);
    });
    Promise.all(rounds).then(() => done(null), (error: unknown) => done(diskError(error, segments[0]?.options.directory ?? '')));
  }

  #joinRound(segment: FileSegment): Promise<void> {
    const waiting = this.#waiting.get(segment);
    if (waiting !== undefined) return waiting.done;
    const before = this.#running.get(segment) ?? Promise.resolve();
    const done = before.catch(() => undefined).then(() => {
      this.#waiting.delete(segment);
      const round = segment.syncFiles().finally(() => {
        if (this.#running.get(segment) === round) this.#running.delete(segment);
      });
      this.#running.set(segment, round);
      return round;
    });
    this.#waiting.set(segment, { done });
    return done;
  }

  async makeDirectory(path: string): Promise<void> {
    await guard(path, () => mkdir(path, { recursive: true }));
  }

  async list(path: string): Promise<DirectoryEntry[]> {
    const entries = await guard(path, () => readdir(path, { withFileTypes: true }));
    const described = await Promise.all(entries.map(async (entry) => {
      const isDirectory = entry.isDirectory();
      const sizeBytes = isDirectory ? 0 : ((await stat(join(path, entry.name)).catch(() => null))?.size ?? 0);
      return { name: entry.name, isDirectory, sizeBytes };
    }));
    return described.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async rename(from: string, to: string): Promise<void> {
    await guard(from, () => rename(from, to));
    moveSegments(this.#segments, from, to);
  }

  async remove(path: string): Promise<void> {
    await guard(path, () => rm(path, { recursive: true, force: true }));
  }

  async syncDirectory(path: string): Promise<void> {
    await guard(path, async () => {
      const handle = await open(path, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  async readFile(path: string, sizeMaxBytes: number): Promise<Buffer | null> {
    return guard(path, async () => {
      const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      });
      if (handle === null) return null;
      try {
        const { size } = await handle.stat();
        if (size > sizeMaxBytes) throw new DiskError('EFBIG', path, `${path} has ${size} bytes; at most ${sizeMaxBytes} are read`);
        return await handle.readFile();
      } finally {
        await handle.close();
      }
    });
  }

  async writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    await replaceFile(path, bytes, true);
    await this.syncDirectory(dirname(path));
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    await replaceFile(path, bytes, false);
  }

  lock(path: string): Promise<DirectoryLock> {
    return takePortableLock(path);
  }

  async freeBytes(path: string): Promise<number> {
    const { bavail, bsize } = await guard(path, () => statfs(path));
    return Math.min(bavail * bsize, Number.MAX_SAFE_INTEGER);
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#running.values()]);
    for (const segment of this.#segments) await segment.close();
  }
}

async function replaceFile(path: string, bytes: Uint8Array, durable: boolean): Promise<void> {
  const temporary = `${path}.tmp`;
  await guard(path, async () => {
    try {
      await writeFile(temporary, bytes, { flush: durable });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  });
}

async function guard<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw diskError(error, path);
  }
}
