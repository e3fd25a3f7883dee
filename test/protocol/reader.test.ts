import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/protocol/protocolError.ts';
import { readConsumerGroupMemberMetadataValue, writeConsumerGroupMemberMetadataValue } from '../../src/protocol/generated/records/consumerGroupMemberMetadata.ts';
import { Reader } from '../../src/protocol/reader.ts';
import { zeroUuid } from '../../src/protocol/types.ts';
import { Writer } from '../../src/protocol/writer.ts';

const of = (hex: string): Reader => new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('Reader', () => {
  it('reads integers at their edges', () => {
    const reader = of('80 7f 8000 7fff ffff 80000000 7fffffff ffffffff 01 00 02');
    expect([reader.int8(), reader.int8(), reader.int16(), reader.int16(), reader.uint16()]).toEqual([-128, 127, -32768, 32767, 65535]);
    expect([reader.int32(), reader.int32(), reader.uint32()]).toEqual([-2147483648, 2147483647, 4294967295]);
    expect([reader.boolean(), reader.boolean(), reader.boolean()]).toEqual([true, false, true]);
    reader.finish();
  });

  it('yields an int64 as a number when it is safe, else as a bigint', () => {
    const values = [0n, 1n, -1n, 2n ** 32n, -(2n ** 32n), 2n ** 53n - 1n, 2n ** 53n, 1n - 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)];
    const buffer = Buffer.alloc(values.length * 8);
    values.forEach((value, i) => buffer.writeBigInt64BE(value, i * 8));
    const reader = new Reader(buffer);
    for (const value of values) expect(reader.int64()).toBe(Number.isSafeInteger(Number(value)) ? Number(value) : value);
  });

  it('reads varints up to 32 bits, also with needless bytes, and refuses longer ones', () => {
    const reader = of('00 7f 8001 ffffffff0f 8000');
    expect(Array.from({ length: 5 }, () => reader.unsignedVarint())).toEqual([0, 127, 128, 4294967295, 0]);
    for (const hex of ['ffffffff1f', 'ffffffffff01', '808080808001']) {
      const refused = of(hex);
      expect(refused.unsignedVarint()).toBe(0);
      expect(refused.failure?.code).toBe('INVALID_LENGTH');
    }
    const cut = of('8080');
    cut.unsignedVarint();
    expect(cut.failure?.code).toBe('TRUNCATED');
  });

  it('reads strings of every length, in both encodings, as UTF-8', () => {
    for (const text of ['', 'a', 'topic', 'x'.repeat(48), 'x'.repeat(49), 'x'.repeat(32767), 'é', '中', '😀', `${'y'.repeat(46)}😀`]) {
      const bytes = Buffer.from(text);
      const classic = Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
      expect(new Reader(classic).string(false)).toBe(text);
      expect(new Reader(classic).nullableString(false)).toBe(text);
    }
    expect(of('00').nullableString(true)).toBeNull();
    expect(of('ffff').nullableString(false)).toBeNull();
    expect(of('01').string(true)).toBe('');
  });

  it('does not take one short string for another', () => {
    const texts = ['é', 'Ã©', 'abc', 'abd', 'aXc', 'a\u0000c', '\ufffd', 'topic-0000-x', 'topic-1000-x'].flatMap((text) => [Buffer.from(text), Buffer.from(text, 'latin1')]);
    for (let round = 0; round < 3; round++) {
      for (const bytes of texts) {
        const reader = new Reader(Buffer.concat([Buffer.from([bytes.length + 1]), bytes]));
        expect(reader.string(true)).toBe(bytes.toString('utf8'));
      }
    }
  });

  it('refuses strings and bytes with impossible lengths', () => {
    expect(failureOf('fffe', (reader) => reader.nullableString(false))).toBe('INVALID_LENGTH');
    expect(failureOf('ffff', (reader) => reader.string(false))).toBe('UNEXPECTED_NULL');
    expect(failureOf('00', (reader) => reader.string(true))).toBe('UNEXPECTED_NULL');
    expect(failureOf('818002', (reader) => reader.string(true))).toBe('INVALID_LENGTH');
    expect(failureOf('0005 6162', (reader) => reader.string(false))).toBe('TRUNCATED');
    expect(failureOf('fffffffe', (reader) => reader.nullableBytes(false))).toBe('INVALID_LENGTH');
    expect(failureOf('ffffffff', (reader) => reader.bytes(false))).toBe('UNEXPECTED_NULL');
    expect(failureOf('7fffffff', (reader) => reader.bytes(false))).toBe('TRUNCATED');
    expect(failureOf('ffffffff0f', (reader) => reader.bytes(true))).toBe('INVALID_LENGTH');
  });

  it('refuses arrays that cannot be in the bytes that are left, or would cost too much', () => {
    expect(failureOf('7fffffff 00000000', (reader) => reader.int32Array(false))).toBe('TRUNCATED');
    expect(failureOf('80000000', (reader) => reader.int32Array(false))).toBe('INVALID_LENGTH');
    expect(failureOf('ffffffff', (reader) => reader.int32Array(false))).toBe('UNEXPECTED_NULL');
    expect(of('ffffffff').nullableInt32Array(false)).toBeNull();
    expect(of('00').nullableStringArray(true)).toBeNull();
    expect(of('00000002 00000001 ffffffff').int32Array(false)).toEqual([1, -1]);
    const small = new Reader(Buffer.from('0000000401020304', 'hex'), 0, 8, 16);
    expect(small.int8Array(false)).toEqual([]);
    expect(small.failure?.code).toBe('TOO_LARGE');
  });

  it('hands out views, not copies', () => {
    const buffer = Buffer.from('00000002abcd', 'hex');
    const view = new Reader(buffer).bytes(false);
    buffer[5] = 0xee;
    expect(view.toString('hex')).toBe('abee');
    expect(view.buffer).toBe(buffer.buffer);
  });

  it('reads ids, the zero id as the shared constant', () => {
    expect(of('00'.repeat(16)).uuid()).toBe(zeroUuid);
    expect(of('f36b8969cf5fda25a4949472eacc35a3').uuid()).toBe('82uJac9f2iWklJRy6sw1ow');
    expect(of('00'.repeat(15)).uuid()).toBe(zeroUuid);
  });

  it('keeps to the first failure and yields nothing after it', () => {
    const reader = of('0001');
    reader.int8();
    expect(reader.int32()).toBe(0);
    const first = reader.failure;
    expect(first).toMatchObject({ code: 'TRUNCATED', position: 1 });
    expect([reader.int8(), reader.int64(), reader.string(true), reader.nullableBytes(false)?.length, reader.boolean(), reader.stringArray(true)]).toEqual([0, 0, '', 0, false, []]);
    expect(reader.structPresent()).toBe(false);
    expect(reader.failure).toBe(first);
    expect(() => reader.finish()).toThrowError(ProtocolError);
  });

  it('stays inside its range', () => {
    const reader = new Reader(Buffer.from('0102030405', 'hex'), 1, 3);
    expect(reader.int16()).toBe(0x0203);
    expect(reader.int8()).toBe(0);
    expect(reader.failure?.code).toBe('TRUNCATED');
    expect(reader.reset(Buffer.from('07', 'hex')).int8()).toBe(7);
    reader.finish();
  });

  it('takes a nullable struct behind a tag as Apache Kafka writes it', () => {
    const record = (tags: string) => readConsumerGroupMemberMetadataValue(of(`010101010101ffffffff01 ${tags}`), 0).classicMemberMetadata;
    expect(record('01 00 01 00')).toBeNull();
    expect(record('01 00 0a 01 00000007 02 02 78 01 00 00')).toEqual({ sessionTimeoutMs: 7, supportedProtocols: [{ name: 'x', metadata: Buffer.alloc(0) }] });
    const writer = new Writer();
    writeConsumerGroupMemberMetadataValue(writer, readConsumerGroupMemberMetadataValue(of('010101010101ffffffff01 01 00 01 00'), 0), 0);
    expect(writer.takeBuffer().toString('hex')).toBe('010101010101ffffffff0101000100');
  });

  it('flags bytes that are left over unless told otherwise', () => {
    const reader = of('0102');
    reader.int8();
    reader.finish(true);
    expect(() => reader.finish()).toThrowError(expect.objectContaining({ code: 'TRAILING_BYTES' }));
  });
});

function failureOf(hex: string, read: (reader: Reader) => unknown): string | undefined {
  const reader = of(hex);
  read(reader);
  return reader.failure?.code;
}
