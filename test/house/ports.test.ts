import { describe, expect, it } from 'vitest';
import { codeOnly, importsOf, listSources, readSource } from './sources.ts';

/** Rooms that meet time, chance, disk and network only through ports, so that a simulation can stand in for them. */
const PURE_FOLDERS = ['src/broker', 'src/server', 'src/metadata', 'src/client/core', 'src/storage'];
/** Behind the Disk port the real disk begins. */
const isBehindPort = (file: string): boolean => file.startsWith('src/storage/disk/');

const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/\b(setTimeout|setInterval|setImmediate)\s*\(/, 'Clock.setTimer'],
  [/\bDate\s*\.\s*now\b|\bnew\s+Date\b/, 'Clock.now'],
  [/\bperformance\s*\.\s*now\b|\bprocess\s*\.\s*hrtime\b/, 'Clock.monotonicMs'],
  [/\bMath\s*\.\s*random\b|\bcrypto\s*\.\s*random/, 'Random'],
];

function wrongUses(file: string, text: string): string[] {
  const uses = codeOnly(text)
    .split('\n')
    .flatMap((line, index) => FORBIDDEN.filter(([pattern]) => pattern.test(line)).map(([, port]) => `${file}:${index + 1} must use ${port}`));
  const modules = importsOf(text)
    .filter(({ specifier }) => specifier.startsWith('node:'))
    .map(({ specifier, line }) => `${file}:${line} must not import ${specifier}`);
  return [...uses, ...modules];
}

describe('ports', () => {
  const sources = listSources(PURE_FOLDERS, ['.ts']).filter((file) => !isBehindPort(file));

  it('are the only way out of the rooms that a simulation runs', () => {
    expect(sources.flatMap((file) => wrongUses(file, readSource(file)))).toEqual([]);
  });

  it('are missed when they are passed by', () => {
    const lines = ['setTimeout(f, 1);', 'const t = Date.now();', 'new Date()', 'Math.random()', 'performance.now()', "import fs from 'node:fs';"];
    for (const line of lines) expect(wrongUses('src/broker/a.ts', line)).toHaveLength(1);
    expect(wrongUses('src/broker/a.ts', "// Date.now()\nconst text = 'setTimeout(';")).toEqual([]);
  });
});
