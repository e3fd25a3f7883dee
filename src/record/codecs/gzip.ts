import { gunzipSync, gzipSync } from 'node:zlib';
import { RecordError } from '../recordError.ts';
import { DEFAULT_LEVEL } from './codec.ts';
import type { RecordCodec } from './codec.ts';

/** Gzip by Node's zlib, whose output cap is honoured while it streams. Concatenated members are read as one. */
export const gzip: RecordCodec = {
  description: 'zlib',
  compress(bytes, level) {
    return gzipSync(bytes, level === DEFAULT_LEVEL ? {} : { level });
  },
  inflate(bytes, sizeMaxBytes) {
    try {
      return gunzipSync(bytes, { maxOutputLength: Math.max(sizeMaxBytes, 1) });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ERR_BUFFER_TOO_LARGE') throw new RecordError('TOO_LARGE', `gzip: more than ${sizeMaxBytes} bytes inflated`);
      throw new RecordError('CORRUPT_COMPRESSION', `gzip: ${message}`);
    }
  },
};
