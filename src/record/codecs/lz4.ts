import { DEFAULT_LEVEL } from './codec.ts';
import type { RecordCodec } from './codec.ts';
import { asBuffer, guarded, loadLibrary, refuseTooLarge } from './library.ts';
import { Lz4Compressor, inflateLz4Block } from './lz4Block.ts';
import { inflateLz4Frame, readLz4Frame, writeLz4Frame } from './lz4Frame.ts';
import type { CompressBlock, InflateBlock } from './lz4Frame.ts';

interface Lz4Library {
  compressFrameSync(bytes: Buffer): Buffer;
  decompressFrameSync(bytes: Buffer): Buffer;
}

/** Kafka's default level, which stands for the fast compressor; every other level is a depth of search. */
const FAST_LEVEL = 9;
const LEVEL_MAX = 17;

let fastCompressor: Lz4Compressor | null = null;

function compressorFor(level: number): CompressBlock {
  const compressor = isFast(level) ? (fastCompressor ??= new Lz4Compressor(1)) : new Lz4Compressor(2 ** Math.min(Math.max(level, 1), LEVEL_MAX));
  return (input, from, to, out, outStart) => compressor.compress(input, from, to, out, outStart);
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

interface Lz4BlockLibrary {
  /** The block with its inflated size before it, little-endian. */
  compress(bytes: Uint8Array): Uint8Array;
  /** Takes room for the size before the block, and gives back what there is. */
  decompress(bytes: Uint8Array): Uint8Array;
}

const SIZE_BYTES = 4;

/** `lz4-wasm-nodejs` knows blocks only: the framing is ours. Null where the package is absent. */
export function wasmLz4(): RecordCodec | null {
  const library = loadLibrary<Lz4BlockLibrary>('lz4-wasm-nodejs');
  if (library === null) return null;
  const compressBlock: CompressBlock = (input, from, to, out, outStart) => {
    const block = library.compress(input.subarray(from, to)).subarray(SIZE_BYTES);
    out.set(block, outStart);
    return outStart + block.length;
  };
  const inflateBlock: InflateBlock = (input, from, to, out, outStart, outEnd, historyStart) => {
    const inflated = historyStart === outStart ? inflateAlone(library, input.subarray(from, to), outEnd - outStart) : null;
    // Linked to the block before, wrong, or too large: our own decoder copes, or says which.
    if (inflated === null) return inflateLz4Block(input, from, to, out, outStart, outEnd, historyStart);
    out.set(inflated, outStart);
    return outStart + inflated.length;
  };
  return {
    description: 'WebAssembly',
    compress: (bytes, level) => (isFast(level) ? writeLz4Frame(asBuffer(bytes), compressBlock) : plainLz4.compress(bytes, level)),
    inflate(bytes, sizeMaxBytes) {
      const input = asBuffer(bytes);
      return inflateLz4Frame(input, readLz4Frame(input), sizeMaxBytes, inflateBlock);
    },
  };
}

/** Null where it fails. */
function inflateAlone(library: Lz4BlockLibrary, block: Buffer, sizeMaxBytes: number): Uint8Array | null {
  const sized = Buffer.allocUnsafe(SIZE_BYTES + block.length);
  sized.writeUInt32LE(sizeMaxBytes, 0);
  sized.set(block, SIZE_BYTES);
  try {
    const inflated = library.decompress(sized);
    return inflated.length <= sizeMaxBytes ? inflated : null;
  } catch {
    return null;
  }
}
