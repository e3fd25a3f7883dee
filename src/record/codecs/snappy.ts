/**
 * Snappy in the framing of Java's snappy library ("xerial"): a header of sixteen bytes, then blocks with their lengths before them. On read, bytes without that
 * header are one raw block, as some clients write it, and a header may come again between blocks (concatenated streams).
 */
import type { RecordCodec } from './codec.ts';
import { asBuffer, guarded, loadLibrary, refuseCorrupt, refuseTooLarge } from './library.ts';
import { inflateSnappyBlock, snappyInflatedBytes } from './snappyBlock.ts';

const HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
const SIGNATURE_BYTES = 8;
const HEADER_START = HEADER.readInt32BE(0);
const LENGTH_BYTES = 4;
/** What Java's library cuts the input into. */
const WRITTEN_BLOCK_BYTES = 32_768;

type CompressBlock = (bytes: Buffer) => Uint8Array;
/** Inflates the block in [from, to) of `input` into [outStart, outEnd) of `out`: exactly what it says it holds. */
type InflateBlock = (input: Buffer, from: number, to: number, out: Buffer, outStart: number, outEnd: number) => void;

function compressFramed(bytes: Buffer, compressBlock: CompressBlock): Buffer {
  const pieces: Uint8Array[] = [HEADER];
  for (let from = 0; from < bytes.length; from += WRITTEN_BLOCK_BYTES) {
    const block = compressBlock(bytes.subarray(from, from + WRITTEN_BLOCK_BYTES));
    const length = Buffer.allocUnsafe(LENGTH_BYTES);
    length.writeInt32BE(block.length, 0);
    pieces.push(length, block);
  }
  return Buffer.concat(pieces);
}

const isFramed = (bytes: Buffer): boolean => bytes.length >= HEADER.length && bytes.compare(HEADER, 0, SIGNATURE_BYTES, 0, SIGNATURE_BYTES) === 0;

/** Calls `visit` with the bounds of each block. */
function walkBlocks(bytes: Buffer, visit: (from: number, to: number) => void): void {
  if (!isFramed(bytes)) {
    visit(0, bytes.length);
    return;
  }
  let at = HEADER.length;
  while (at < bytes.length) {
    if (bytes.length - at < LENGTH_BYTES) refuseCorrupt('snappy: the bytes end inside a block length');
    const length = bytes.readInt32BE(at);
    if (length === HEADER_START && isFramed(bytes.subarray(at))) {
      at += HEADER.length;
      continue;
    }
    at += LENGTH_BYTES;
    if (length < 0 || length > bytes.length - at) refuseCorrupt(`snappy: block length ${length} does not fit`);
    // Java's library takes an empty block for nothing.
    if (length > 0) visit(at, at + length);
    at += length;
  }
}

function inflateFramed(bytes: Buffer, sizeMaxBytes: number, inflateBlock: InflateBlock): Buffer {
  let total = 0;
  walkBlocks(bytes, (from, to) => {
    total += snappyInflatedBytes(bytes, from, to);
    if (total > sizeMaxBytes) refuseTooLarge('snappy', sizeMaxBytes);
  });
  const out = Buffer.allocUnsafeSlow(total);
  let outAt = 0;
  walkBlocks(bytes, (from, to) => {
    const outEnd = outAt + snappyInflatedBytes(bytes, from, to);
    inflateBlock(bytes, from, to, out, outAt, outEnd);
    outAt = outEnd;
  });
  return out;
}

interface NativeSnappy {
  compressSync(bytes: Buffer, options: typeof COPIED): Buffer;
  uncompressSync(bytes: Buffer, options: typeof COPIED): Buffer;
}

/** Memory of the library's own would only be given back when the event loop turns, however many batches one turn inflates. */
const COPIED = { copyOutputData: true } as const;

/** The `snappy` package; null where its binary does not load. */
export function nativeSnappy(): RecordCodec | null {
  const library = loadLibrary<NativeSnappy>('snappy');
  if (library === null) return null;
  const inflateBlock: InflateBlock = (input, from, to, out, outStart, outEnd) => {
    const inflated = guarded('snappy', () => library.uncompressSync(input.subarray(from, to), COPIED));
    if (inflated.length !== outEnd - outStart) refuseCorrupt('snappy: the block is not as long as it says');
    inflated.copy(out, outStart);
  };
  return {
    description: 'snappy',
    compress: (bytes) => compressFramed(asBuffer(bytes), (block) => library.compressSync(block, COPIED)),
    inflate: (bytes, sizeMaxBytes) => inflateFramed(asBuffer(bytes), sizeMaxBytes, inflateBlock),
  };
}

interface PlainSnappy {
  compress(bytes: Buffer): Uint8Array;
}

/** `snappyjs` to compress, our own code to inflate; null where the package is absent. */
export function plainSnappy(): RecordCodec | null {
  const library = loadLibrary<PlainSnappy>('snappyjs');
  if (library === null) return null;
  return {
    description: 'snappyjs',
    compress: (bytes) => compressFramed(asBuffer(bytes), (block) => library.compress(block)),
    inflate: (bytes, sizeMaxBytes) => inflateFramed(asBuffer(bytes), sizeMaxBytes, inflateSnappyBlock),
  };
}
