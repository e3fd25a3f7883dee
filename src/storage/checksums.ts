/**
 * `tidelog-checksums`: what the checkpoints of one log directory must hold, since their format, Kafka's, has no checksum. Line 1: `tidelog-checksums 1`
 * and the CRC32C, in hexadecimal, of all that follows it; then JSON: for each file the sums that are right, and a copy where nothing else could replace it.
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
  copy: string | null;
}

const hex = (crc: number): string => crc.toString(16).padStart(8, '0');
const sumOf = (bytes: Uint8Array): string => `${bytes.length}:${hex(compute.crc32c(bytes))}`;
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
    if (!isObject(value) || !Array.isArray(value['sums']) || !value['sums'].every((sum) => typeof sum === 'string' && SUM.test(sum))) return null;
    files.set(name, { sums: value['sums'], copy: typeof value['copy'] === 'string' ? value['copy'] : null });
  }
  return files;
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

/** Whoever writes a checkpoint says so first with `expect`, and afterwards with `settle`. */
export class DirectoryChecksums {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #files = new Map<string, Expected>();
  readonly #writes: SharedRun;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#writes = new SharedRun(() => disk.writeFileAtomic(this.path, encode(this.#files)));
  }

  get path(): string {
    return `${this.#directory}/${FileName.checksums}`;
  }

  /** False when the file is damaged: then nothing is known of the others. Rejects with DiskError. */
  async load(): Promise<boolean> {
    this.#files.clear();
    const bytes = await this.#disk.readFile(this.path, CHECKSUMS_SIZE_MAX_BYTES);
    if (bytes === null) return true;
    const files = decode(bytes);
    for (const [name, expected] of files ?? []) this.#files.set(name, expected);
    return files !== null;
  }

  /** Rejects with DiskError. */
  async read(name: string, sizeMaxBytes: number): Promise<Checked> {
    const bytes = await this.#disk.readFile(`${this.#directory}/${name}`, sizeMaxBytes);
    const expected = this.#files.get(name);
    const copy = expected === undefined || expected.copy === null ? null : Buffer.from(expected.copy, 'utf8');
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
    this.#files.set(name, { sums: [...sums.filter((known) => known !== sum), sum], copy: keepsCopy ? bytes.toString('utf8') : null });
    await this.#writes.run();
  }

  /** The file holds these bytes, durably: other content is wrong as soon as the checksums are next written. */
  settle(name: string, bytes: Buffer): void {
    const expected = this.#files.get(name);
    if (expected !== undefined) expected.sums = [sumOf(bytes)];
  }

  /** A write failed: where the file has an older content still, the list needs no other, and does not grow with each failure. */
  async lookUp(name: string, sizeMaxBytes: number): Promise<void> {
    const expected = this.#files.get(name);
    const bytes = await this.#disk.readFile(`${this.#directory}/${name}`, sizeMaxBytes).catch(() => null);
    if (expected === undefined || bytes === null) return;
    const sum = sumOf(bytes);
    if (expected.sums.indexOf(sum) < expected.sums.length - 1 && expected.sums.includes(sum)) expected.sums = [sum];
  }
}
