import { dirname, normalize } from 'node:path/posix';
import { DiskError } from '../../base/disk.ts';
import type { DirectoryEntry, DirectoryLock, Disk, Segment, SegmentOptions } from '../../base/disk.ts';
import type { Clock, Random } from '../../base/ports.ts';
import { compute } from '../../binding/load.ts';
import { AppendCheck } from './appendCheck.ts';
import type { FileHost, OpenFile } from './fileHost.ts';
import { CopyLimits, FileSegment } from './fileSegment.ts';
import type { SegmentContext } from './fileSegment.ts';
import { moveSegments } from './segmentPaths.ts';
import { SegmentSyncs } from './segmentSyncs.ts';
import { MemoryDirectory, MemoryFiles, failure } from './memoryFiles.ts';
import type { CrashFaults, MemoryFile } from './memoryFiles.ts';

export interface MemoryDiskOptions {
  /** Decides what survives a crash. */
  readonly random: Random;
  /** Without it syncs end in the next microtask; with it after `syncDelayMs`. */
  readonly clock?: Clock;
}

/** A fault that waits for its victim: the next call of its kind on a path that contains `match`. */
interface ArmedFault {
  readonly kind: 'sync' | 'write' | 'read' | 'rename';
  readonly match: string;
  readonly code: string;
}

/**
 * A Disk in memory for tests and simulation. Same checks and indexes as the portable one. Fault model: `crash` loses unsynced data and
 * entries (whole, torn, or page-wise with holes that read as zeros), syncs fail or take long, the disk is full after so many bytes, bits flip, ranges become
 * unreadable.
 */
export class MemoryDisk implements Disk {
  readonly kind = 'memory';
  readonly description = `memory (${compute.name})`;
  /** How long a sync takes; needs a clock. */
  syncDelayMs = 0;
  /** Syncs of segments that ended well, counted for tests of group commit. */
  completedSyncs = 0;
  readonly files: MemoryFiles;
  readonly #options: MemoryDiskOptions;
  readonly #host: MemoryHost;
  readonly #context: SegmentContext;
  readonly #segments = new Set<FileSegment>();
  readonly #locks = new Set<string>();
  readonly #syncs = new SegmentSyncs();
  #armed: ArmedFault[] = [];
  #crashed = false;

