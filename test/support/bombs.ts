/** A few kilobytes that stand for hundreds of megabytes, in each codec. */
import { gzipSync } from 'node:zlib';
import { xxhash32 } from '../../src/record/codecs/xxhash32.ts';

const MEBIBYTE = 2 ** 20;

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

/** Members of 16 MiB of zeros. */
export const gzipBomb = (members: number): Buffer => Buffer.concat(new Array<Buffer>(members).fill(gzipSync(Buffer.alloc(16 * MEBIBYTE))));

/** Blocks of 4 MiB: one literal, one match of its own byte, five literals; with or without a content size that is true. */
export function lz4Bomb(blocks: number, declares: boolean): Buffer {
  const blockBytes = 4 * MEBIBYTE;
  const extra = blockBytes - 1 - 5 - 4 - 15;
  const block = Buffer.concat([Buffer.from([0x1f, 0, 1, 0]), Buffer.alloc(Math.floor(extra / 255), 255), Buffer.from([extra % 255, 0x50, 0, 0, 0, 0, 0])]);
  const descriptor = Buffer.concat([Buffer.from([declares ? 0x68 : 0x60, 0x70]), declares ? Buffer.concat([word(blocks * blockBytes), word(0)]) : Buffer.alloc(0)]);
  const head = [word(0x184d2204), descriptor, Buffer.from([(xxhash32(descriptor) >>> 8) & 255])];
  return Buffer.concat([...head, ...new Array<Buffer>(blocks).fill(Buffer.concat([word(block.length), block])), word(0)]);
}

/** Repeated blocks of 128 KiB, from four bytes each; in one frame that declares no size, or in many. */
export function zstdBomb(frames: number, blocksPerFrame: number): Buffer {
  const repeated = (isLast: boolean): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUIntLE((131_072 << 3) | 2 | (isLast ? 1 : 0), 0, 3);
    return bytes;
  };
  const head = Buffer.from('28b52ffd0070', 'hex');
  const frame = Buffer.concat([head, ...new Array<Buffer>(blocksPerFrame - 1).fill(repeated(false)), repeated(true)]);
  return Buffer.concat(new Array<Buffer>(frames).fill(frame));
}

/** One literal and copies of 64 bytes behind a declared size of 512 MiB, raw and as xerial blocks of 1 MiB. */
export function snappyBlock(sizeBytes: number): Buffer {
  const size = Buffer.from([(sizeBytes & 127) | 128, ((sizeBytes >>> 7) & 127) | 128, ((sizeBytes >>> 14) & 127) | 128, ((sizeBytes >>> 21) & 127) | 128, sizeBytes >>> 28]);
  return Buffer.concat([size, Buffer.from([0, 97]), Buffer.alloc(Math.ceil((sizeBytes - 1) / 64) * 3, Buffer.from([0xfe, 1, 0]))]);
}

export function xerial(blocks: number, block: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(block.length);
  return Buffer.concat([Buffer.from('82534e41505059000000000100000001', 'hex'), ...new Array<Buffer>(blocks).fill(Buffer.concat([length, block]))]);
}
