import { getHeapStatistics } from 'node:v8';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRequestHeader } from '../../src/protocol/framing.ts';
import { ProtocolError } from '../../src/protocol/protocolError.ts';
import { Reader } from '../../src/protocol/reader.ts';
import type { Tagged } from '../../src/protocol/types.ts';
import { Writer } from '../../src/protocol/writer.ts';
import { codecOf, codecs, loadVectors } from '../protocol/support/codecs.ts';
import { defaultStruct, fieldName, isArray, isPresent, isStruct, loadSchemas, structFields } from '../protocol/support/schemas.ts';
import type { MessageSchema } from '../protocol/support/schemas.ts';

const vectors = loadVectors().map((vector) => ({ ...vector, bytes: Buffer.from(vector.hex, 'hex') }));

/** Reads hostile bytes. Anything but a clean value or a ProtocolError is a defect, and escapes. */
function attempt(message: string, version: number, buffer: Buffer, end = buffer.length, heapBytesMax?: number): ProtocolError | null {
  const reader = new Reader(buffer, 0, end, heapBytesMax);
  codecOf(message).read(reader, version);
  if (reader.position > end) throw new Error(`${message} v${version} read past its end`);
  try {
    reader.finish();
    return null;
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}

describe('hostile bytes', () => {
  it('cut short at any byte are truncated, also when more bytes lie behind', () => {
    for (const { message, v, bytes } of vectors) {
      const step = Math.max(1, Math.floor(bytes.length / 60));
      for (let cut = 0; cut < bytes.length; cut += step) {
        const code = attempt(message, v, bytes, cut)?.code;
        if (code !== 'TRUNCATED') expect.fail(`${message} v${v} cut at ${cut}: ${String(code)}`);
      }
    }
  });

  it('with something behind the message are told apart from a whole one', () => {
    for (const { message, v, bytes } of vectors) {
      const code = attempt(message, v, Buffer.concat([bytes, Buffer.from([0])]))?.code;
      if (code !== 'TRAILING_BYTES') expect.fail(`${message} v${v}: ${String(code)}`);
    }
  });

  it('with lying lengths anywhere give a value or a typed error', () => {
    const lies = ['7fffffff', '80000000', 'fffffffe', 'ffffffff0f', 'ffffffff07', '7fff', '8000', 'ffffffffffffffffffff', '00', '01', 'ff'].map((hex) => Buffer.from(hex, 'hex'));
    let refused = 0;
    for (const { message, v, bytes } of vectors) {
      const step = Math.max(1, Math.floor(bytes.length / 12));
      for (let at = 0; at < bytes.length; at += step) {
        for (const lie of lies) {
          const mutated = Buffer.concat([bytes.subarray(0, at), lie, bytes.subarray(at + lie.length)]);
          if (attempt(message, v, mutated) !== null) refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(10_000);
  });

  it('at random give a value or a typed error', () => {
    const names = [...codecs.keys()];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(20), fc.uint8Array({ maxLength: 300 }), (name, offset, bytes) => {
        const { min, max } = codecOf(name);
        attempt(name, min + (offset % (max - min + 1)), Buffer.from(bytes));
      }),
      { numRuns: 5000 },
    );
  });

  it('as a request header give a verdict', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(['ok', 'unknownApi', 'unsupportedVersion', 'malformed']).toContain(readRequestHeader(new Reader(Buffer.from(bytes))).verdict);
      }),
      { numRuns: 3000 },
    );
  });
});

function heapGrowth(action: () => void): number {
  const before = getHeapStatistics().used_heap_size;
  action();
  return getHeapStatistics().used_heap_size - before;
}

const MiB = 1024 * 1024;
const ELEMENTS = 20_000;

/** Messages whose first array of structs or strings holds very many of the smallest elements. */
function bombsOf(schema: MessageSchema): { name: string; version: number; bytes: Buffer }[] {
  const codec = codecOf(schema.name);
  const field = schema.fields.find((candidate) => isArray(candidate) && (isStruct(candidate) || candidate.type === '[]string') && isPresent(candidate, codec.max));
  if (field === undefined) return [];
  const element = isStruct(field) ? defaultStruct(schema, structFields(schema, field)) : '';
  const writer = new Writer();
  codec.write(writer, codec.make({ [fieldName(field)]: new Array<unknown>(ELEMENTS).fill(element) }), codec.max);
  return [{ name: schema.name, version: codec.max, bytes: writer.takeBuffer() }];
}

describe('memory', () => {
  it('is not taken for arrays of 2^31 elements that are not there', () => {
    const claims = [Buffer.from('7fffffff', 'hex'), Buffer.from('ffffffff07', 'hex')];
    const growth = heapGrowth(() => {
      for (const [name, { min, max }] of codecs) {
        for (let version = min; version <= max; version++) {
          for (const claim of claims) {
            for (let at = 0; at < 12; at++) attempt(name, version, Buffer.concat([Buffer.alloc(at, at % 2), claim, Buffer.alloc(40)]));
          }
        }
      }
    });
    expect(growth).toBeLessThan(128 * MiB);
  });

  it('of a message full of empty elements is foreseen, and refused above the limit', () => {
    const bombs = [...loadSchemas().values()].flatMap(bombsOf);
    expect(bombs.length).toBeGreaterThan(150);
    for (const { name, version, bytes } of bombs) {
      const growth = heapGrowth(() => expect(attempt(name, version, bytes)).toBeNull());
      const limit = Math.max(growth / 4, MiB / 4);
      expect(attempt(name, version, bytes, bytes.length, limit)?.code, `${name} v${version}, ${growth} bytes of heap`).toBe('TOO_LARGE');
    }
  });

  it('is not taken for tagged fields without end', () => {
    const section = Buffer.concat([Buffer.from('0000000000000000ffffffff0f', 'hex'), Buffer.alloc(4 * MiB)]);
    for (const [name, { max }] of codecs) expect(heapGrowth(() => attempt(name, max, section, section.length, 4 * MiB)), name).toBeLessThan(24 * MiB);
    const tags = Buffer.alloc(4 * MiB);
    tags.write('ffff3f', 0, 'hex');
    const reader = new Reader(tags, 0, tags.length, MiB);
    const owner: Tagged = {};
    reader.unknownTags(owner);
    expect(reader.failure?.code).toBe('TOO_LARGE');
    expect(owner.unknownTaggedFields!.length).toBeLessThan(10_000);
  });
});
