/** A machine whose process dies and whose power goes, on each implementation of the Disk contract. */
import { MemoryDisk } from '../../../src/storage/disk/memory.ts';
import type { CrashFaults } from '../../../src/storage/disk/memoryFiles.ts';
import type { Disk } from '../../../src/base/disk.ts';
import type { Clock, Random } from '../../../src/base/ports.ts';

export interface FileSeen {
  readonly path: string;
  readonly sizeBytes: number;
}

export interface Machine {
  /** Of the process that runs now. */
  readonly disk: Disk;
  /** The log directory of the process that runs now. */
  readonly root: string;
  /** The process dies; what it wrote is there. The process after it has a clock of its own. */
  kill(clock: Clock): Promise<void>;
  /** The power goes. */
  crash(clock: Clock, faults: CrashFaults): Promise<void>;
  /** The next fsync of a segment fails. */
  failNextSync(): void;
  /** One has failed in the process that runs, which may not know it yet: what is in the page cache is not on the medium. */
  readonly hasFailedSync: boolean;
  /** The disk has room for so many more bytes (for whole pages, on a real file system); Infinity: enough. */
  leaveRoom(bytes: number): void;
  /** Files of the log directory, by path; for a fault that comes while nothing runs. */
  files(): FileSeen[];
  read(path: string): Buffer;
  flipBit(path: string, position: number, bit: number): void;
  /** Behind the engine's back. */
  cutFile(path: string, sizeBytes: number): void;
  end(): Promise<void>;
}

export class MemoryMachine implements Machine {
  readonly root = '/data';
  disk: MemoryDisk;
  readonly #random: Random;

  constructor(random: Random, clock: Clock) {
    this.#random = random;
    this.disk = new MemoryDisk({ random, clock });
  }

  async kill(clock: Clock): Promise<void> {
    const { files } = this.disk.kill();
    this.disk = new MemoryDisk({ random: this.#random, clock }, files);
    this.disk.files.capacityBytes = Infinity;
  }

  async crash(clock: Clock, faults: CrashFaults): Promise<void> {
    const { files } = this.disk.crash(faults);
    this.disk = new MemoryDisk({ random: this.#random, clock }, files);
    this.disk.files.capacityBytes = Infinity;
  }

  failNextSync(): void {
    this.disk.failNextSync('.log');
  }

  get hasFailedSync(): boolean {
    return this.disk.hasFailedSync;
  }

  leaveRoom(bytes: number): void {
    this.disk.fullAfterBytes(bytes);
  }

  files(): FileSeen[] {
    return this.disk.files.list(this.root);
  }

  read(path: string): Buffer {
    return Buffer.from(this.disk.files.file(path).current.bytes);
  }

  flipBit(path: string, position: number, bit: number): void {
    this.disk.flipBit(path, position, bit);
  }

  cutFile(path: string, sizeBytes: number): void {
    this.disk.files.file(path).cut(sizeBytes);
  }

  end(): Promise<void> {
    return this.disk.close();
  }
}
