import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, parseOverride, parseProperties, readPropertiesFile } from '../../src/config/index.ts';

const parse = (text: string) => parseProperties(text, 'f').map(({ key, value }) => [key, value]);

describe('properties', () => {
  it.each([
    ['a=b', [['a', 'b']]],
    ['a:b', [['a', 'b']]],
    ['a b', [['a', 'b']]],
    ['  a \t=  b c ', [['a', 'b c ']]],
    ['a==b', [['a', '=b']]],
    ['a', [['a', '']]],
    ['a=', [['a', '']]],
    ['# c\n! d\n\n   # e\na=b', [['a', 'b']]],
    ['a=1,\\\n   2,\\\n   3', [['a', '1,2,3']]],
    ['a=b\\\\\nc=d', [['a', 'b\\'], ['c', 'd']]],
    ['a=1\\\n# 2', [['a', '1# 2']]],
    ['a\\ b\\=c=d', [['a b=c', 'd']]],
    ['a=\\u00e9\\t\\x', [['a', 'é\tx']]],
    ['a=ä', [['a', 'ä']]],
    ['a=1\r\nb=2\rc=3', [['a', '1'], ['b', '2'], ['c', '3']]],
    ['\uFEFFa=1', [['a', '1']]],
    ['a=b\\', [['a', 'b']]],
    ['listeners=PLAINTEXT://:9092', [['listeners', 'PLAINTEXT://:9092']]],
  ])('reads %j', (text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  it('says where an entry begins', () => {
    expect(parseProperties('# x\na=1\\\n2\nb=3', 'server.properties').map(({ origin }) => origin)).toEqual(['server.properties:2', 'server.properties:4']);
  });

  it('refuses a broken unicode escape with its line', () => {
    expect(() => parseProperties('a=1\nb=\\u12', 'f')).toThrow(/f:2.*four hexadecimal digits/);
  });

  it('reads back any text that is escaped', () => {
    const escape = (text: string) => [...text].map((character) => (/[\w.]/.test(character) ? character : [...Array(character.length).keys()].map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''))).join('');
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), fc.string({ unit: 'binary' }), (key, value) => {
        expect(parse(`${escape(key)} = ${escape(value)}`)).toEqual([[key, value]]);
      }),
    );
  });

  it('never fails with anything but a ConfigError', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('\\', 'u', '=', ' ', '\n', '#', 'a', '0') }), (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
    );
  });
});

describe('a file', () => {
  it('that is missing, or a folder, is named', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'tidelog-config-'));
    try {
      writeFileSync(path.join(folder, 'a.properties'), 'node.id=3\n');
      expect(readPropertiesFile(path.join(folder, 'a.properties'))).toEqual([{ key: 'node.id', value: '3', origin: 'a.properties:1' }]);
      expect(() => readPropertiesFile(path.join(folder, 'b.properties'))).toThrow(/b\.properties: no such file/);
      expect(() => readPropertiesFile(folder)).toThrow(/is a folder/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('override', () => {
  it('takes the value as it is', () => {
    expect(parseOverride('log.dirs=/a=b\\c')).toEqual({ key: 'log.dirs', value: '/a=b\\c', origin: '--override' });
    expect(parseOverride('a=')).toMatchObject({ key: 'a', value: '' });
  });

  it.each(['a', '=b', ''])('refuses %j', (argument) => {
    expect(() => parseOverride(argument)).toThrow(/key=value/);
  });
});
