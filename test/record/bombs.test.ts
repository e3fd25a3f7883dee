/** Inputs that stand for hundreds of megabytes: the process that refuses them must not grow by more than a little. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gzipBomb, lz4Bomb, snappyBlock, xerial, zstdBomb } from '../support/bombs.ts';
import { BuiltPackage } from './builtWorker.ts';

const CAP_BYTES = 2 ** 20;
const MEBIBYTE = 2 ** 20;
/** Cap, compressed bytes and working memory of a library together. */
const GROWTH_MAX_BYTES = 48 * MEBIBYTE;

const bombs: readonly (readonly [string, number, () => Buffer])[] = [
  ['gzip', 1, () => gzipBomb(32)],
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
