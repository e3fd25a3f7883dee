import { assert } from '../../base/assert.ts';
import { NumberField } from '../../binding/abi.ts';
import type { NativeCore } from '../../binding/addon.ts';

const MIB = 1024 * 1024;
/** The first window of a segment; doubled while the segment is small. */
const WINDOW_MIN_BYTES = MIB;
/** Later windows start at multiples of this and reach twice as far, so that any read up to it lies within one. */
const WINDOW_STEP_BYTES = 4 * MIB;

/** A piece of a segment's mapping, as an ArrayBuffer. Lives while it has leases or the cache has room. */
export class Window {
  readonly buffer: ArrayBuffer;
  readonly start: number;
  readonly end: number;
  readonly handle: number;
  leases = 0;
  lastUse = 0;
  /** No new leases: closed with the last one. */
  retired = false;

  constructor(buffer: ArrayBuffer, start: number, handle: number) {
    this.buffer = buffer;
    this.start = start;
    this.end = start + buffer.byteLength;
    this.handle = handle;
  }
}

/** The windows of one segment. Made through a WindowCache. */
export class SegmentWindows {
  readonly #cache: WindowCache;
  readonly #windows: Window[] = [];
  #latest: Window | null = null;

  constructor(cache: WindowCache) {
    this.#cache = cache;
  }

  /** A window that covers [start, end), leased; null when there is none yet. */
  find(start: number, end: number): Window | null {
    const latest = this.#latest;
    if (latest !== null && start >= latest.start && end <= latest.end) return this.#lease(latest);
    for (const window of this.#windows) {
      if (start >= window.start && end <= window.end) return this.#lease(window);
    }
    return null;
  }

  /** Maps a window that covers [start, end) and leases it; null where that cannot be. */
  open(segment: number, start: number, end: number): Window | null {
    const window = this.#cache.open(segment, start, end, this);
    if (window === null) return null;
    this.#windows.push(window);
    return this.#lease(window);
  }

  /** Gives a lease back. */
  release(window: Window): void {
    assert(window.leases > 0, 'a lease is given back once');
    window.leases--;
    if (window.leases === 0) this.#cache.unleased(window);
  }

  /** No window of now serves another read; those without leases go at once. */
  retireAll(): void {
    this.#latest = null;
    for (const window of this.#windows.splice(0)) this.#cache.retire(window);
  }

  /** The cache closed it. */
  forget(window: Window): void {
    const index = this.#windows.indexOf(window);
    if (index >= 0) this.#windows.splice(index, 1);
    if (this.#latest === window) this.#latest = null;
  }

  #lease(window: Window): Window {
    window.leases++;
    window.lastUse = this.#cache.tick();
    this.#latest = window;
    return window;
  }
}

/** Bounds what the engine counts as external memory: unleased windows go, the least recently used first. */
export class WindowCache {
  readonly #core: NativeCore;
  readonly #bytesMax: number;
  readonly #owners = new Map<Window, SegmentWindows>();
  #bytes = 0;
  #clock = 0;

  constructor(core: NativeCore, bytesMax: number) {
    this.#core = core;
    this.#bytesMax = bytesMax;
  }

  tick(): number {
    return ++this.#clock;
  }

  open(segment: number, start: number, end: number, owner: SegmentWindows): Window | null {
    const { start: from, lengthBytes } = span(start, end);
    const buffer = this.#core.exports.windowOpen(segment, from, lengthBytes);
    if (buffer === undefined) return null;
    const window = new Window(buffer, from, this.#core.numbers[NumberField.window]!);
    this.#owners.set(window, owner);
    this.#bytes += buffer.byteLength;
    if (end > window.end) {
      this.close(window);
      return null;
    }
    window.leases = 1;
    while (this.#bytes > this.#bytesMax && this.#evict());
    window.leases = 0;
    return window;
  }

  /** The last lease came back: a window that serves nobody, or is too many, goes. */
  unleased(window: Window): void {
    if (window.retired) this.close(window);
    else if (this.#bytes > this.#bytesMax) this.#evict();
  }

  retire(window: Window): void {
    window.retired = true;
    if (window.leases === 0) this.close(window);
  }

  close(window: Window): void {
    const owner = this.#owners.get(window);
    if (owner === undefined) return;
    this.#owners.delete(window);
    owner.forget(window);
    this.#bytes -= window.buffer.byteLength;
    this.#core.exports.windowClose(window.handle, window.buffer);
  }

  /** False when every window is leased. */
  #evict(): boolean {
    let oldest: Window | null = null;
    for (const window of this.#owners.keys()) {
      if (window.leases === 0 && (oldest === null || window.lastUse < oldest.lastUse)) oldest = window;
    }
    if (oldest !== null) this.close(oldest);
    return oldest !== null;
  }
}

/** Which window covers [start, end): from the beginning while that is small, else aligned, in powers of two. */
function span(start: number, end: number): { start: number; lengthBytes: number } {
  if (end <= 2 * WINDOW_STEP_BYTES) return { start: 0, lengthBytes: powerOfTwoFrom(WINDOW_MIN_BYTES, end) };
  const from = Math.floor(start / WINDOW_STEP_BYTES) * WINDOW_STEP_BYTES;
  return { start: from, lengthBytes: powerOfTwoFrom(2 * WINDOW_STEP_BYTES, end - from) };
}

function powerOfTwoFrom(least: number, wanted: number): number {
  let size = least;
  while (size < wanted) size *= 2;
  return size;
}
