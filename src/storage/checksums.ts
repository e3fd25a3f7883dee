/**
 * `tidelog-checksums`: what files of the same directory must hold, since their formats, Kafka's, have no checksum: checkpoints, and the indexes of sealed segments. Line 1:
 * `tidelog-checksums 1` and the CRC32C, in hexadecimal, of all that follows it; then JSON: for each file the sums that are right, and for checkpoints a copy of the newest content.
 */
import type { Disk } from '../base/disk.ts';
import { compute } from '../binding/load.ts';
import { SharedRun } from './concurrently.ts';
import { FileName } from './fileNames.ts';

const HEAD = /^tidelog-checksums 1 ([0-9a-f]{8})\n/;
const SUM = /^[0-9]{1,10}:[0-9a-f]{8}$/;
export const CHECKSUMS_SIZE_MAX_BYTES = 0x7fffffff;

/** What a file may hold. */
interface Expected {
  /** Length and CRC32C. More than one while a write is under way: what was there before, and what comes. */
  sums: string[];
  /** Its newest content, where a copy is kept. */
  copy?: string;
  /** Of a time index: the largest timestamp of its segment. */
  latestMs?: number;
}

const hex = (crc: number): string => crc.toString(16).padStart(8, '0');
export const sumOf = (bytes: Uint8Array): string => `${bytes.length}:${hex(compute.crc32c(bytes))}`;
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function encode(files: ReadonlyMap<string, Expected>): Buffer {
  const body = Buffer.from(`${JSON.stringify(Object.fromEntries(files))}\n`, 'utf8');
  return Buffer.concat([Buffer.from(`tidelog-checksums 1 ${hex(compute.crc32c(body))}\n`), body]);
}

/** Null when the bytes are not a whole list of checksums. */
function decode(bytes: Buffer): Map<string, Expected> | null {
  const head = HEAD.exec(bytes.toString('latin1', 0, 64));
  if (head === null) return null;
  const body = bytes.subarray(head[0].length);
  if (hex(compute.crc32c(body)) !== head[1]) return null;
  return expectedIn(body.toString('utf8'));
}

function expectedIn(text: string): Map<string, Expected> | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(parsed)) return null;
  const files = new Map<string, Expected>();
  for (const [name, value] of Object.entries(parsed)) {
    const expected = expectedOf(value);
    if (expected === null) return null;
    files.set(name, expected);
  }
  return files;
}

function expectedOf(value: unknown): Expected | null {
  if (!isObject(value) || !Array.isArray(value['sums']) || !value['sums'].every((sum) => typeof sum === 'string' && SUM.test(sum))) return null;
  const expected: Expected = { sums: value['sums'] };
  if (typeof value['copy'] === 'string') expected.copy = value['copy'];
  if (typeof value['latestMs'] === 'number') expected.latestMs = value['latestMs'];
  return expected;
}

/** What a file beside the checksums holds. */
export interface Checked {
  /** Null: the file is not there. */
  readonly bytes: Buffer | null;
  /** `damaged`: these are not the bytes that were written. `unknown`: there is nothing to hold them to. */
  readonly state: 'right' | 'damaged' | 'unknown';
  /** Its newest content, where a copy is kept. */
  readonly copy: Buffer | null;
}

/** A directory with such a list; its path may change. */
export interface ChecksumsPlace {
  readonly disk: Disk;
  readonly folder: string;
}

/** Whoever writes a checkpoint says so first with `expect`, and afterwards with `settle`. */
export class DirectoryChecksums {
  readonly #place: ChecksumsPlace;
  /** The list was not whole when it was read. */
  wasDamaged = false;
  /** The file does not say what is known: sums were noted and not written since, or it is damaged. */
  isDirty = false;
  readonly #files = new Map<string, Expected>();
  #writes: SharedRun | null = null;

  constructor(place: ChecksumsPlace) {
    this.#place = place;
  }

  get path(): string {
    return `${this.#place.folder}/${FileName.checksums}`;
  }

