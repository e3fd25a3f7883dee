import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reader } from '../../src/protocol/reader.ts';
import { Writer } from '../../src/protocol/writer.ts';

const hexOf = (write: (writer: Writer) => void): string => {
  const writer = new Writer();
  write(writer);
  return writer.takeBuffer().toString('hex');
};

describe('Writer', () => {
  it('writes what a Reader reads back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4294967295 }), fc.string({ unit: 'binary', maxLength: 100 }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.boolean(), (number, text, big, flexible) => {
        const writer = new Writer({ slabBytes: 64 });
        writer.unsignedVarint(number);
        writer.uint32(number);
        writer.int32(number | 0);
        writer.string(text, flexible);
        writer.int64(big);
        const reader = new Reader(writer.takeBuffer());
        expect([reader.unsignedVarint(), reader.uint32(), reader.int32(), reader.string(flexible), BigInt(reader.int64())]).toEqual([number, number, number | 0, text, big]);
        reader.finish();
      }),
    );
  });

  it('writes the same int64 for a number and a bigint', () => {
    for (const value of [0, 1, -1, 2 ** 32, -(2 ** 32), 2 ** 32 - 1, 123456789012, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(hexOf((writer) => writer.int64(value)), String(value)).toBe(hexOf((writer) => writer.int64(BigInt(value))));
    }
  });

  it('refuses values that their type cannot hold', () => {
    const refused: ((writer: Writer) => void)[] = [
      (writer) => writer.int8(128), (writer) => writer.int16(40000), (writer) => writer.uint16(-1), (writer) => writer.int32(2 ** 31), (writer) => writer.int32(0.5),
      (writer) => writer.int32(undefined as unknown as number), (writer) => writer.uint32(-1), (writer) => writer.int64(2 ** 53), (writer) => writer.int64(1.5),
      (writer) => writer.int64(NaN), (writer) => writer.int64(2n ** 63n), (writer) => writer.uuid('short'), (writer) => writer.uuid('!'.repeat(22)), (writer) => writer.unsignedVarint(2 ** 32),
    ];
    for (const write of refused) expect(() => hexOf(write), String(write)).toThrowError(expect.objectContaining({ name: 'ProtocolError', code: 'OUT_OF_RANGE' }));
    expect(() => hexOf((writer) => writer.string('x'.repeat(32768), true))).toThrowError(expect.objectContaining({ code: 'TOO_LARGE' }));
  });

  it('sends long records by reference and copies short ones', () => {
    const long = Buffer.alloc(600, 7);
    const short = Buffer.alloc(8, 9);
    const writer = new Writer();
    writer.int32(1);
    writer.records([short, long, long.subarray(0, 520)], false);
    writer.int8(2);
    expect(writer.length).toBe(4 + 4 + 8 + 600 + 520 + 1);
    const chunks = writer.take();
    expect(chunks.map((chunk) => chunk.length)).toEqual([16, 600, 520, 1]);
    expect(chunks[1]).toBe(long);
    expect(Buffer.concat(chunks).subarray(4, 8).readInt32BE()).toBe(1128);
    expect(hexOf((other) => other.nullableRecords(null, true))).toBe('00');
    expect(hexOf((other) => other.nullableRecords(null, false))).toBe('ffffffff');
    expect(hexOf((other) => other.records([], true))).toBe('01');
  });

  it('never touches bytes that it handed out', () => {
    const writer = new Writer({ slabBytes: 64, copyBytesMax: 10 });
    const handed: { chunk: Uint8Array; copy: Buffer }[] = [];
    for (let i = 0; i < 200; i++) {
      writer.beginFrame();
      for (let k = 0; k <= i % 30; k++) writer.int32(i);
      if (i % 3 === 0) writer.records(Buffer.alloc(20, i), true);
      writer.endFrame();
      if (i % 4 !== 0) for (const chunk of writer.take()) handed.push({ chunk, copy: Buffer.from(chunk) });
    }
    for (const { chunk, copy } of handed) expect(copy.equals(chunk)).toBe(true);
  });

  it('does not keep a large slab alive for small messages', () => {
    const writer = new Writer({ slabBytes: 128 });
    writer.bytes(Buffer.alloc(5000), false);
    expect(writer.takeBuffer().length).toBe(5004);
    writer.int8(1);
    expect(writer.takeBuffer().buffer.byteLength).toBe(128);
  });
});

/** What a list of frames should look like, and the same by a writer. */
const part = fc.oneof(fc.record({ kind: fc.constant('copy' as const), bytes: fc.uint8Array({ maxLength: 90 }) }), fc.record({ kind: fc.constant('refer' as const), bytes: fc.uint8Array({ minLength: 11, maxLength: 90 }) }));
const frame = fc.record({ parts: fc.array(part, { maxLength: 5 }), aborted: fc.boolean(), taken: fc.boolean() });

describe('frames', () => {
  it('have their length in front, whatever slabs and references they span; an aborted one leaves nothing', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.integer({ min: 64, max: 200 }), (frames, slabBytes) => {
        const writer = new Writer({ slabBytes, copyBytesMax: 10 });
        const expected: Buffer[] = [];
        const got: Uint8Array[] = [];
        for (const { parts, aborted, taken } of frames) {
          writer.beginFrame();
          for (const { kind, bytes } of parts) {
            if (kind === 'copy') writer.bytes(bytes, false);
            else writer.records(bytes, false);
          }
          const body = Buffer.concat(parts.flatMap(({ bytes }) => [int32(bytes.length), bytes]));
          if (aborted) writer.abortFrame();
          else expect(writer.endFrame()).toBe(4 + body.length);
          if (!aborted) expected.push(int32(body.length), body);
          if (taken) got.push(...writer.take());
        }
        got.push(...writer.take());
        expect(Buffer.concat(got).equals(Buffer.concat(expected))).toBe(true);
      }),
    );
  });
});

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

describe('tagged fields', () => {
  it('nest, with sizes of any number of bytes, across slabs and frames', () => {
    for (const length of [0, 1, 100, 125, 126, 127, 128, 129, 5000, 16380, 16384, 40000]) {
      for (const framed of [false, true]) {
        const writer = new Writer({ slabBytes: 64 });
        writer.int32(7);
        if (framed) writer.beginFrame();
        const outer = writer.beginTag(3);
        const inner = writer.beginTag(300);
        writer.raw(Buffer.alloc(length, 5));
        writer.endTag(inner);
        writer.int8(1);
        writer.endTag(outer);
        if (framed) writer.endFrame();
        const reader = new Reader(writer.takeBuffer(), framed ? 8 : 4);
        const outerEnd = reader.beginTag();
        expect(reader.tag).toBe(3);
        const innerEnd = reader.beginTag();
        expect([reader.tag, innerEnd - reader.position]).toEqual([300, length]);
        reader.position = innerEnd;
        expect(reader.int8()).toBe(1);
        reader.endTag(outerEnd);
        reader.finish();
      }
    }
  });
});
