/** The LZ4 frame format, as far as Kafka's clients read it: version 1, no dictionary. Blocks may be linked on read; we write independent ones. */
import { inflateLz4Block, lz4BlockBound } from './lz4Block.ts';
import { refuseCorrupt, refuseTooLarge, trimmed } from './library.ts';
import { xxhash32 } from './xxhash32.ts';

const MAGIC = 0x184d2204;
const MAGIC_BYTES = 4;
const DESCRIPTOR_BYTES_MIN = 3;
const WORD_BYTES = 4;
const CONTENT_SIZE_BYTES = 8;
const STORED_MASK = 0x80000000;
const Flag = { dictionary: 0x01, reserved: 0x02, contentChecksum: 0x04, contentSize: 0x08, blockChecksum: 0x10, independent: 0x20, version: 0x40, versionMask: 0xc0 } as const;
/** Block size codes 4..7. */
const blockSizeOf = (code: number): number => 1 << (8 + 2 * code);
const BLOCK_SIZE_CODE_64K = 4;
const WRITTEN_BLOCK_BYTES = 1 << 16;
/** A byte of LZ4 stands for 255 bytes at most. */
const EXPANSION_MAX = 255;

/** As inflateLz4Block. */
export type InflateBlock = typeof inflateLz4Block;
/** Compresses [from, to) of `input` into `out` at `outStart`, where lz4BlockBound of it fits; returns the position after the last byte. */
export type CompressBlock = (input: Buffer, from: number, to: number, out: Buffer, outStart: number) => number;

export interface Lz4Frame {
  readonly flags: number;
  readonly blockSizeMaxBytes: number;
  /** Where the first block's length is. */
  readonly blocksStart: number;
  /** What the frame declares, -1 when it does not. */
  readonly contentBytes: number;
  /** After the end mark and the content checksum. */
  readonly end: number;
  /** No block inflates to more than its share of this; found without inflating. */
  readonly inflatedBytesMax: number;
}

/** Reads descriptor and block lengths of the one frame that `bytes` must be. `checkDescriptor` false: for message sets of magic 0, whose writers got its checksum wrong. */
export function readLz4Frame(bytes: Buffer, checkDescriptor = true): Lz4Frame {
  if (bytes.length < MAGIC_BYTES + DESCRIPTOR_BYTES_MIN) refuseCorrupt('lz4: the frame ends inside its descriptor');
  if (bytes.readUInt32LE(0) !== MAGIC) refuseCorrupt('lz4: not a frame');
  const flags = bytes[MAGIC_BYTES]!;
  if ((flags & Flag.versionMask) !== Flag.version) refuseCorrupt('lz4: unknown frame version');
  if ((flags & (Flag.reserved | Flag.dictionary)) !== 0) refuseCorrupt('lz4: reserved or dictionary flag');
  const sizeCode = (bytes[MAGIC_BYTES + 1]! >>> 4) & 7;
  if ((bytes[MAGIC_BYTES + 1]! & 0x8f) !== 0 || sizeCode < BLOCK_SIZE_CODE_64K) refuseCorrupt('lz4: unknown block size');
  const checksumAt = MAGIC_BYTES + 2 + (flags & Flag.contentSize ? CONTENT_SIZE_BYTES : 0);
  if (checksumAt >= bytes.length) refuseCorrupt('lz4: the frame ends inside its descriptor');
  if (checkDescriptor && descriptorChecksum(bytes, checksumAt) !== bytes[checksumAt]) refuseCorrupt('lz4: descriptor checksum differs');
  const contentBytes = flags & Flag.contentSize ? bytes.readUInt32LE(MAGIC_BYTES + 2) + bytes.readUInt32LE(MAGIC_BYTES + 6) * 2 ** 32 : -1;
  return walkBlocks(bytes, flags, blockSizeOf(sizeCode), checksumAt + 1, contentBytes);
}

const descriptorChecksum = (bytes: Buffer, checksumAt: number): number => (xxhash32(bytes, MAGIC_BYTES, checksumAt) >>> 8) & 0xff;

function walkBlocks(bytes: Buffer, flags: number, blockSizeMaxBytes: number, blocksStart: number, contentBytes: number): Lz4Frame {
  const blockOverheadBytes = WORD_BYTES + (flags & Flag.blockChecksum ? WORD_BYTES : 0);
  let inflatedBytesMax = 0;
  let at = blocksStart;
  for (;;) {
    if (bytes.length - at < WORD_BYTES) refuseCorrupt('lz4: the frame ends before its end mark');
    const length = bytes.readUInt32LE(at);
    if (length === 0) break;
    const size = length & ~STORED_MASK;
    if (size > blockSizeMaxBytes) refuseCorrupt('lz4: a block is larger than the frame allows');
    inflatedBytesMax += length >= STORED_MASK ? size : Math.min(size * EXPANSION_MAX, blockSizeMaxBytes);
    at += size + blockOverheadBytes;
  }
  const end = at + WORD_BYTES + (flags & Flag.contentChecksum ? WORD_BYTES : 0);
  if (end > bytes.length) refuseCorrupt('lz4: the frame ends inside its checksum');
  // Clients differ on what follows the first frame (Kafka's ignores it, others read on), so that it cannot mean anything.
  if (end < bytes.length) refuseCorrupt('lz4: bytes follow the frame');
  if (contentBytes > inflatedBytesMax) refuseCorrupt('lz4: the declared content size cannot be right');
  return { flags, blockSizeMaxBytes, blocksStart, contentBytes, end, inflatedBytesMax };
}

