import { createRequire } from 'node:module';
import { RecordError } from '../recordError.ts';

const requireHere = createRequire(import.meta.url);

/** Node's zlib, loaded on first use: a start that inflates nothing does not pay for it. */
export const loadZlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib');

/** The CommonJS package `name`, null where it is absent or its binary does not load here. */
export function loadLibrary<T>(name: string): T | null {
  try {
    return requireHere(name) as T;
  } catch {
    return null;
  }
}

/** Path of the file that `name` resolves to, null where it is absent. */
export function findLibrary(name: string): string | null {
  try {
    return requireHere.resolve(name);
  } catch {
    return null;
  }
}

/** Runs a library's one-shot inflater, whose errors have no types. */
export function guarded(name: string, inflate: () => Uint8Array): Buffer {
  let inflated: Uint8Array;
  try {
    inflated = inflate();
  } catch (error) {
    if (error instanceof RecordError) throw error;
    throw new RecordError('CORRUPT_COMPRESSION', `${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return Buffer.from(inflated.buffer, inflated.byteOffset, inflated.length);
}

export function refuseCorrupt(reason: string): never {
  throw new RecordError('CORRUPT_COMPRESSION', reason);
}

export function refuseTooLarge(codec: string, sizeMaxBytes: number): never {
  throw new RecordError('TOO_LARGE', `${codec}: more than ${sizeMaxBytes} bytes inflated`);
}

/** The first `sizeBytes` of `room`, without keeping a much larger memory alive for them. */
export function trimmed(room: Buffer, sizeBytes: number): Buffer {
  const used = room.subarray(0, sizeBytes);
  return sizeBytes * 2 < room.length ? Buffer.from(used) : used;
}

export const asBuffer = (bytes: Uint8Array): Buffer => (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
