import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Codec } from '../../src/record/batchHeader.ts';
import { CODEC_NAMES, DEFAULT_LEVEL, compress, implementationsOf, inflate } from '../../src/record/codecs.ts';
import { inflateLegacyLz4, plainLz4 } from '../../src/record/codecs/lz4.ts';
import { inflateLz4Block } from '../../src/record/codecs/lz4Block.ts';
import { xxhash32 } from '../../src/record/codecs/xxhash32.ts';
import { RecordError } from '../../src/record/recordError.ts';

const CAP = 4 * 2 ** 20;
const CODECS = [Codec.gzip, Codec.snappy, Codec.lz4, Codec.zstd] as const;

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof RecordError) return error.code;
    throw error;
  }
  return 'none';
};

/** Compressible in parts, as records are: words, runs, noise. */
const payload = fc
  .array(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.tuple(fc.constantFrom('topic', 'key-', '{"a":1}', '\0', 'ab'), fc.nat(3000)).map(([word, times]) => Buffer.from(word.repeat(times)))), { maxLength: 12 })
  .map((pieces) => Buffer.concat(pieces));

describe.each(CODECS.map((codec) => [CODEC_NAMES[codec], codec] as const))('%s', (name, codec) => {
  const implementations = implementationsOf(codec);

  test('has every implementation that this machine allows', () => {
    expect(implementations.length).toBeGreaterThan(0);
    expect(implementations.length).toBe({ [Codec.gzip]: 1, [Codec.snappy]: 2, [Codec.lz4]: 3, [Codec.zstd]: 'zstdCompressSync' in zlib ? 2 : 1 }[codec]);
  });

  test('every implementation reads what every other one writes', () => {
    fc.assert(
      fc.property(payload, (bytes) => {
        for (const writer of implementations) {
          const compressed = writer.compress(bytes, DEFAULT_LEVEL);
          for (const reader of implementations) expect(reader.inflate(compressed, CAP).equals(bytes)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a megabyte of mixed bytes comes back', () => {
    const bytes = Buffer.alloc(1_000_003);
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = at % 7 === 0 ? Math.imul(at, 2654435761) >>> 24 : at >>> 9;
    for (const writer of implementations) {
      const compressed = writer.compress(bytes, DEFAULT_LEVEL);
      for (const reader of implementations) expect(reader.inflate(compressed, bytes.length).equals(bytes)).toBe(true);
    }
  });

  test('a bomb stays under the cap', () => {
    const bomb = compress(codec, Buffer.alloc(16 * 2 ** 20));
    expect(bomb.length).toBeLessThan(codec === Codec.snappy ? 2 ** 20 : 2 ** 17);
    for (const reader of implementations) {
      expect(codeOf(() => reader.inflate(bomb, 2 ** 20))).toBe('TOO_LARGE');
      expect(codeOf(() => reader.inflate(bomb, 0))).toBe('TOO_LARGE');
      expect(reader.inflate(bomb, 16 * 2 ** 20).length).toBe(16 * 2 ** 20);
    }
  });

  test('the cap is exact', () => {
    fc.assert(
      fc.property(payload.filter((bytes) => bytes.length > 0), (bytes) => {
        const compressed = compress(codec, bytes);
        for (const reader of implementations) {
          expect(reader.inflate(compressed, bytes.length).length).toBe(bytes.length);
          expect(codeOf(() => reader.inflate(compressed, bytes.length - 1))).toBe('TOO_LARGE');
        }
      }),
      { numRuns: 60 },
    );
  });

  test('damage gives a typed error or bytes under the cap, in every implementation', () => {
    fc.assert(
      fc.property(payload, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 3 }), fc.nat(), (bytes, flips, cut) => {
        const compressed = Buffer.from(compress(codec, bytes));
        for (const [at, mask] of flips) compressed[at % compressed.length]! ^= mask;
        const damaged = compressed.subarray(0, compressed.length - (cut % 3 === 0 ? cut % compressed.length : 0));
        for (const reader of implementations) {
          try {
            expect(reader.inflate(damaged, 2 ** 17).length).toBeLessThanOrEqual(2 ** 17);
          } catch (error) {
            expect(error).toBeInstanceOf(RecordError);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('noise is refused or stays under the cap', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        for (const reader of implementations) {
          try {
            expect(reader.inflate(noise, 2 ** 16).length).toBeLessThanOrEqual(2 ** 16);
          } catch (error) {
            expect(error).toBeInstanceOf(RecordError);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('every truncation is refused', () => {
    const compressed = compress(codec, Buffer.from(`${name} `.repeat(2000)));
    for (const reader of implementations) {
      for (let length = 1; length < compressed.length; length += Math.max(1, compressed.length >> 8)) {
        // Snappy's framing has no end: a cut between blocks (here after the header) is not seen.
        if (codec === Codec.snappy && length === 16) continue;
        expect(codeOf(() => reader.inflate(compressed.subarray(0, length), CAP)), `${length} bytes`).toBe('CORRUPT_COMPRESSION');
      }
    }
  });
});

test('codecs that Kafka does not know are refused', () => {
  expect(codeOf(() => inflate(5, Buffer.alloc(1), 1))).toBe('UNSUPPORTED_COMPRESSION');
  expect(codeOf(() => inflate(0, Buffer.alloc(1), 1))).toBe('UNSUPPORTED_COMPRESSION');
});

test('levels change the size and not the content', () => {
  const text = Buffer.from(Array.from({ length: 4000 }, (_, index) => `user ${(index * 7919) % 977} saw page ${(index * 31) % 53}`).join('\n'));
  for (const [codec, levels] of [[Codec.gzip, [1, 9]], [Codec.lz4, [1, 4, 12, 17]], [Codec.zstd, [-5, 1, 3, 19]]] as const) {
    const sizes = levels.map((level) => {
      const compressed = compress(codec, text, level);
      for (const reader of implementationsOf(codec)) expect(reader.inflate(compressed, text.length).equals(text)).toBe(true);
      return compressed.length;
    });
    expect(sizes.at(-1)).toBeLessThan(sizes[0]!);
  }
});

describe('gzip', () => {
  test('members follow one another', () => {
    expect(inflate(Codec.gzip, Buffer.concat([zlib.gzipSync('one'), zlib.gzipSync('two')]), 6).toString()).toBe('onetwo');
  });
});

describe('xxh32', () => {
  test('agrees with published values', () => {
    expect(xxhash32(Buffer.from(''))).toBe(0x02cc5d05);
    expect(xxhash32(Buffer.from('a'))).toBe(0x550d7456);
    expect(xxhash32(Buffer.from('abc'))).toBe(0x32d153ff);
    expect(xxhash32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f);
  });
});

describe('lz4 frames', () => {
  const hello = Buffer.from('hello hello hello hello hello hello hello');
  /** A frame by hand: flags, blocks as [bytes, stored], the trailer's bytes. */
  const frameOf = (flags: number, blocks: readonly (readonly [Buffer, boolean])[], content: Buffer, contentSize = content.length): Buffer => {
    const descriptor = Buffer.alloc(flags & 0x08 ? 10 : 2);
    descriptor[0] = flags;
    descriptor[1] = 0x40;
    if (flags & 0x08) descriptor.writeUInt32LE(contentSize, 2);
    const word = (value: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value >>> 0);
      return bytes;
    };
    const pieces = [word(0x184d2204), descriptor, Buffer.from([(xxhash32(descriptor) >>> 8) & 0xff])];
    for (const [block, isStored] of blocks) {
      pieces.push(word(isStored ? block.length | 0x80000000 : block.length), block);
      if (flags & 0x10) pieces.push(word(xxhash32(block)));
    }
    pieces.push(word(0));
    if (flags & 0x04) pieces.push(word(xxhash32(content)));
    return Buffer.concat(pieces);
  };
  // Five literals, then a match of ten bytes five back, then five literals.
  const block = Buffer.from([0x56, ...Buffer.from('abcde'), 5, 0, 0x50, ...Buffer.from('vwxyz')]);
  const content = Buffer.from('abcdeabcdeabcdevwxyz');
  // Nothing but a match of ten bytes twenty back, into the block before, then five literals.
  const linked = Buffer.from([0x06, 20, 0, 0x50, ...Buffer.from('12345')]);
  const readers = implementationsOf(Codec.lz4);

  test.each([0x60, 0x64, 0x68, 0x70, 0x7c])('with flags %i are read', (flags) => {
    const frame = frameOf(flags, [[block, false], [hello, true]], Buffer.concat([content, hello]));
    for (const reader of readers) expect(reader.inflate(frame, 1000).toString()).toBe(`${content.toString()}${hello.toString()}`);
  });

  test('with linked blocks are read, also under a tight cap', () => {
    const frame = frameOf(0x44, [[block, false], [linked, false]], Buffer.from(`${content.toString()}abcdeabcde12345`));
    for (const reader of readers) {
      for (const cap of [35, 2 ** 20]) expect(reader.inflate(frame, cap).toString()).toBe('abcdeabcdeabcdevwxyzabcdeabcde12345');
      expect(codeOf(() => reader.inflate(frame, 34))).toBe('TOO_LARGE');
    }
  });

  test('whose independent blocks reach back are refused', () => {
    const frame = frameOf(0x60, [[block, false], [linked, false]], content);
    for (const reader of readers) expect(codeOf(() => reader.inflate(frame, 1000))).toBe('CORRUPT_COMPRESSION');
  });

  test.each([
    ['block checksum', 0x70, (frame: Buffer) => frame.length - 5],
    ['content checksum', 0x64, (frame: Buffer) => frame.length - 1],
    ['content size', 0x68, () => 6],
    ['descriptor checksum', 0x60, () => 6],
    ['version', 0x60, () => 4],
  ])('with a wrong %s are refused', (_, flags, placeOf) => {
    const frame = frameOf(flags, [[block, false]], content);
    frame[placeOf(frame)]! ^= 0x80;
    for (const reader of readers) expect(codeOf(() => reader.inflate(frame, 1000))).toBe('CORRUPT_COMPRESSION');
  });

  test('with bytes after them, or a second frame, are refused', () => {
    const frame = frameOf(0x60, [[block, false]], content);
    for (const reader of readers) expect(codeOf(() => reader.inflate(Buffer.concat([frame, frame]), 1000))).toBe('CORRUPT_COMPRESSION');
  });

  test('of old messages may have a wrong descriptor checksum', () => {
    const frame = frameOf(0x60, [[block, false]], content);
    frame[6]! ^= 0xff;
    expect(inflateLegacyLz4(frame, 1000).equals(content)).toBe(true);
  });

  test('are written as Kafka demands: version 1, independent blocks, no dictionary', () => {
    for (const writer of readers) expect(writer.compress(content, DEFAULT_LEVEL)[4]! & 0xe3).toBe(0x60);
    expect(plainLz4.compress(content, DEFAULT_LEVEL).subarray(0, 7).toString('hex')).toBe('04224d18604082');
  });

  test('blocks that lie about lengths are refused', () => {
    const out = Buffer.alloc(100);
    for (const bytes of [[0xf0], [0xf0, 255], [0x50, 1], [0x10, 65, 1], [0x1f, 65, 1, 0], [0x10, 65, 0, 0, 0x10, 65], []]) {
      expect(codeOf(() => inflateLz4Block(Buffer.from(bytes), 0, bytes.length, out, 0, 100, 0)), bytes.join()).toBe('CORRUPT_COMPRESSION');
    }
  });
});

describe('snappy', () => {
  const readers = implementationsOf(Codec.snappy);
  const raw = Buffer.from([5, 4 << 2, ...Buffer.from('hello')]);
  const header = Buffer.from('82534e4150505900000000010000000100000007', 'hex');

  test('raw blocks are read', () => {
    for (const reader of readers) expect(reader.inflate(raw, 5).toString()).toBe('hello');
  });

  test('xerial framing is read, also where a second stream follows', () => {
    const framed = Buffer.concat([header, raw]);
    for (const reader of readers) {
      expect(reader.inflate(framed, 5).toString()).toBe('hello');
      expect(reader.inflate(Buffer.concat([framed, framed]), 10).toString()).toBe('hellohello');
    }
  });

  test('xerial framing is written with blocks of 32 KiB', () => {
    for (const writer of readers) {
      const framed = writer.compress(Buffer.alloc(40_000), DEFAULT_LEVEL);
      expect(framed.subarray(0, 16).equals(header.subarray(0, 16))).toBe(true);
      const second = 20 + framed.readInt32BE(16);
      expect(framed.readInt32BE(second) + second + 4).toBe(framed.length);
    }
  });

  test('a declared size that cannot be right is refused before memory is taken', () => {
    for (const reader of readers) expect(codeOf(() => reader.inflate(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]), 2 ** 40))).toBe('CORRUPT_COMPRESSION');
  });

  test('a block shorter or longer than it says is refused', () => {
    for (const size of [4, 6]) {
      for (const reader of readers) expect(codeOf(() => reader.inflate(Buffer.from([size, 4 << 2, ...Buffer.from('hello')]), 10))).toBe('CORRUPT_COMPRESSION');
    }
  });
});

describe('zstd', () => {
  const readers = implementationsOf(Codec.zstd);
  const frame = compress(Codec.zstd, Buffer.from('hello'));

  test('frames follow one another, skippable ones say nothing', () => {
    const skippable = Buffer.from('532a4d18030000000102ff', 'hex');
    for (const reader of readers) {
      expect(reader.inflate(Buffer.concat([frame, skippable, frame]), 10).toString()).toBe('hellohello');
      expect(codeOf(() => reader.inflate(Buffer.concat([frame, frame]), 9))).toBe('TOO_LARGE');
    }
  });

  test('a frame without a content size is read, and capped', () => {
    // Window of 1 KiB, one raw block of five bytes; then one repeated block of 1000.
    const streamed = Buffer.from(`28b52ffd0000290000${Buffer.from('hello').toString('hex')}`, 'hex');
    const repeated = Buffer.from('28b52ffd0000431f0061', 'hex');
    for (const reader of readers) {
      expect(reader.inflate(streamed, 5).toString()).toBe('hello');
      expect(codeOf(() => reader.inflate(streamed, 4))).toBe('TOO_LARGE');
      expect(reader.inflate(repeated, 1000).toString()).toBe('a'.repeat(1000));
      expect(codeOf(() => reader.inflate(repeated, 999))).toBe('TOO_LARGE');
    }
  });

  test('a declared size past what the blocks could hold is refused', () => {
    const lying = Buffer.from('28b52ffde0ffffffffffff0f00290000', 'hex');
    for (const reader of readers) expect(codeOf(() => reader.inflate(Buffer.concat([lying, Buffer.from('hello')]), 2 ** 30))).toBe('CORRUPT_COMPRESSION');
  });

  test('memory is given back after a large batch, and the codec goes on', () => {
    const large = compress(Codec.zstd, Buffer.alloc(48 * 2 ** 20));
    for (const reader of readers) {
      expect(reader.inflate(large, 48 * 2 ** 20).length).toBe(48 * 2 ** 20);
      expect(reader.inflate(frame, 5).toString()).toBe('hello');
    }
  });
});
