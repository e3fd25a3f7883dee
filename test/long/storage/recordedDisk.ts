/**
 * A Disk of the real machine, with a second tree beside it that holds apart what was written and what was synced: all writes go to real files through the
 * real implementation, and what a loss of power would have left can be told at any moment, by the rules of the disk in memory.
 */
import { closeSync, lstatSync, openSync, readSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path/posix';
import { DiskError } from '../../../src/base/disk.ts';
import type { DirectoryEntry, DirectoryLock, Disk, Segment, SegmentOptions } from '../../../src/base/disk.ts';
import type { Random } from '../../../src/base/ports.ts';
import { MemoryFile } from '../../../src/storage/disk/memoryFiles.ts';
import type { MemoryFiles, MemoryNode } from '../../../src/storage/disk/memoryFiles.ts';

/** Not taken along by a process that died. */
const LOCK_FILE = '.lock';

/** What the kernel says a file holds; of each file one descriptor is kept, since they are read again and again. */
class OpenContents {
  readonly #descriptors = new Map<number, number>();
  #room = Buffer.alloc(256 * 1024);

  /** Valid until the next call; throws where there is no such file any more. */
  read(inode: number, path: string): Buffer {
    let descriptor = this.#descriptors.get(inode);
    if (descriptor === undefined) {
      descriptor = openSync(path, 'r');
      this.#descriptors.set(inode, descriptor);
    }
    for (;;) {
      const sizeBytes = readSync(descriptor, this.#room, 0, this.#room.length, 0);
      if (sizeBytes < this.#room.length) return this.#room.subarray(0, sizeBytes);
      this.#room = Buffer.alloc(this.#room.length * 2);
    }
  }

  close(inode: number): void {
    const descriptor = this.#descriptors.get(inode);
    if (descriptor !== undefined) closeSync(descriptor);
    this.#descriptors.delete(inode);
  }

  closeAll(): void {
    for (const inode of this.#descriptors.keys()) this.close(inode);
  }
}

/** What was synced of one folder tree. */
export class Ledger {
  readonly files: MemoryFiles;
  readonly #root: string;
  readonly #byInode = new Map<number, MemoryFile>();
  readonly #pathOf = new Map<MemoryFile, string>();
  readonly #inodeOf = new Map<MemoryFile, number>();
  readonly #contents = new OpenContents();
  /** Targets of atomic writes under way: what appears there was synced before. */
  readonly syncedTargets = new Set<string>();

  constructor(files: MemoryFiles, root: string) {
    this.files = files;
    this.#root = root;
  }

  /** Takes over files that were just written as copies of those of the tree. */
  adopt(path = this.#root): void {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inner = `${path}/${entry.name}`;
      if (entry.isDirectory()) this.adopt(inner);
      else this.#note(lstatSync(inner).ino, this.files.file(this.#shadow(inner)), inner);
    }
  }

  #holds(path: string): boolean {
    return path === this.#root || path.startsWith(`${this.#root}/`);
  }

  #shadow(path: string): string {
    return path.slice(this.#root.length) || '/';
  }

  #note(inode: number, file: MemoryFile, path: string): void {
    this.#byInode.set(inode, file);
    this.#inodeOf.set(file, inode);
    this.#pathOf.set(file, path);
  }

  find(path: string): MemoryFile | undefined {
    const node = this.files.find(this.#shadow(path));
    return node instanceof MemoryFile ? node : undefined;
  }

  renameFolder(from: string, to: string): void {
    this.files.rename(this.#shadow(from), this.#shadow(to));
  }

  beginDirectorySync(path: string): () => void {
    if (!this.#holds(path)) return () => {};
    this.notice(path, false);
    const node = this.files.find(this.#shadow(path));
    return node === undefined || node instanceof MemoryFile ? () => {} : this.files.beginDirectorySync(node);
  }

  /** Brings the tree up to what the folder holds now, with the folders in it unless told otherwise. */
  notice(folder: string = this.#root, isDeep = true): void {
    if (!this.#holds(folder)) return;
    let entries;
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch {
      return;
    }
    this.files.makeDirectory(this.#shadow(folder));
    const names = new Set<string>();
    for (const entry of entries) {
      if (entry.name === LOCK_FILE) continue;
      names.add(entry.name);
      const path = `${folder}/${entry.name}`;
      if (!entry.isDirectory()) this.#noticeFile(path);
      else if (isDeep) this.notice(path);
      else this.files.makeDirectory(this.#shadow(path));
    }
    const { entries: known } = this.files.directory(this.#shadow(folder));
    for (const [name, node] of known) if (!names.has(name)) this.#remove(`${this.#shadow(folder)}/${name}`, node);
  }

  #remove(shadow: string, node: MemoryNode): void {
    this.files.remove(shadow);
    const inode = node instanceof MemoryFile ? this.#inodeOf.get(node) : undefined;
    // By another name of the same file it is opened again.
    if (inode !== undefined) this.#contents.close(inode);
  }

  #noticeFile(path: string): void {
    const inode = lstatSync(path, { throwIfNoEntry: false })?.ino;
    if (inode === undefined) return;
    let bytes: Buffer;
    try {
      bytes = this.#contents.read(inode, path);
    } catch {
      return;
    }
    const file = this.#named(path, inode);
    noteChange(file, bytes);
    if (this.syncedTargets.has(path)) file.makeDurable(file.pendingCount);
  }

  end(): void {
    this.#contents.closeAll();
  }

  #named(path: string, inode: number): MemoryFile {
    const shadow = this.#shadow(path);
    const here = this.find(path);
    const known = this.#byInode.get(inode);
    if (known !== undefined && known === here) return known;
    const before = known === undefined ? undefined : this.#pathOf.get(known);
    if (known !== undefined && before !== undefined && this.find(before) === known) {
      if (existsStill(before, inode)) this.files.link(this.#shadow(before), shadow);
      else this.files.rename(this.#shadow(before), shadow);
      this.#pathOf.set(known, path);
      return known;
    }
    if (here !== undefined) this.#remove(shadow, here);
    const file = this.files.create(shadow);
    this.#note(inode, file, path);
    return file;
  }
}

function existsStill(path: string, inode: number): boolean {
  try {
    return lstatSync(path).ino === inode;
  } catch {
    return false;
  }
}

function noteChange(file: MemoryFile, bytes: Buffer): void {
  const before = file.current.bytes;
  if (before.equals(bytes)) return;
  if (bytes.length < before.length) file.cut(bytes.length);
  const known = file.current.bytes;
  let first = 0;
  while (first < known.length && known[first] === bytes[first]) first += 1;
  if (first < bytes.length) file.write(bytes.subarray(first), first);
}

/** Whether what a sync of a segment covers includes its indexes. */
interface Followed {
  isSealed: boolean;
  isClosed: boolean;
}

export class RecordedDisk implements Disk {
  readonly kind: Disk['kind'];
  readonly description: string;
  readonly ledger: Ledger;
  readonly #inner: Disk;
  readonly #random: Random;
  readonly #followed = new WeakMap<Segment, Followed>();
  readonly #locks: DirectoryLock[] = [];
  #failsNextSync = false;
  hasFailedSync = false;
  #isDead = false;

  constructor(inner: Disk, ledger: Ledger, random: Random) {
    this.#inner = inner;
    this.kind = inner.kind;
    this.description = inner.description;
    this.ledger = ledger;
    this.#random = random;
  }

  failNextSync(): void {
    this.#failsNextSync = true;
  }

  /** The process is no more: nothing it asked for is answered. */
  async die(): Promise<void> {
    this.#isDead = true;
    for (const lock of this.#locks) await lock.release().catch(() => {});
    await this.#inner.close();
    this.ledger.end();
  }

  /** The outcome of `work`, which a dead process never learns. */
  async #alive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isDead) await never();
    try {
      const result = await work();
      if (this.#isDead) await never();
      return result;
    } catch (error) {
      if (this.#isDead) await never();
      throw error;
    }
  }

  openSegment(options: SegmentOptions): Segment {
    if (this.#isDead) throw new DiskError('EIO', options.directory, 'the process has ended');
    const segment = this.#inner.openSegment(options);
    this.ledger.notice(options.directory);
    this.#follow(segment);
    return segment;
  }

  #follow(segment: Segment): void {
    const followed: Followed = { isSealed: false, isClosed: false };
    this.#followed.set(segment, followed);
    const truncate = segment.truncate.bind(segment);
    const seal = segment.seal.bind(segment);
    const close = segment.close.bind(segment);
    segment.truncate = async (sizeBytes) => {
      await truncate(sizeBytes);
      followed.isSealed = false;
      if (this.#isDead) return never();
      this.ledger.notice(segment.options.directory);
      const file = this.ledger.find(pathOf(segment, '.log'));
      file?.makeDurable(file.pendingCount);
    };
    segment.seal = () => {
      seal();
      followed.isSealed = true;
    };
    segment.close = async () => {
      followed.isClosed = true;
      const before = this.ledger.find(pathOf(segment, '.log'));
      const sizeBytes = before?.current.bytes.length ?? 0;
      await close();
      if (this.#isDead) return;
      this.ledger.notice(segment.options.directory);
      const file = this.ledger.find(pathOf(segment, '.log'));
      // What was kept ahead of appends was cut off, and synced.
      if (file !== undefined && file === before && file.current.bytes.length < sizeBytes) file.makeDurable(file.pendingCount);
    };
  }

  sync(segments: readonly Segment[], done: (error: DiskError | null) => void): void {
    if (this.#isDead) return;
    for (const folder of new Set(segments.map((segment) => segment.options.directory))) this.ledger.notice(folder);
    const covered = segments.flatMap((segment) => this.#coveredBy(segment));
    const fails = this.#failsNextSync && covered.length > 0;
    if (fails) this.#failsNextSync = false;
    this.#inner.sync(segments, (error) => {
      if (this.#isDead) return;
      if (fails) this.hasFailedSync = true;
      for (const { file, count } of covered) {
        if (fails) file.loseSync(count, this.#random, this.ledger.files.crashFaults);
        else if (error === null) file.makeDurable(count);
      }
      done(fails ? new DiskError('EIO', segments[0]!.options.directory, 'input/output error') : error);
    });
  }

  #coveredBy(segment: Segment): { file: MemoryFile; count: number }[] {
    const followed = this.#followed.get(segment)!;
    if (followed.isClosed) return [];
    const types = followed.isSealed ? ['.log', '.index', '.timeindex'] : ['.log'];
    const files = types.map((type) => this.ledger.find(pathOf(segment, type))).filter((file) => file !== undefined);
    return files.map((file) => ({ file, count: file.pendingCount }));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#noting(path, () => this.#inner.makeDirectory(path));
  }

  list(path: string): Promise<DirectoryEntry[]> {
    return this.#alive(() => this.#inner.list(path));
  }

  async rename(from: string, to: string): Promise<void> {
    this.ledger.notice(dirname(from), false);
    const isFile = this.ledger.find(from) !== undefined;
    if (!isFile) this.ledger.notice();
    await this.#alive(() => this.#inner.rename(from, to));
    if (!isFile) this.ledger.renameFolder(from, to);
    this.ledger.notice(dirname(to), !isFile);
  }

  link(from: string, to: string): Promise<void> {
    return this.#noting(to, () => this.#inner.link(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#noting(path, () => this.#inner.remove(path));
  }

  async #noting(path: string, work: () => Promise<void>): Promise<void> {
    await this.#alive(work);
    this.ledger.notice(dirname(path));
  }

  async syncDirectory(path: string): Promise<void> {
    const end = this.ledger.beginDirectorySync(path);
    await this.#alive(() => this.#inner.syncDirectory(path));
    end();
  }

  readFile(path: string, sizeMaxBytes: number): Promise<Buffer | null> {
    return this.#alive(() => this.#inner.readFile(path, sizeMaxBytes));
  }

  async writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    this.ledger.notice(dirname(path), false);
    this.ledger.syncedTargets.add(path);
    try {
      await this.#alive(() => this.#inner.writeFileAtomic(path, bytes));
      this.ledger.beginDirectorySync(dirname(path))();
    } finally {
      this.ledger.syncedTargets.delete(path);
    }
  }

  writeFile(path: string, bytes: Uint8Array): Promise<void> {
    return this.#noting(path, () => this.#inner.writeFile(path, bytes));
  }

  async lock(path: string): Promise<DirectoryLock> {
    const lock = await this.#alive(() => this.#inner.lock(path));
    this.#locks.push(lock);
    return lock;
  }

  freeBytes(path: string): Promise<number> {
    return this.#alive(() => this.#inner.freeBytes(path));
  }

  totalBytes(path: string): Promise<number> {
    return this.#alive(() => this.#inner.totalBytes(path));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

const never = (): Promise<never> => new Promise(() => {});

const pathOf = (segment: Segment, type: string): string =>
  `${segment.options.directory}/${String(segment.baseOffset).padStart(20, '0')}${type}${segment.options.suffix ?? ''}`;
