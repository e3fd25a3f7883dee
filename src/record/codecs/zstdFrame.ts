/** Walks zstd frames by their headers, to know before inflating how much may come out. */
import { refuseCorrupt } from './library.ts';

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const MAGIC_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const BLOCK_BYTES_MAX = 1 << 17;
/** zstd's own limit for decoders that were not told otherwise. */
const WINDOW_BYTES_MAX = 2 ** 27;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const BlockType = { raw: 0, repeated: 1, compressed: 2 } as const;

export interface ZstdFrame {
  readonly end: number;
  /** The frame inflates to no more: what it declares, else what its blocks allow. 0 for a skippable frame. */
  readonly inflatedBytesMax: number;
  readonly isSkippable: boolean;
}

/** The frame at `start`. Throws RecordError CORRUPT_COMPRESSION. */
export function readZstdFrame(bytes: Buffer, start: number): ZstdFrame {
  if (bytes.length - start < MAGIC_BYTES + 1) refuseCorrupt('zstd: the bytes end inside a frame');
  const magic = bytes.readUInt32LE(start);
  if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) return skippableFrame(bytes, start);
  if (magic !== MAGIC) refuseCorrupt('zstd: not a frame');
  const descriptor = bytes[start + MAGIC_BYTES]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  if (descriptor & 0x08) refuseCorrupt('zstd: reserved flag');
  const windowAt = start + MAGIC_BYTES + 1;
  const dictionaryBytes = DICTIONARY_ID_BYTES[descriptor & 3]!;
  const contentAt = windowAt + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  const contentSizeBytes = contentFieldBytes(descriptor >>> 6, isSingleSegment);
  const blocksStart = contentAt + contentSizeBytes;
  if (blocksStart > bytes.length) refuseCorrupt('zstd: the bytes end inside a frame header');
  const contentBytes = readContentSize(bytes, contentAt, contentSizeBytes);
  const windowBytes = isSingleSegment ? contentBytes : windowFrom(bytes[windowAt]!);
  if (!isSingleSegment && windowBytes > WINDOW_BYTES_MAX) refuseCorrupt('zstd: the window is too large');
  return walkBlocks(bytes, blocksStart, Math.min(windowBytes, BLOCK_BYTES_MAX), hasChecksum, contentBytes);
}

function skippableFrame(bytes: Buffer, start: number): ZstdFrame {
  if (bytes.length - start < MAGIC_BYTES * 2) refuseCorrupt('zstd: the bytes end inside a skippable frame');
  const end = start + MAGIC_BYTES * 2 + bytes.readUInt32LE(start + MAGIC_BYTES);
  if (end > bytes.length) refuseCorrupt('zstd: the bytes end inside a skippable frame');
  return { end, inflatedBytesMax: 0, isSkippable: true };
}

function contentFieldBytes(code: number, isSingleSegment: boolean): number {
  if (code === 0) return isSingleSegment ? 1 : 0;
  return 1 << code;
}

/** -1 when the frame does not say. */
function readContentSize(bytes: Buffer, at: number, fieldBytes: number): number {
  switch (fieldBytes) {
    case 0:
      return -1;
    case 1:
      return bytes[at]!;
    case 2:
      return bytes.readUInt16LE(at) + 256;
    case 4:
      return bytes.readUInt32LE(at);
    default:
      return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
  }
}

function windowFrom(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

function walkBlocks(bytes: Buffer, blocksStart: number, blockBytesMax: number, hasChecksum: boolean, contentBytes: number): ZstdFrame {
  let inflatedBytesMax = 0;
  let at = blocksStart;
  for (let isLast = false; !isLast; ) {
    if (bytes.length - at < BLOCK_HEADER_BYTES) refuseCorrupt('zstd: the bytes end before the last block');
    const header = bytes.readUIntLE(at, BLOCK_HEADER_BYTES);
    isLast = (header & 1) !== 0;
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    if (type > BlockType.compressed || size > blockBytesMax) refuseCorrupt('zstd: a block cannot be right');
    inflatedBytesMax += type === BlockType.compressed ? blockBytesMax : size;
    at += BLOCK_HEADER_BYTES + (type === BlockType.repeated ? 1 : size);
  }
  const end = at + (hasChecksum ? CHECKSUM_BYTES : 0);
  if (end > bytes.length) refuseCorrupt('zstd: the bytes end inside a block');
  if (contentBytes > inflatedBytesMax) refuseCorrupt('zstd: the declared content size cannot be right');
  return { end, inflatedBytesMax: contentBytes === -1 ? inflatedBytesMax : contentBytes, isSkippable: false };
}
