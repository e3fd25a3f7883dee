import { describe, expect, it } from 'vitest';
import { findDrift } from '../../scripts/generateConfig.mjs';
import { listSources, readSource } from './sources.ts';

const FOLDERS = ['src', 'native', 'wasm', 'scripts', 'test', 'bench', 'bin', 'config', 'docs', '.ci'];
const TOP_FILES = ['README.md', 'CHANGELOG.md', 'package.json', 'binding.gyp', 'vitest.config.ts'];
const EXTENSIONS = ['.ts', '.mjs', '.js', '.json', '.md', '.cc', '.c', '.h', '.sh', '.gyp', '.properties', '/run'];

/** In pieces, so that this file does not find itself. */
const LEFTOVER = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`);
const MACHINE_PATH = new RegExp(`(^|[\\s"'\`(=])/(${['wo' + 'rk', 'ro' + 'ot', 'ho' + 'me/[a-z0-9]+', 'Us' + 'ers/[a-z0-9]+'].join('|')})/`);

function linesThatMatch(pattern: RegExp): string[] {
  return listSources([...FOLDERS, ...TOP_FILES], EXTENSIONS).flatMap((file) =>
    readSource(file).split('\n').flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : [])),
  );
}

describe('text', () => {
  it('holds no leftovers', () => {
    expect(linesThatMatch(LEFTOVER)).toEqual([]);
    expect(LEFTOVER.test(`// TO${'DO'}: later`)).toBe(true);
  });

  it('holds no paths of one machine', () => {
    expect(linesThatMatch(MACHINE_PATH)).toEqual([]);
    expect(MACHINE_PATH.test(`'/ho${'me'}/user/x'`)).toBe(true);
  });

  it('that is generated from the configuration schema is current', () => {
    expect(findDrift()).toEqual([]);
  });
});