/** Inflates block by block, holding at most `sizeMaxBytes` of output. */
export function inflateLz4Frame(bytes: Buffer, frame: Lz4Frame, sizeMaxBytes: number, inflateBlock: InflateBlock = inflateLz4Block): Buffer {
  const room = Buffer.allocUnsafeSlow(Math.min(frame.inflatedBytesMax, sizeMaxBytes));
  let outAt = 0;
  for (let at = frame.blocksStart, length = bytes.readUInt32LE(at); length !== 0; length = bytes.readUInt32LE(at)) {
    const start = at + WORD_BYTES;
    const end = start + (length & ~STORED_MASK);
    outAt = length >= STORED_MASK ? copyStored(bytes, start, end, room, outAt) : inflateInto(bytes, start, end, room, outAt, frame, inflateBlock);
    if (outAt === -1) refuseTooLarge('lz4', sizeMaxBytes);
    at = end;
    if (frame.flags & Flag.blockChecksum) {
      if (xxhash32(bytes, start, end) !== bytes.readUInt32LE(end)) refuseCorrupt('lz4: block checksum differs');
      at += WORD_BYTES;
    }
  }
  if (frame.contentBytes !== -1 && frame.contentBytes !== outAt) refuseCorrupt('lz4: content size differs');
  if (frame.flags & Flag.contentChecksum && xxhash32(room, 0, outAt) !== bytes.readUInt32LE(frame.end - WORD_BYTES)) refuseCorrupt('lz4: content checksum differs');
  return trimmed(room, outAt);
}

/** -1 where there is no room. */
function copyStored(bytes: Buffer, start: number, end: number, room: Buffer, outAt: number): number {
  return end - start > room.length - outAt ? -1 : outAt + bytes.copy(room, outAt, start, end);
}

/** -1 where there is no room. */
function inflateInto(bytes: Buffer, start: number, end: number, room: Buffer, outAt: number, frame: Lz4Frame, inflateBlock: InflateBlock): number {
  const blockEnd = outAt + frame.blockSizeMaxBytes;
  const historyStart = frame.flags & Flag.independent ? outAt : 0;
  const inflatedEnd = inflateBlock(bytes, start, end, room, outAt, Math.min(blockEnd, room.length), historyStart);
  return inflatedEnd === -1 && blockEnd <= room.length ? refuseCorrupt('lz4: a block inflates past its size') : inflatedEnd;
}

/** A frame of independent 64 KiB blocks without checksums or content size: what Kafka's own producer writes. */
export function writeLz4Frame(bytes: Buffer, compressBlock: CompressBlock): Buffer {
  const blocks = Math.ceil(bytes.length / WRITTEN_BLOCK_BYTES);
  const out = Buffer.allocUnsafeSlow(MAGIC_BYTES + DESCRIPTOR_BYTES_MIN + WORD_BYTES + blocks * (WORD_BYTES + 16) + lz4BlockBound(bytes.length));
  out.writeUInt32LE(MAGIC, 0);
  out[MAGIC_BYTES] = Flag.version | Flag.independent;
  out[MAGIC_BYTES + 1] = BLOCK_SIZE_CODE_64K << 4;
  out[MAGIC_BYTES + 2] = descriptorChecksum(out, MAGIC_BYTES + 2);
  let outAt = MAGIC_BYTES + DESCRIPTOR_BYTES_MIN;
  for (let from = 0; from < bytes.length; from += WRITTEN_BLOCK_BYTES) {
    const to = Math.min(from + WRITTEN_BLOCK_BYTES, bytes.length);
    outAt = writeBlock(bytes, from, to, out, outAt, compressBlock);
  }
  out.writeUInt32LE(0, outAt);
  return trimmed(out, outAt + WORD_BYTES);
}

function writeBlock(bytes: Buffer, from: number, to: number, out: Buffer, outAt: number, compressBlock: CompressBlock): number {
  const start = outAt + WORD_BYTES;
  const end = compressBlock(bytes, from, to, out, start);
  if (end - start < to - from) {
    out.writeUInt32LE(end - start, outAt);
    return end;
  }
  out.writeUInt32LE(((to - from) | STORED_MASK) >>> 0, outAt);
  return start + bytes.copy(out, start, from, to);
}
