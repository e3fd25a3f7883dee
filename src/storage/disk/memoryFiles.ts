import { dirname, normalize } from 'node:path/posix';
import { DiskError } from '../../base/disk.ts';
import type { Random } from '../../base/ports.ts';

const CAPACITY_MIN_BYTES = 512;

/** What a loss of power may do to writes that no sync has covered, beside losing the last of them. */
export interface CrashFaults {
  /** A write may survive in part. */
  readonly tears: boolean;
  /** A write may survive without those before it, and page by page, with holes that read as zeros or as what was there before. */
  readonly reorders: boolean;
  readonly pageBytes: number;
}

export const CRASH_FAULTS: CrashFaults = { tears: true, reorders: true, pageBytes: 4096 };

/** A change of file data that no sync has covered yet. */
interface PendingWrite {
  readonly position: number;
  readonly lengthBytes: number;
  /** The file was cut to `position`; `lengthBytes` is 0. */
  readonly isCut: boolean;
}

/** A change of directory entries that no directory sync has covered yet; its parts take effect together. */
type PendingEntries = readonly { readonly directory: MemoryDirectory; readonly name: string; readonly node: MemoryNode | null }[];

export type MemoryNode = MemoryFile | MemoryDirectory;

/** Growable bytes. */
class Content {
  #bytes = Buffer.alloc(0);
  sizeBytes = 0;

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.sizeBytes);
  }

  write(data: Uint8Array, position: number): void {
    this.grow(position + data.length);
    this.#bytes.set(data, position);
  }

  grow(sizeBytes: number): void {
    if (sizeBytes <= this.sizeBytes) return;
    if (sizeBytes > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(CAPACITY_MIN_BYTES, sizeBytes, this.#bytes.length * 2));
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    this.sizeBytes = sizeBytes;
  }

  cut(sizeBytes: number): void {
    this.#bytes.fill(0, sizeBytes, this.sizeBytes);
    this.sizeBytes = Math.min(this.sizeBytes, sizeBytes);
  }
}

/** A file: what programs see, what the medium holds, and the changes between the two. */
export class MemoryFile {
  readonly current = new Content();
  readonly durable = new Content();
  /** Ranges that can no longer be read. */
  readonly lost: { position: number; lengthBytes: number }[] = [];
  #pending: PendingWrite[] = [];

  write(data: Uint8Array, position: number): void {
    this.current.write(data, position);
    this.#pending.push({ position, lengthBytes: data.length, isCut: false });
  }

  cut(sizeBytes: number): void {
    this.current.cut(sizeBytes);
    this.#pending.push({ position: sizeBytes, lengthBytes: 0, isCut: true });
  }

  /** How many changes a sync that starts now will make durable. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  /** The first `count` changes reach the medium. */
  makeDurable(count: number): void {
    for (const change of this.#pending.splice(0, count)) this.#apply(change, change.lengthBytes);
  }

  /** A sync failed: the kernel calls these pages clean, and what reached the medium is anybody's guess. */
  loseSync(count: number, random: Random, faults: CrashFaults): void {
    this.#survive(this.#pending.splice(0, count), random, faults);
  }

  /** What the medium holds after the power went: some of the unsynced changes, some of them torn. */
  afterCrash(random: Random, faults: CrashFaults): MemoryFile {
    this.#survive(this.#pending.splice(0), random, faults);
    const survivor = new MemoryFile();
    survivor.current.write(this.durable.bytes, 0);
    survivor.durable.write(this.durable.bytes, 0);
    return survivor;
  }

  flipBit(position: number, bit: number): void {
    for (const content of [this.current, this.durable]) {
      if (position < content.sizeBytes) content.bytes[position]! ^= 1 << bit;
    }
  }

  #survive(changes: readonly PendingWrite[], random: Random, faults: CrashFaults): void {
    if (faults.reorders) {
      for (const change of changes) this.#surviveAlone(change, random, faults);
      return;
    }
    const whole = random.below(changes.length + 1);
    for (const change of changes.slice(0, whole)) this.#apply(change, change.lengthBytes);
    const torn = changes[whole];
    if (torn !== undefined && faults.tears && !torn.isCut) this.#apply(torn, random.below(torn.lengthBytes + 1));
  }

  #surviveAlone(change: PendingWrite, random: Random, faults: CrashFaults): void {
    const fate = random.below(4);
    if (fate === 0) return;
    if (change.isCut || fate === 1) this.#apply(change, change.lengthBytes);
    else if (fate === 2) this.#apply(change, faults.tears ? random.below(change.lengthBytes + 1) : change.lengthBytes);
    else this.#applySomePages(change, random, faults.pageBytes);
  }

  /** The size is on the medium but some pages are not: they read as zeros or as what was there before. */
  #applySomePages(change: PendingWrite, random: Random, pageBytes: number): void {
    const end = change.position + change.lengthBytes;
    this.durable.grow(end);
    for (let position = change.position; position < end; ) {
      const next = Math.min(end, (Math.floor(position / pageBytes) + 1) * pageBytes);
      if (random.below(2) === 0) this.#copy(position, next - position);
      position = next;
    }
  }

  #apply(change: PendingWrite, lengthBytes: number): void {
    if (change.isCut) this.durable.cut(change.position);
    else this.#copy(change.position, lengthBytes);
  }

  /** Bytes that were cut or rewritten since are taken as they are now; what a later change covers differs only until that one applies. */
  #copy(position: number, lengthBytes: number): void {
    this.durable.grow(position + lengthBytes);
    const now = this.current.bytes.subarray(position, position + lengthBytes);
    this.durable.bytes.set(now, position);
  }
}

