/** Inputs that stand for hundreds of megabytes: the process that refuses them must not grow by more than a little. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { xxhash32 } from '../../src/record/codecs/xxhash32.ts';
import { BuiltPackage } from './builtWorker.ts';

const CAP_BYTES = 2 ** 20;
const MEBIBYTE = 2 ** 20;
/** Cap, compressed bytes and working memory of a library together. */
const GROWTH_MAX_BYTES = 48 * MEBIBYTE;

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

/** Members of 16 MiB of zeros. */
const gzipBomb = (): Buffer => Buffer.concat(new Array<Buffer>(32).fill(gzipSync(Buffer.alloc(16 * MEBIBYTE))));

/** Blocks of 4 MiB: one literal, one match of its own byte, five literals; with or without a content size that is true. */
function lz4Bomb(blocks: number, declares: boolean): Buffer {
  const blockBytes = 4 * MEBIBYTE;
  const extra = blockBytes - 1 - 5 - 4 - 15;
  const block = Buffer.concat([Buffer.from([0x1f, 0, 1, 0]), Buffer.alloc(Math.floor(extra / 255), 255), Buffer.from([extra % 255, 0x50, 0, 0, 0, 0, 0])]);
  const descriptor = Buffer.concat([Buffer.from([declares ? 0x68 : 0x60, 0x70]), declares ? Buffer.concat([word(blocks * blockBytes), word(0)]) : Buffer.alloc(0)]);
  const head = [word(0x184d2204), descriptor, Buffer.from([(xxhash32(descriptor) >>> 8) & 255])];
  return Buffer.concat([...head, ...new Array<Buffer>(blocks).fill(Buffer.concat([word(block.length), block])), word(0)]);
}

/** Repeated blocks of 128 KiB, from four bytes each; in one frame that declares no size, or in many. */
function zstdBomb(frames: number, blocksPerFrame: number): Buffer {
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
function snappyBlock(sizeBytes: number): Buffer {
  const size = Buffer.from([(sizeBytes & 127) | 128, ((sizeBytes >>> 7) & 127) | 128, ((sizeBytes >>> 14) & 127) | 128, ((sizeBytes >>> 21) & 127) | 128, sizeBytes >>> 28]);
  return Buffer.concat([size, Buffer.from([0, 97]), Buffer.alloc(Math.ceil((sizeBytes - 1) / 64) * 3, Buffer.from([0xfe, 1, 0]))]);
}

function xerial(blocks: number, block: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(block.length);
  return Buffer.concat([Buffer.from('82534e41505059000000000100000001', 'hex'), ...new Array<Buffer>(blocks).fill(Buffer.concat([length, block]))]);
}

const bombs: readonly (readonly [string, number, () => Buffer])[] = [
  ['gzip', 1, gzipBomb],
  ['snappy', 2, () => xerial(128, snappyBlock(MEBIBYTE))],
  ['raw snappy', 2, () => snappyBlock(256 * MEBIBYTE)],
  ['lz4', 3, () => lz4Bomb(64, false)],
  ['lz4 with its size', 3, () => lz4Bomb(64, true)],
  ['zstd', 4, () => zstdBomb(1, 4096)],
  ['zstd in many frames', 4, () => zstdBomb(4096, 1)],
];

let built: BuiltPackage;
let script: string;
beforeAll(async () => {
  built = await BuiltPackage.make();
  await built.bundle('src/record/codecs.ts', 'dist/bundle/codecs.js');
  script = join(built.root, 'inflate.mjs');
  await writeFile(
    script,
    `import { readFileSync } from 'node:fs';
     import { implementationsOf } from './dist/bundle/codecs.js';
     const [, , path, codec, implementation] = process.argv;
     const bomb = readFileSync(path);
     const reader = implementationsOf(Number(codec))[Number(implementation)];
     reader.inflate(reader.compress(Buffer.from('warm'), Number.NEGATIVE_INFINITY), 4);
     const before = process.resourceUsage().maxRSS;
     let code = 'none';
     try {
       reader.inflate(bomb, ${CAP_BYTES});
     } catch (error) {
       code = error.code;
     }
     console.log(JSON.stringify({ code, grown: (process.resourceUsage().maxRSS - before) * 1024 }));`,
  );
});
afterAll(() => built.remove());

test.each(bombs)('%s', async (name, codec, make) => {
  const path = join(built.root, name.replaceAll(' ', '-'));
  await writeFile(path, make());
  const { implementationsOf } = await import('../../src/record/codecs.ts');
  for (const [index, reader] of implementationsOf(codec as 1 | 2 | 3 | 4).entries()) {
    const { stdout } = await promisify(execFile)(process.execPath, [script, path, String(codec), String(index)], { timeout: 20_000 });
    const { code, grown } = JSON.parse(stdout) as { code: string; grown: number };
    expect(code, reader.description).toBe('TOO_LARGE');
    expect(grown, reader.description).toBeLessThan(GROWTH_MAX_BYTES);
  }
});
