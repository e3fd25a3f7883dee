import * as fs from 'node:fs';
import { unlink } from './asyncFiles.ts';
import type { FileHost, OpenFile } from './fileHost.ts';
import { asDiskError } from './hostFiles.ts';

/** writev takes at most this many pieces (IOV_MAX). */
const PIECES_MAX = 1024;

/** Closes the files that were used least recently when too many are open. */
class DescriptorCache {
  readonly #limit: number;
  /** In order of use, the least recent first. */
  readonly #open = new Set<PortableFile>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  used(file: PortableFile): void {
    this.#open.delete(file);
    this.#open.add(file);
    if (this.#open.size <= this.#limit) return;
    for (const candidate of this.#open) {
      if (candidate === file || candidate.isBusy) continue;
      candidate.giveUp();
      return;
    }
  }

  closed(file: PortableFile): void {
    this.#open.delete(file);
  }
}

/** A file that is opened when needed. */
class PortableFile implements OpenFile {
  path: string;
  readonly #writable: boolean;
  readonly #cache: DescriptorCache;
  #fd = -1;
  #operations = 0;
  #unsynced = false;
  /** To be closed when the last asynchronous call is done. */
  #closing = false;

  constructor(cache: DescriptorCache, path: string, writable: boolean) {
    this.#cache = cache;
    this.path = path;
    this.#writable = writable;
  }

  /** An asynchronous call uses the descriptor. */
  get isBusy(): boolean {
    return this.#operations > 0;
  }

  sizeBytes(): number {
    return this.#call(() => fs.statSync(this.path).size);
  }

  read(target: Uint8Array, position: number): number {
    return this.#call(() => {
      const fd = this.#descriptor();
      let done = 0;
      while (done < target.length) {
        const got = fs.readSync(fd, target, done, target.length - done, position + done);
        if (got === 0) break;
        done += got;
      }
      return done;
    });
  }

  async readAsync(target: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const got = await this.#async<number>((fd, end) => fs.read(fd, target, done, target.length - done, position + done, end));
      if (got === 0) break;
      done += got;
    }
    return done;
  }

  write(pieces: readonly Uint8Array[], position: number): void {
    this.#unsynced = true;
    this.#call(() => {
      const fd = this.#descriptor();
      let at = position;
      let rest = pieces;
      while (rest.length > 0) {
        let written = fs.writevSync(fd, rest.slice(0, PIECES_MAX), at);
        at += written;
        let whole = 0;
        while (whole < rest.length && written >= rest[whole]!.length) written -= rest[whole++]!.length;
        rest = rest.slice(whole);
        if (written > 0) rest = [rest[0]!.subarray(written), ...rest.slice(1)];
      }
    });
  }

  cut(sizeBytes: number): void {
    this.#unsynced = true;
    this.#call(() => fs.ftruncateSync(this.#descriptor(), sizeBytes));
  }

  cutAsync(sizeBytes: number): Promise<void> {
    this.#unsynced = true;
    return this.#async((fd, end) => fs.ftruncate(fd, sizeBytes, (error) => end(error, undefined)));
  }

  async sync(): Promise<void> {
    this.#unsynced = false;
    await this.#async((fd, end) => fs.fsync(fd, (error) => end(error, undefined)));
  }

  movedTo(path: string): void {
    this.path = path;
  }

  close(): void {
    if (this.#fd < 0) return;
    this.#cache.closed(this);
    this.#closing = this.isBusy;
    if (this.#closing) return;
    fs.closeSync(this.#fd);
    this.#fd = -1;
  }

  /** The cache wants the descriptor back. Unsynced data is synced first: a write error is only told to descriptors open at the time. */
  giveUp(): void {
    this.#call(() => {
      if (this.#unsynced) fs.fdatasyncSync(this.#fd);
    });
    this.close();
  }

  #descriptor(): number {
    if (this.#fd < 0) this.#fd = fs.openSync(this.path, this.#writable ? 'r+' : 'r');
    this.#cache.used(this);
    return this.#fd;
  }

  #call<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw asDiskError(error, this.path);
    }
  }

  #async<T>(start: (fd: number, end: (error: Error | null, value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const fd = this.#call(() => this.#descriptor());
      this.#operations++;
      start(fd, (error, value) => {
        this.#operations--;
        if (this.#closing) this.close();
        if (error === null || error === undefined) resolve(value);
        else reject(asDiskError(error, this.path));
      });
    });
  }
}

/** Files through node:fs, with a bound on open descriptors. */
export class PortableHost implements FileHost {
  readonly #cache: DescriptorCache;

  constructor(openFilesMax: number) {
    this.#cache = new DescriptorCache(openFilesMax);
  }

  open(path: string, writable: boolean, create: boolean): OpenFile {
    try {
      if (create && !fs.existsSync(path)) fs.closeSync(fs.openSync(path, 'a'));
      else fs.accessSync(path);
    } catch (error) {
      throw asDiskError(error, path);
    }
    return new PortableFile(this.#cache, path, writable);
  }

  exists(path: string): boolean {
    return fs.existsSync(path);
  }

  rename(from: string, to: string): void {
    try {
      fs.renameSync(from, to);
    } catch (error) {
      throw asDiskError(error, from);
    }
  }

  async unlink(path: string): Promise<void> {
    try {
      await unlink(path);
    } catch (error) {
      const failed = asDiskError(error, path);
      if (failed.code !== 'ENOENT') throw failed;
    }
  }
}