  constructor(options: MemoryDiskOptions, files = new MemoryFiles()) {
    this.#options = options;
    this.files = files;
    this.#host = new MemoryHost(this.files, (kind, path) => this.#trip(kind, path), options.random, () => this.#syncDelay());
    const segments = this.#segments;
    this.#context = {
      host: this.#host,
      compute,
      check: new AppendCheck(compute),
      copies: new CopyLimits(Infinity, Infinity),
      onClosed: (segment) => void segments.delete(segment),
    };
  }

  // Faults.

  /**
   * The power goes: this disk is dead (its calls fail, pending callbacks never come), the returned one holds what survived. `faults` holds for what is
   * lost later too.
   */
  crash(faults: Partial<CrashFaults> = {}): MemoryDisk {
    this.files.crashFaults = { ...this.files.crashFaults, ...faults };
    const survivor = new MemoryDisk(this.#options, this.files.afterCrash(this.#options.random));
    survivor.files.capacityBytes = this.files.capacityBytes;
    this.#die();
    return survivor;
  }

  /** The process ends: this disk is dead, the returned one holds all that was written, synced or not. */
  kill(): MemoryDisk {
    this.#die();
    return new MemoryDisk(this.#options, this.files);
  }

  #die(): void {
    this.#crashed = true;
    this.#host.dead = true;
  }

  /** The next sync of a file or directory whose path contains `match` fails. */
  failNextSync(match = '', code = 'EIO'): void {
    this.#armed.push({ kind: 'sync', match, code });
  }

  /** The page cache and the medium may differ, whether or not anybody has heard of it. */
  get hasFailedSync(): boolean {
    return this.#host.hasFailedSync;
  }

  /** The next write to such a file fails before its first byte. */
  failNextWrite(match = '', code = 'EIO'): void {
    this.#armed.push({ kind: 'write', match, code });
  }

  failNextRead(match = '', code = 'EIO'): void {
    this.#armed.push({ kind: 'read', match, code });
  }

  failNextRename(match = '', code = 'EIO'): void {
    this.#armed.push({ kind: 'rename', match, code });
  }

  /** ENOSPC once this many more bytes are written; Infinity lifts it. Deleting and cutting give room back. */
  fullAfterBytes(bytes: number): void {
    this.files.capacityBytes = this.files.usedBytes + bytes;
  }

  /** Turns one bit over, on the medium too. */
  flipBit(path: string, position: number, bit: number): void {
    this.files.file(path).flipBit(position, bit);
  }

  /** The range becomes unreadable, as a bad block does. */
  loseRange(path: string, position: number, lengthBytes: number): void {
    this.files.file(path).lost.push({ position, lengthBytes });
  }

  /** Views handed out and not given back. */
  get openViews(): number {
    let sum = 0;
    for (const segment of this.#segments) sum += segment.openViews;
    return sum;
  }

  #trip(kind: ArmedFault['kind'], path: string): void {
    const index = this.#armed.findIndex((fault) => fault.kind === kind && path.includes(fault.match));
    if (index < 0) return;
    const [fault] = this.#armed.splice(index, 1);
    throw failure(fault!.code, path);
  }

  async #syncDelay(): Promise<void> {
    const { clock } = this.#options;
    if (clock === undefined || this.syncDelayMs <= 0) await Promise.resolve();
    else await new Promise<void>((resolve) => void clock.setTimer(this.syncDelayMs, resolve));
    if (this.#crashed) await new Promise<never>(() => {});
  }

  // The contract.

  openSegment(options: SegmentOptions): Segment {
    this.#alive();
    const segment = new FileSegment(this.#context, options);
    this.#segments.add(segment);
    return segment;
  }

  sync(segments: readonly Segment[], done: (error: DiskError | null) => void): void {
    this.#alive();
    this.#syncs.sync(segments, (error) => {
      if (error === null) this.completedSyncs += segments.length;
      done(error);
    });
  }

  async makeDirectory(path: string): Promise<void> {
    this.#alive();
    this.files.makeDirectory(path);
  }

  async list(path: string): Promise<DirectoryEntry[]> {
    this.#alive();
    const { entries } = this.files.directory(path);
    return [...entries.keys()].sort().map((name) => {
      const node = entries.get(name)!;
      const isDirectory = node instanceof MemoryDirectory;
      return { name, isDirectory, sizeBytes: isDirectory ? 0 : node.current.sizeBytes };
    });
  }

  async rename(from: string, to: string): Promise<void> {
    this.#alive();
    this.#host.rename(from, to);
    moveSegments(this.#segments, from, to);
  }

  async remove(path: string): Promise<void> {
    this.#alive();
    this.files.remove(path);
  }

  async syncDirectory(path: string): Promise<void> {
    this.#alive();
    const end = this.files.beginDirectorySync(this.files.directory(path));
    this.#trip('sync', path);
    await this.#syncDelay();
    end();
  }

  async readFile(path: string, sizeMaxBytes: number): Promise<Buffer | null> {
    this.#alive();
    if (this.files.find(path) === undefined) return null;
    const file = this.files.file(path);
    if (file.current.sizeBytes > sizeMaxBytes) throw failure('EFBIG', path);
    this.#trip('read', path);
    return Buffer.from(file.current.bytes);
  }

  async writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    await this.#replaceFile(path, bytes, true);
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    await this.#replaceFile(path, bytes, false);
  }

  async #replaceFile(path: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    this.#alive();
    const temporary = `${path}.tmp`;
    const file = this.#host.open(temporary, true, true);
    try {
      file.cut(0);
      file.write([bytes], 0);
      if (durable) await file.sync();
      this.#host.rename(temporary, path);
    } catch (error) {
      this.files.remove(temporary);
      throw error;
    }
    if (durable) await this.syncDirectory(dirname(normalize(path)));
  }

  async lock(path: string): Promise<DirectoryLock> {
    this.#alive();
    const key = normalize(path);
    if (this.#locks.has(key)) throw new DiskError('ELOCKED', path, `${path} is held by this process`);
    this.files.create(path);
    this.#locks.add(key);
    return { release: async () => void this.#locks.delete(key) };
  }

  async freeBytes(path: string): Promise<number> {
    this.#alive();
    this.files.directory(path);
    const free = this.files.capacityBytes - this.files.usedBytes;
    return Math.max(0, Math.min(free, Number.MAX_SAFE_INTEGER));
  }

  async totalBytes(path: string): Promise<number> {
    this.#alive();
    this.files.directory(path);
    return Math.min(this.files.capacityBytes, Number.MAX_SAFE_INTEGER);
  }

  async link(from: string, to: string): Promise<void> {
    this.#alive();
    this.files.link(from, to);
  }

  async close(): Promise<void> {
    for (const segment of this.#segments) await segment.close();
  }

  #alive(): void {
    if (this.#crashed) throw failure('EIO', 'a disk that crashed');
  }
}

class MemoryHost implements FileHost {
  dead = false;
  hasFailedSync = false;
  readonly files: MemoryFiles;
  readonly trip: (kind: ArmedFault['kind'], path: string) => void;
  readonly random: Random;
  readonly syncDelay: () => Promise<void>;

  constructor(files: MemoryFiles, trip: MemoryHost['trip'], random: Random, syncDelay: () => Promise<void>) {
    this.files = files;
    this.trip = trip;
    this.random = random;
    this.syncDelay = syncDelay;
  }

  open(path: string, _writable: boolean, create: boolean): OpenFile {
    return new MemoryOpenFile(this, path, create ? this.files.create(path) : this.files.file(path));
  }

  exists(path: string): boolean {
    return this.files.find(path) !== undefined;
  }

  rename(from: string, to: string): void {
    this.alive(from);
    this.trip('rename', from);
    this.files.rename(from, to);
  }

  async unlink(path: string): Promise<void> {
    this.alive(path);
    this.files.remove(path);
  }

  alive(path: string): void {
    if (this.dead) throw failure('EIO', path);
  }
}

class MemoryOpenFile implements OpenFile {
  path: string;
  readonly #host: MemoryHost;
  readonly #file: MemoryFile;

  constructor(host: MemoryHost, path: string, file: MemoryFile) {
    this.#host = host;
    this.path = path;
    this.#file = file;
  }

  sizeBytes(): number {
    return this.#file.current.sizeBytes;
  }

  read(target: Uint8Array, position: number): number {
    this.#host.alive(this.path);
    this.#host.trip('read', this.path);
    const bytes = this.#file.current.bytes.subarray(position, position + target.length);
    const end = position + bytes.length;
    if (this.#file.lost.some((range) => range.position < end && range.position + range.lengthBytes > position)) throw failure('EIO', this.path);
    target.set(bytes);
    return bytes.length;
  }

  async readAsync(target: Uint8Array, position: number): Promise<number> {
    return this.read(target, position);
  }

  write(pieces: readonly Uint8Array[], position: number): void {
    this.#host.alive(this.path);
    this.#host.trip('write', this.path);
    this.#host.files.write(this.#file, pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces), position, this.path);
  }

  cut(sizeBytes: number): void {
    this.#host.alive(this.path);
    this.#host.files.cut(this.#file, sizeBytes);
  }

  async cutAsync(sizeBytes: number): Promise<void> {
    this.cut(sizeBytes);
  }

  async sync(): Promise<void> {
    this.#host.alive(this.path);
    const count = this.#file.pendingCount;
    await this.#host.syncDelay();
    // What a sync finds when nobody waits for it any more, nobody can know: the pages stay dirty for the next process.
    this.#host.alive(this.path);
    try {
      this.#host.trip('sync', this.path);
    } catch (error) {
      this.#host.hasFailedSync = true;
      this.#file.loseSync(count, this.#host.random, this.#host.files.crashFaults);
      throw error;
    }
    this.#file.makeDurable(count);
  }

  movedTo(path: string): void {
    this.path = path;
  }

  close(): void {}
}
