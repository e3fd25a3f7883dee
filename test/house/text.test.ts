import { describe, expect, it } from 'vitest';
import { findDrift } from '../../scripts/generateConfig.mjs';
import { listSources, readSource } from './sources.ts';

const FOLDERS = ['src', 'native', 'wasm', 'scripts', 'test', 'bench', 'bin', 'config', 'docs', '.ci'];
const TOP_FILES = ['README.md', 'CHANGELOG.md', 'package.json', 'binding.gyp', 'vitest.config.ts'];
const EXTENSIONS = ['.ts', '.mjs', '.js', '.json', '.md', '.cc', '.c', '.h', '.sh', '.gyp', '.properties', '/run'];

/** The one file that has to name what no file may hold. */
const SELF = 'test/house/text.test.ts';

const LEFTOVER = /\b(TODO|FIXME|XXX)\b/;
const MACHINE_PATH = /(^|[\s"'`(=])\/(work|root|home\/[a-z0-9]+|Users\/[a-z0-9]+)\//;

function linesThatMatch(pattern: RegExp): string[] {
  const files = listSources([...FOLDERS, ...TOP_FILES], EXTENSIONS).filter((file) => file !== SELF);
  return files.flatMap((file) => readSource(file).split('\n').flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : [])));
}

describe('text', () => {
  it('holds no leftovers', () => {
    expect(linesThatMatch(LEFTOVER)).toEqual([]);
    expect(LEFTOVER.test('// TODO: later')).toBe(true);
  });

  it('holds no paths of one machine', () => {
    expect(linesThatMatch(MACHINE_PATH)).toEqual([]);
    expect(MACHINE_PATH.test("'/home/user/x'")).toBe(true);
  });

  it('that is generated from the configuration schema is current', () => {
    expect(findDrift()).toEqual([]);
  });
});
