/** A machine with real files: the native and the portable disk. Meant for a file system in memory, where an fsync costs nothing. */
import { closeSync, linkSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, statSync, statfsSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import type { Disk } from '../../../src/base/disk.ts';
import type { Clock, Random } from '../../../src/base/ports.ts';
import { MemoryDirectory, MemoryFiles } from '../../../src/storage/disk/memoryFiles.ts';
import type { CrashFaults, MemoryNode } from '../../../src/storage/disk/memoryFiles.ts';
import type { FileSeen, Machine } from './machine.ts';
import { Ledger, RecordedDisk } from './recordedDisk.ts';

const BLOCK_BYTES = 4096;
const REMOVE_TRIES_MAX = 500;

export class RealMachine implements Machine {
  readonly #base: string;
  readonly #openDisk: () => Disk;
  readonly #random: Random;
  #life = 0;
  #disk: RecordedDisk;

  /** `base`: an empty folder of its own. */
  constructor(base: string, openDisk: () => Disk, random: Random) {
    this.#base = base;
    this.#openDisk = openDisk;
    this.#random = random;
    mkdirSync(this.#life0);
    this.#disk = this.#begin(new MemoryFiles());
  }

  get #life0(): string {
    return `${this.#base}/life-${this.#life}`;
  }

  get disk(): Disk {
    return this.#disk;
  }

  get root(): string {
    return `${this.#life0}/data`;
  }

  get #ballast(): string {
    return `${this.#base}/ballast`;
  }

  #begin(files: MemoryFiles): RecordedDisk {
    const ledger = new Ledger(files, this.#life0);
    writeTree(files.root, this.#life0, new Map());
    ledger.adopt();
    return new RecordedDisk(this.#openDisk(), ledger, this.#random);
  }

  kill(_clock: Clock): Promise<void> {
    return this.#again((files) => files);
  }

  crash(_clock: Clock, faults: CrashFaults): Promise<void> {
    return this.#again((files) => {
      files.crashFaults = faults;
      return files.afterCrash(this.#random);
    });
  }

  async #again(survivors: (files: MemoryFiles) => MemoryFiles): Promise<void> {
    const before = this.#disk;
    before.ledger.notice();
    const old = this.#life0;
    this.leaveRoom(Infinity);
    const files = survivors(before.ledger.files);
    await before.die();
    await removeTree(old);
    this.#life += 1;
    mkdirSync(this.#life0);
    this.#disk = this.#begin(files);
  }

  failNextSync(): void {
    this.#disk.failNextSync();
  }

  get hasFailedSync(): boolean {
    return this.#disk.hasFailedSync;
  }

  leaveRoom(bytes: number): void {
    rmSync(this.#ballast, { force: true });
    if (bytes === Infinity) return;
    const { bavail, bsize } = statfsSync(this.#base);
    const ballastBytes = bavail * bsize - Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
    if (ballastBytes <= 0) return;
    try {
      writeFileSync(this.#ballast, Buffer.alloc(ballastBytes));
    } catch (error) {
      // Somebody was quicker: it is full.
      if ((error as { code?: string }).code !== 'ENOSPC') throw error;
    }
  }

  files(): FileSeen[] {
    return filesUnder(this.root);
  }

  read(path: string): Buffer {
    return readFileSync(path);
  }

  flipBit(path: string, position: number, bit: number): void {
    const bytes = readFileSync(path);
    const file = openSync(path, 'r+');
    writeSync(file, Uint8Array.of(bytes[position]! ^ (1 << bit)), 0, 1, position);
    closeSync(file);
    // What the medium holds is damaged, not written anew.
    this.#disk.ledger.find(path)?.flipBit(position, bit);
  }

  cutFile(path: string, sizeBytes: number): void {
    truncateSync(path, sizeBytes);
  }

  async end(): Promise<void> {
    this.leaveRoom(Infinity);
    await this.#disk.die();
    await removeTree(this.#life0);
  }
}

/** A thread may still write what the dead process asked for: then a folder is not empty again when it is removed. */
async function removeTree(path: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return rmSync(path, { recursive: true, force: true });
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOTEMPTY' || tries === REMOVE_TRIES_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

function filesUnder(folder: string): FileSeen[] {
  const found: FileSeen[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...filesUnder(path));
    else found.push({ path, sizeBytes: statSync(path).size });
  }
  return found;
}

function writeTree(directory: MemoryDirectory, path: string, written: Map<MemoryNode, string>): void {
  for (const [name, node] of directory.entries) {
    const inner = `${path}/${name}`;
    const twin = written.get(node);
    if (node instanceof MemoryDirectory) {
      mkdirSync(inner);
      writeTree(node, inner, written);
    } else if (twin !== undefined) {
      linkSync(twin, inner);
    } else {
      writeFileSync(inner, node.current.bytes);
      written.set(node, inner);
    }
  }
}
