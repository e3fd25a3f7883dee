import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader, unknownReaderProperties } from '../../src/cli/producer/lineReader.ts';
import { LineSplitter } from '../../src/cli/producer/lineSplitter.ts';

function split(chunks: readonly Buffer[], lengthMaxBytes = 1000): (string | number)[] {
  const lines: (string | number)[] = [];
  const splitter = new LineSplitter(lengthMaxBytes);
  const onLine = (line: Buffer | null, lengthBytes: number) => void lines.push(line === null ? lengthBytes : line.toString('latin1'));
  for (const chunk of chunks) splitter.push(chunk, onLine);
  splitter.end(onLine);
  return lines;
}

/** As Java's readLine. */
const expectedLines = (text: string): string[] => {
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
};

describe('lines', () => {
  it('end at \\n, \\r\\n and \\r, wherever the chunks are cut', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('a', 'b', '\n', '\r', '\r\n', 'ü'), { maxLength: 40 }), fc.array(fc.nat(40), { maxLength: 6 }), (pieces, cuts) => {
      const text = pieces.join('');
      const bytes = Buffer.from(text, 'latin1');
      const places = [...new Set(cuts.filter((cut) => cut < bytes.length))].sort((a, b) => a - b);
      const chunks = [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
      expect(split(chunks)).toEqual(expectedLines(text));
    }), { numRuns: 500 });
  });

  it('come through as bytes, also where they are no UTF-8', () => {
    expect(split([Buffer.from([0xff, 0xfe, 0x0a, 0x00, 0x0a])])).toEqual(['\xff\xfe', '\0']);
  });

  it('beyond the limit take no memory and keep their length', () => {
    const chunk = Buffer.alloc(600, 'x');
    expect(split([chunk, chunk, chunk, Buffer.from('\nshort\n')])).toEqual([1800, 'short']);
    expect(split([chunk, Buffer.alloc(400, 'y'), Buffer.from('\n')])).toHaveLength(1);
  });
});

describe('the line reader', () => {
  const read = (properties: Record<string, string>, line: string) => {
    const { key, value, headers } = new LineReader(new Map(Object.entries(properties))).parse(Buffer.from(line));
    return [key?.toString() ?? null, value?.toString() ?? null, headers.map((header) => [header.key, header.value === null ? null : Buffer.from(header.value).toString()])];
  };

  it.each([
    [{}, 'a\tb', [null, 'a\tb', []]],
    [{ 'parse.key': 'true' }, 'k\tv\tw', ['k', 'v\tw', []]],
    [{ 'parse.key': ' TRUE ', 'key.separator': '-' }, '-v', ['', 'v', []]],
    [{ 'parse.key': 'true', 'key.separator': '::' }, 'k::', ['k', '', []]],
    [{ 'parse.key': 'true', 'ignore.error': 'true' }, 'nokey', [null, 'nokey', []]],
    [{ 'parse.headers': 'true' }, 'h1:v1,h2:v2\tvalue', [null, 'value', [['h1', 'v1'], ['h2', 'v2']]]],
    [{ 'parse.headers': 'true', 'parse.key': 'true' }, 'h:v:w\tk\tv', ['k', 'v', [['h', 'v:w']]]],
    [{ 'parse.headers': 'true', 'ignore.error': 'true' }, 'h\tv', [null, 'v', [['h', null]]]],
    [{ 'parse.headers': 'true', 'headers.delimiter': '|', 'headers.separator': ';', 'headers.key.separator': '=' }, 'a=1;b=2|v', [null, 'v', [['a', '1'], ['b', '2']]]],
    [{ 'parse.key': 'true', 'null.marker': 'NULL' }, 'NULL\tNULL', [null, null, []]],
    [{ 'parse.headers': 'true', 'parse.key': 'true', 'null.marker': 'NULL' }, 'NULL\tk\tv', ['k', 'v', []]],
    [{ 'parse.headers': 'true', 'null.marker': 'NULL' }, 'h:NULL\tv', [null, 'v', [['h', null]]]],
  ] as const)('%j %j', (properties, line, parsed) => {
    expect(read(properties, line)).toEqual(parsed);
  });

  it('says which line lacks what', () => {
    const reader = new LineReader(new Map([['parse.key', 'true'], ['key.separator', '-']]));
    reader.parse(Buffer.from('a-b'));
    reader.skip();
    expect(() => reader.parse(Buffer.from('nokey'))).toThrow("No key separator found on line number 3: 'nokey'");
    const headers = new LineReader(new Map([['parse.headers', 'true'], ['null.marker', 'N']]));
    expect(() => headers.parse(Buffer.from('x\tv'))).toThrow("No header key separator found in pair 'x' on line number 1");
    expect(() => headers.parse(Buffer.from('N:x\tv'))).toThrow(/null marker/);
    expect(() => headers.parse(Buffer.from('v'))).toThrow('No headers delimiter found on line number 3');
  });

  it('refuses separators that cannot be told apart', () => {
    for (const properties of [{ 'headers.delimiter': ',' }, { 'headers.separator': ':' }, { 'null.marker': '\t' }, { 'key.separator': '' }]) {
      expect(() => new LineReader(new Map(Object.entries(properties)))).toThrow(/may not be/);
    }
    expect(unknownReaderProperties(new Map([['parse.kye', 'true'], ['zzzzzzzz', '']]))).toEqual(['The line reader has no property parse.kye. Did you mean parse.key?', 'The line reader has no property zzzzzzzz']);
  });
});