export class MemoryDirectory {
  entries = new Map<string, MemoryNode>();
  durableEntries = new Map<string, MemoryNode>();
}

/**
 * A file tree in memory that keeps apart what has been written and what has been synced, for data and for directory entries: an entry is
 * durable only after its directory was synced, as POSIX promises no more.
 */
export class MemoryFiles {
  readonly root: MemoryDirectory;
  usedBytes = 0;
  capacityBytes = Infinity;
  crashFaults: CrashFaults = CRASH_FAULTS;
  #pending: PendingEntries[] = [];

  constructor(root = new MemoryDirectory()) {
    this.root = root;
  }

  find(path: string): MemoryNode | undefined {
    let node: MemoryNode | undefined = this.root;
    for (const name of names(path)) {
      if (!(node instanceof MemoryDirectory)) return undefined;
      node = node.entries.get(name);
    }
    return node;
  }

  directory(path: string): MemoryDirectory {
    const node = this.find(path);
    if (node === undefined) throw failure('ENOENT', path);
    if (!(node instanceof MemoryDirectory)) throw failure('ENOTDIR', path);
    return node;
  }

  file(path: string): MemoryFile {
    const node = this.find(path);
    if (node === undefined) throw failure('ENOENT', path);
    if (!(node instanceof MemoryFile)) throw failure('EISDIR', path);
    return node;
  }

  /** Every file under a directory. */
  list(path: string): { readonly path: string; readonly sizeBytes: number }[] {
    return [...this.directory(path).entries].flatMap(([name, node]) =>
      node instanceof MemoryFile ? [{ path: `${path}/${name}`, sizeBytes: node.current.sizeBytes }] : this.list(`${path}/${name}`));
  }

  create(path: string): MemoryFile {
    const existing = this.find(path);
    if (existing !== undefined) return this.file(path);
    const file = new MemoryFile();
    this.#change([{ directory: this.directory(dirname(normalize(path))), name: lastName(path), node: file }]);
    return file;
  }

  makeDirectory(path: string): void {
    let at = this.root;
    for (const name of names(path)) {
      let next = at.entries.get(name);
      if (next === undefined) {
        next = new MemoryDirectory();
        this.#change([{ directory: at, name, node: next }]);
      }
      if (!(next instanceof MemoryDirectory)) throw failure('EEXIST', path);
      at = next;
    }
  }

