import fs from 'node:fs';
import { DiskError } from '../../base/disk.ts';
import type { FileHost, OpenFile } from './fileHost.ts';

/** The system's error as the contract's. */
export function diskError(error: unknown, path: string): DiskError {
  if (error instanceof DiskError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new DiskError(code ?? 'EIO', path, `${path}: ${message}`);
}

/**
 * Files of this machine by node:fs. Descriptors open at the first use and close again, least recently used first, beyond
 * `openFilesMax`: an idle log costs none.
 */
export class NodeFileHost implements FileHost {
  readonly #openFilesMax: number;
  /** Open files, least recently used first. */
  readonly #open = new Set<NodeOpenFile>();

  constructor(openFilesMax: number) {
    this.#openFilesMax = openFilesMax;
  }

  open(path: string, writable: boolean, create: boolean): OpenFile {
    const file = new NodeOpenFile(this, path, writable);
    if (create && !fs.existsSync(path)) file.create();
    else if (!fs.existsSync(path)) throw new DiskError('ENOENT', path, `${path}: no such file`);
    return file;
  }

  exists(path: string): boolean {
    return fs.existsSync(path);
  }

  rename(from: string, to: string): void {
    try {
      fs.renameSync(from, to);
    } catch (error) {
      throw diskError(error, from);
    }
  }

  async unlink(path: string): Promise<void> {
    try {
      await fs.promises.rm(path, { force: true });
    } catch (error) {
      throw diskError(error, path);
    }
  }

  /** `file` is used now: keep it, and close the one that was not used for longest where there are too many. */
  touch(file: NodeOpenFile): void {
    this.#open.delete(file);
    this.#open.add(file);
    if (this.#open.size <= this.#openFilesMax) return;
    for (const oldest of this.#open) {
      if (oldest === file || oldest.isBusy) continue;
      oldest.closeDescriptor();
      return;
    }
  }

  forget(file: NodeOpenFile): void {
    this.#open.delete(file);
  }
}

export class NodeOpenFile implements OpenFile {
  path: string;
  readonly #host: NodeFileHost;
  readonly #writable: boolean;
  #descriptor = -1;
  #asyncCalls = 0;
  #closeWhenIdle = false;

  constructor(host: NodeFileHost, path: string, writable: boolean) {
    this.#host = host;
    this.path = path;
    this.#writable = writable;
  }

  get isBusy(): boolean {
    return this.#asyncCalls > 0;
  }

  create(): void {
    this.#guard(() => {
      this.#descriptor = fs.openSync(this.path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644);
      this.#host.touch(this);
    });
  }

  sizeBytes(): number {
    return this.#guard(() => fs.fstatSync(this.#use()).size);
  }

  read(target: Uint8Array, position: number): number {
    return this.#guard(() => {
      let done = 0;
      while (done < target.length) {
        const count = fs.readSync(this.#use(), target, done, target.length - done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    });
  }

  async readAsync(target: Uint8Array, position: number): Promise<number> {
    const descriptor = this.#guard(() => this.#use());
    return this.#during(() => new Promise<number>((resolve, reject) => {
      fs.read(descriptor, target, 0, target.length, position, (error, count) => (error ? reject(error) : resolve(count)));
    }));
  }

  write(pieces: readonly Uint8Array[], position: number): void {
    this.#guard(() => {
      let rest = pieces.filter((piece) => piece.length > 0);
      for (let at = position; rest.length > 0; ) {
        const written = rest.length === 1 ? fs.writeSync(this.#use(), rest[0] as Uint8Array, 0, (rest[0] as Uint8Array).length, at) : fs.writevSync(this.#use(), rest, at);
        at += written;
        rest = withoutFirst(rest, written);
      }
    });
  }

  cut(sizeBytes: number): void {
    this.#guard(() => fs.ftruncateSync(this.#use(), sizeBytes));
  }

  async cutAsync(sizeBytes: number): Promise<void> {
    const descriptor = this.#guard(() => this.#use());
    await this.#during(() => new Promise<void>((resolve, reject) => fs.ftruncate(descriptor, sizeBytes, (error) => (error ? reject(error) : resolve()))));
  }

  async sync(): Promise<void> {
    const descriptor = this.#guard(() => this.#use());
    await this.#during(() => new Promise<void>((resolve, reject) => fs.fdatasync(descriptor, (error) => (error ? reject(error) : resolve()))));
  }

  movedTo(path: string): void {
    this.path = path;
  }

  close(): void {
    if (this.#asyncCalls > 0) this.#closeWhenIdle = true;
    else this.closeDescriptor();
  }

  closeDescriptor(): void {
    this.#host.forget(this);
    if (this.#descriptor < 0) return;
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    this.#guard(() => fs.closeSync(descriptor));
  }

  #use(): number {
    if (this.#descriptor < 0) this.#descriptor = fs.openSync(this.path, this.#writable ? fs.constants.O_RDWR : fs.constants.O_RDONLY);
    this.#host.touch(this);
    return this.#descriptor;
  }

  #guard<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw diskError(error, this.path);
    }
  }

  async #during<T>(call: () => Promise<T>): Promise<T> {
    this.#asyncCalls++;
    try {
      return await call();
    } catch (error) {
      throw diskError(error, this.path);
    } finally {
      this.#asyncCalls--;
      if (this.#asyncCalls === 0 && this.#closeWhenIdle) this.closeDescriptor();
    }
  }
}

/** What is left of `pieces` after their first `bytes` bytes. */
function withoutFirst(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  const rest: Uint8Array[] = [];
  for (const piece of pieces) {
    if (skip >= piece.length) skip -= piece.length;
    else {
      rest.push(skip === 0 ? piece : piece.subarray(skip));
      skip = 0;
    }
  }
  return rest;
}
