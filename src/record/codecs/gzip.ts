import { RecordError } from '../recordError.ts';
import { DEFAULT_LEVEL } from './codec.ts';
import type { RecordCodec } from './codec.ts';
import { asBuffer, loadZlib, refuseTooLarge } from './library.ts';

/** Deflate makes no more of a byte. */
const EXPANSION_MAX = 1032;
const CHUNK_BYTES_MIN = 4096;
const CHUNK_BYTES_MAX = 2 ** 20;
const TRAILER_BYTES = 4;

/** The last member's size, as it says itself, decides how much is inflated at a time; it is a hint, never believed. */
function chunkBytesFor(bytes: Buffer, sizeMaxBytes: number): number {
  const hint = bytes.length < TRAILER_BYTES ? 0 : bytes.readUInt32LE(bytes.length - TRAILER_BYTES);
  const possible = Math.min(hint, bytes.length * EXPANSION_MAX, sizeMaxBytes);
  return Math.min(Math.max(possible + 1, CHUNK_BYTES_MIN), CHUNK_BYTES_MAX);
}

/** Gzip by Node's zlib, whose output cap is honoured while it inflates piece by piece. Concatenated members are read as one. */
export const gzip: RecordCodec = {
  description: 'zlib',
  compress: (bytes, level) => loadZlib().gzipSync(bytes, level === DEFAULT_LEVEL ? {} : { level }),
  inflate(bytes, sizeMaxBytes) {
    const input = asBuffer(bytes);
    let inflated: Buffer;
    try {
      inflated = loadZlib().gunzipSync(input, { maxOutputLength: Math.max(sizeMaxBytes, 1), chunkSize: chunkBytesFor(input, sizeMaxBytes) });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ERR_BUFFER_TOO_LARGE') return refuseTooLarge('gzip', sizeMaxBytes);
      throw new RecordError('CORRUPT_COMPRESSION', `gzip: ${message}`);
    }
    return inflated.length > sizeMaxBytes ? refuseTooLarge('gzip', sizeMaxBytes) : inflated;
  },
};
