/** Reads the folders of many partitions ahead of the loading of their logs, as many at a time as pays. */
import { definite } from '../base/assert.ts';
import { DiskError } from '../base/disk.ts';
import type { Disk, FolderContent } from '../base/disk.ts';
import { FileName, Suffix } from './fileNames.ts';

/** What is read of a partition's folder with its list; larger files are read when they are wanted. */
const SMALL_FILES: readonly string[] = [FileName.partitionMetadata, FileName.leaderEpochs, FileName.checksums, `*${Suffix.snapshot}`];
const SMALL_FILE_BYTES_MAX = 4096;
const FOLDERS_AT_ONCE = 64;

/** The files beside the segments of one partition. */
export class PartitionFolder {
  readonly path: string;
  readonly #disk: Disk;
  #content: FolderContent | null;

  /** `content`: what the folder holds, null where that is not known yet. */
  constructor(disk: Disk, path: string, content: FolderContent | null = null) {
    this.path = path;
    this.#disk = disk;
    this.#content = content;
  }

  /** Throws DiskError. */
  async list(): Promise<FolderContent['entries']> {
    return this.#content === null ? this.#disk.list(this.path) : this.#content.entries;
  }

  /** As Disk.readFile. */
  async readFile(name: string, sizeMaxBytes: number): Promise<Buffer | null> {
    const known = this.#content;
    const bytes = known?.files.get(name);
    if (bytes !== undefined && bytes.length <= sizeMaxBytes) return bytes;
    if (known !== null && !known.entries.some((entry) => entry.name === name)) return null;
    return this.#disk.readFile(`${this.path}/${name}`, sizeMaxBytes);
  }

  /** Names or contents have changed: from now on the disk is asked. */
  forget(): void {
    this.#content = null;
  }
}

/** Gives the folders one after the other, each once, and reads the next ones meanwhile. */
export class FolderReader {
  readonly #disk: Disk;
  readonly #paths: readonly string[];
  readonly #chunks = new Map<number, Promise<readonly (FolderContent | DiskError)[]>>();

  constructor(disk: Disk, paths: readonly string[]) {
    this.#disk = disk;
    this.#paths = paths;
  }

  /** The folder at `index` of the paths; indexes are asked for in about ascending order. Throws DiskError. */
  async at(index: number): Promise<PartitionFolder> {
    const path = definite(this.#paths[index], 'the path of a folder');
    if (this.#disk.readFolders === undefined) return new PartitionFolder(this.#disk, path);
    const chunk = Math.floor(index / FOLDERS_AT_ONCE);
    const reading = this.#read(chunk);
    this.#read(chunk + 1).catch(() => {});
    this.#chunks.delete(chunk - 2);
    const content = (await reading)[index % FOLDERS_AT_ONCE];
    if (content instanceof DiskError) throw content;
    return new PartitionFolder(this.#disk, path, content ?? null);
  }

  #read(chunk: number): Promise<readonly (FolderContent | DiskError)[]> {
    let reading = this.#chunks.get(chunk);
    if (reading !== undefined) return reading;
    const paths = this.#paths.slice(chunk * FOLDERS_AT_ONCE, (chunk + 1) * FOLDERS_AT_ONCE);
    reading = paths.length === 0 ? Promise.resolve([]) : definite(this.#disk.readFolders?.(paths, SMALL_FILES, SMALL_FILE_BYTES_MAX), 'a disk that reads folders');
    this.#chunks.set(chunk, reading);
    return reading;
  }
}