  /** False when the file is damaged: then nothing is known of the others. Rejects with DiskError. */
  async load(): Promise<boolean> {
    return this.take(await this.#place.disk.readFile(this.path, CHECKSUMS_SIZE_MAX_BYTES));
  }

  /** As `load` with what the file holds. */
  take(bytes: Buffer | null): boolean {
    this.#files.clear();
    if (bytes === null) return true;
    const files = decode(bytes);
    for (const [name, expected] of files ?? []) this.#files.set(name, expected);
    this.wasDamaged = files === null;
    if (this.wasDamaged) this.isDirty = true;
    return files !== null;
  }

  /** Resolves when what is known now is durable. Rejects with DiskError. */
  write(): Promise<void> {
    this.#writes ??= new SharedRun(() => this.#write());
    return this.#writes.run();
  }

  async #write(): Promise<void> {
    this.isDirty = false;
    try {
      await this.#place.disk.writeFileAtomic(this.path, encode(this.#files));
    } catch (error) {
      this.isDirty = true;
      throw error;
    }
  }

  /** Whether these are the bytes of the file, as far as that is known. */
  agree(name: string, bytes: Uint8Array): boolean {
    const expected = this.#files.get(name);
    return expected === undefined || expected.sums.includes(sumOf(bytes));
  }

  /** What is known of a file that is written once: its sum, and the largest timestamp of its segment for a time index. */
  note(name: string, bytes: Uint8Array, latestMs?: number): void {
    this.isDirty = true;
    this.#files.set(name, latestMs === undefined ? { sums: [sumOf(bytes)] } : { sums: [sumOf(bytes)], latestMs });
  }

  knows(name: string): boolean {
    return this.#files.has(name);
  }

  latestMs(name: string): number | undefined {
    return this.#files.get(name)?.latestMs;
  }

  /** Files that `isGone` names need no sum any more; the next write leaves them out. */
  forget(isGone: (name: string) => boolean): void {
    for (const name of this.#files.keys()) if (isGone(name)) this.#files.delete(name);
  }

  /** Rejects with DiskError. */
  async read(name: string, sizeMaxBytes: number): Promise<Checked> {
    const { disk, folder } = this.#place;
    const bytes = await disk.readFile(`${folder}/${name}`, sizeMaxBytes);
    const expected = this.#files.get(name);
    const copy = expected?.copy === undefined ? null : Buffer.from(expected.copy, 'utf8');
    if (expected === undefined || bytes === null) return { bytes, state: 'unknown', copy };
    const sum = sumOf(bytes);
    if (!expected.sums.includes(sum)) return { bytes, state: 'damaged', copy };
    expected.sums = [sum];
    return { bytes, state: 'right', copy };
  }

  /** Resolves when it is durable that the file may hold these bytes from now on, beside what it may hold already. Rejects with DiskError. */
  async expect(name: string, bytes: Buffer, keepsCopy: boolean): Promise<void> {
    const sums = this.#files.get(name)?.sums ?? [];
    const sum = sumOf(bytes);
    const expected: Expected = { sums: [...sums.filter((known) => known !== sum), sum] };
    if (keepsCopy) expected.copy = bytes.toString('utf8');
    this.#files.set(name, expected);
    await this.write();
  }

  /** The file holds these bytes, durably: other content is wrong as soon as the checksums are next written. */
  settle(name: string, bytes: Buffer): void {
    const expected = this.#files.get(name);
    if (expected !== undefined) expected.sums = [sumOf(bytes)];
  }

  /** A write failed: where the file has an older content still, the list needs no other, and does not grow with each failure. */
  async lookUp(name: string, sizeMaxBytes: number): Promise<void> {
    const expected = this.#files.get(name);
    const { disk, folder } = this.#place;
    const bytes = await disk.readFile(`${folder}/${name}`, sizeMaxBytes).catch(() => null);
    if (expected === undefined || bytes === null) return;
    const sum = sumOf(bytes);
    if (expected.sums.indexOf(sum) < expected.sums.length - 1 && expected.sums.includes(sum)) expected.sums = [sum];
  }
}
