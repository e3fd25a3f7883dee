import { DEFAULT_LEVEL } from './codec.ts';
import type { RecordCodec } from './codec.ts';
import { asBuffer, guarded, loadLibrary, refuseTooLarge } from './library.ts';
import { Lz4Compressor } from './lz4Block.ts';
import { inflateLz4Frame, readLz4Frame, writeLz4Frame } from './lz4Frame.ts';

interface Lz4Library {
  compressFrameSync(bytes: Buffer): Buffer;
  decompressFrameSync(bytes: Buffer): Buffer;
}

/** Kafka's default level, which stands for the fast compressor; every other level is a depth of search. */
const FAST_LEVEL = 9;
const LEVEL_MAX = 17;

let fastCompressor: Lz4Compressor | null = null;

function compressorFor(level: number): Lz4Compressor {
  if (!isFast(level)) return new Lz4Compressor(2 ** Math.min(Math.max(level, 1), LEVEL_MAX));
  fastCompressor ??= new Lz4Compressor(1);
  return fastCompressor;
}

const isFast = (level: number): boolean => level === DEFAULT_LEVEL || level === FAST_LEVEL;

/** All of LZ4 in TypeScript. */
export const plainLz4: RecordCodec = {
  description: 'TypeScript',
  compress: (bytes, level) => writeLz4Frame(asBuffer(bytes), compressorFor(level)),
  inflate(bytes, sizeMaxBytes) {
    const input = asBuffer(bytes);
    return inflateLz4Frame(input, readLz4Frame(input), sizeMaxBytes);
  },
};

/** For wrapper messages of magic 0: their writers got the descriptor's checksum wrong, and Kafka looks past that. */
export function inflateLegacyLz4(bytes: Uint8Array, sizeMaxBytes: number): Buffer {
  const input = asBuffer(bytes);
  return inflateLz4Frame(input, readLz4Frame(input, false), sizeMaxBytes);
}

/** `lz4-napi` for the fast level and for frames whose block lengths alone keep them under the cap; null where it does not load. */
export function nativeLz4(): RecordCodec | null {
  const library = loadLibrary<Lz4Library>('lz4-napi');
  if (library === null) return null;
  return {
    description: 'lz4-napi',
    compress: (bytes, level) => (isFast(level) ? library.compressFrameSync(asBuffer(bytes)) : plainLz4.compress(bytes, level)),
    inflate(bytes, sizeMaxBytes) {
      const input = asBuffer(bytes);
      const frame = readLz4Frame(input);
      if (frame.contentBytes > sizeMaxBytes) refuseTooLarge('lz4', sizeMaxBytes);
      if (frame.inflatedBytesMax > sizeMaxBytes) return inflateLz4Frame(input, frame, sizeMaxBytes);
      return guarded('lz4', () => library.decompressFrameSync(input));
    },
  };
}