  rename(from: string, to: string): void {
    const node = this.find(from);
    if (node === undefined) throw failure('ENOENT', from);
    const target = this.find(to);
    if (target === node) return;
    if (target instanceof MemoryDirectory && target.entries.size > 0) throw failure('ENOTEMPTY', to);
    if (target instanceof MemoryFile) this.usedBytes -= target.current.sizeBytes;
    this.#change([
      { directory: this.directory(dirname(normalize(to))), name: lastName(to), node },
      { directory: this.directory(dirname(normalize(from))), name: lastName(from), node: null },
    ]);
  }

  link(from: string, to: string): void {
    const file = this.file(from);
    if (this.find(to) !== undefined) throw failure('EEXIST', to);
    this.usedBytes += file.current.sizeBytes;
    this.#change([{ directory: this.directory(dirname(normalize(to))), name: lastName(to), node: file }]);
  }

  remove(path: string): void {
    const node = this.find(path);
    if (node === undefined) return;
    this.usedBytes -= sizeOf(node);
    this.#change([{ directory: this.directory(dirname(normalize(path))), name: lastName(path), node: null }]);
  }

  /** Writes as much as there is room for; throws ENOSPC when that is not all. */
  write(file: MemoryFile, data: Uint8Array, position: number, path: string): void {
    const growth = Math.max(0, position + data.length - file.current.sizeBytes);
    const room = Math.max(0, this.capacityBytes - this.usedBytes);
    const fitting = growth <= room ? data.length : Math.max(0, data.length - (growth - room));
    this.usedBytes += Math.min(growth, room);
    if (fitting > 0) file.write(data.slice(0, fitting), position);
    if (fitting < data.length) throw failure('ENOSPC', path);
  }

  cut(file: MemoryFile, sizeBytes: number): void {
    if (sizeBytes >= file.current.sizeBytes) return;
    this.usedBytes -= file.current.sizeBytes - sizeBytes;
    file.cut(sizeBytes);
  }

  /** Entry changes of this directory become durable, with those before them that they build on. */
  syncDirectory(directory: MemoryDirectory): void {
    this.beginDirectorySync(directory)();
  }

  /** As syncDirectory for a sync that takes time: what is called at its end makes durable what there was at its beginning. */
  beginDirectorySync(directory: MemoryDirectory): () => void {
    const touched = new Set([directory]);
    const covered = new Set<PendingEntries>();
    for (const change of this.#pending.toReversed()) {
      if (!change.some((part) => touched.has(part.directory))) continue;
      for (const part of change) touched.add(part.directory);
      covered.add(change);
    }
    return () => {
      for (const change of this.#pending) if (covered.has(change)) applyDurably(change);
      this.#pending = this.#pending.filter((change) => !covered.has(change));
    };
  }

  /** The tree as found after a power loss now: entry changes survive in their order up to a random one, data as MemoryFile says. */
  afterCrash(random: Random): MemoryFiles {
    for (const change of this.#pending.slice(0, random.below(this.#pending.length + 1))) applyDurably(change);
    const survivors = new Map<MemoryNode, MemoryNode>();
    const after = new MemoryFiles(survivingDirectory(this.root, random, survivors, this.crashFaults));
    after.crashFaults = this.crashFaults;
    after.usedBytes = sizeOf(after.root);
    return after;
  }

  #change(change: PendingEntries): void {
    for (const { directory, name, node } of change) {
      if (node === null) directory.entries.delete(name);
      else directory.entries.set(name, node);
    }
    this.#pending.push(change);
  }
}

function applyDurably(change: PendingEntries): void {
  for (const { directory, name, node } of change) {
    if (node === null) directory.durableEntries.delete(name);
    else directory.durableEntries.set(name, node);
  }
}

function survivingDirectory(directory: MemoryDirectory, random: Random, survivors: Map<MemoryNode, MemoryNode>, faults: CrashFaults): MemoryDirectory {
  const after = new MemoryDirectory();
  for (const name of [...directory.durableEntries.keys()].sort()) {
    const node = directory.durableEntries.get(name)!;
    const known = survivors.get(node);
    const survivor = known ?? (node instanceof MemoryFile ? node.afterCrash(random, faults) : survivingDirectory(node, random, survivors, faults));
    survivors.set(node, survivor);
    after.entries.set(name, survivor);
    after.durableEntries.set(name, survivor);
  }
  return after;
}

function sizeOf(node: MemoryNode): number {
  if (node instanceof MemoryFile) return node.current.sizeBytes;
  let sum = 0;
  for (const entry of node.entries.values()) sum += sizeOf(entry);
  return sum;
}

function names(path: string): string[] {
  return normalize(path).split('/').filter((name) => name !== '' && name !== '.');
}

function lastName(path: string): string {
  return names(path).at(-1) ?? '';
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EEXIST: 'exists already',
  ENOTEMPTY: 'directory is not empty',
  ENOSPC: 'no space left on the disk',
  EIO: 'input/output error',
  ELOCKED: 'held by another owner',
  EFBIG: 'larger than allowed',
};

export function failure(code: string, path: string): DiskError {
  return new DiskError(code, path, `${EXPLANATIONS[code] ?? code}: ${path}`);
}
