import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import exceptions from './exceptions.json' with { type: 'json' };
import { listSources, readSource, root } from './sources.ts';

/**
 * Files and functions stay small. What is longer stands in exceptions.json with its present length, and may only
 * shrink: a length that was lowered has to be lowered there too.
 */
const FILE_LINES_MAX = 500;
const FUNCTION_LINES_MAX = 70;

/** Says what grew past its allowance, and which allowances are larger than needed. */
export function compareToAllowance(found: ReadonlyMap<string, number>, allowed: Readonly<Record<string, number>>): string[] {
  const grown = [...found].filter(([name, size]) => size > (allowed[name] ?? 0)).map(([name, size]) => `${name}: ${size}, allowed ${allowed[name] ?? 'none'}`);
  const shrunk = Object.entries(allowed).filter(([name, size]) => (found.get(name) ?? 0) < size).map(([name]) => `${name}: lower it in exceptions.json to ${found.get(name) ?? 'nothing'}`);
  return [...grown, ...shrunk];
}

function longFiles(): Map<string, number> {
  const files = listSources(['src', 'native', 'scripts'], ['.ts', '.mjs', '.cc', '.h']).filter((file) => !file.includes('third_party'));
  const lengths = files.map((file) => [file, readSource(file).split('\n').length - 1] as const);
  return new Map(lengths.filter(([, length]) => length > FILE_LINES_MAX));
}

/** Long functions of src and scripts, counted by the linter, a file each. */
function longFunctions(): Map<string, number> {
  const linter = path.join(root, 'node_modules/oxlint/bin/oxlint');
  const config = path.join(root, 'test/house/size.oxlintrc.json');
  const result = spawnSync(process.execPath, [linter, '-c', config, '-f', 'json', 'src', 'scripts'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  const { diagnostics, number_of_files: fileCount } = JSON.parse(result.stdout) as { diagnostics: { filename: string }[]; number_of_files: number };
  expect(fileCount).toBeGreaterThan(20);
  const counts = new Map<string, number>();
  const written = diagnostics.filter(({ filename }) => !filename.includes('/generated/'));
  for (const { filename } of written) counts.set(filename, (counts.get(filename) ?? 0) + 1);
  return counts;
}

describe('size', () => {
  it(`files have at most ${FILE_LINES_MAX} lines`, () => {
    expect(compareToAllowance(longFiles(), exceptions.longFiles)).toEqual([]);
  });

  it(`functions have at most ${FUNCTION_LINES_MAX} lines`, () => {
    expect(compareToAllowance(longFunctions(), exceptions.longFunctions)).toEqual([]);
  });

  it('the allowance is a ratchet', () => {
    expect(compareToAllowance(new Map([['a.ts', 501]]), {})).toHaveLength(1);
    expect(compareToAllowance(new Map([['a.ts', 600]]), { 'a.ts': 599 })).toHaveLength(1);
    expect(compareToAllowance(new Map([['a.ts', 600]]), { 'a.ts': 601 })).toHaveLength(1);
    expect(compareToAllowance(new Map(), { 'a.ts': 601 })).toHaveLength(1);
    expect(compareToAllowance(new Map([['a.ts', 600]]), { 'a.ts': 600 })).toEqual([]);
  });
});
