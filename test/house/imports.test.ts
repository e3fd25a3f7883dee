import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, listSources, readSource } from './sources.ts';

/** Rooms from the ground up; a room may import from rooms of lower ranks, and from itself. */
const RANKS: readonly (readonly string[])[] = [
  ['base'],
  ['binding', 'metrics', 'config'],
  ['record', 'net', 'http'],
  ['protocol', 'storage'],
  ['metadata'],
  ['broker', 'client', 'serde'],
  ['server', 'registry', 'streams'],
  ['node'],
  ['rest', 'connect', 'sql', 'testing'],
  ['console', 'cli'],
  ['main'],
];
const rankOf = new Map(RANKS.flatMap((rooms, rank) => rooms.map((room) => [room, rank] as const)));

const roomOf = (file: string): string => file.split('/')[1] as string;

/** Complaints about the imports of one file of src. */
function wrongImports(file: string, text: string): string[] {
  const room = roomOf(file);
  return importsOf(text).flatMap(({ specifier, line }) => {
    if (!specifier.startsWith('.')) return [];
    const target = path.posix.join(path.posix.dirname(file), specifier);
    const targetRoom = roomOf(target);
    if (!target.startsWith('src/')) return [`${file}:${line} leaves src: ${specifier}`];
    if (!/\.(ts|json)$/.test(specifier)) return [`${file}:${line} imports ${specifier} without .ts`];
    if (targetRoom === room) return [];
    const isBelow = (rankOf.get(targetRoom) ?? Infinity) < (rankOf.get(room) ?? -1);
    return isBelow ? [] : [`${file}:${line} (${room}) must not import ${specifier} (${targetRoom})`];
  });
}

const sources = listSources(['src'], ['.ts']);

describe('imports', () => {
  it('sees the project', () => {
    expect(sources.length).toBeGreaterThan(20);
  });

  it('knows every room', () => {
    expect([...new Set(sources.map(roomOf))].filter((room) => !rankOf.has(room))).toEqual([]);
  });

  it('go one way between rooms', () => {
    expect(sources.flatMap((file) => wrongImports(file, readSource(file)))).toEqual([]);
  });

  it('of storage never name the protocol, so that the engine stays usable alone', () => {
    const named = sources.filter((file) => roomOf(file) === 'storage' && importsOf(readSource(file)).some(({ specifier }) => specifier.includes('/protocol/')));
    expect(named).toEqual([]);
  });

  it('are caught when they go the other way, in every form', () => {
    const forms = ["import { a } from '../broker/a.ts';", "import type {\n  A,\n} from '../broker/a.ts';", "export * from '../broker/a.ts';", "const a = await import('../broker/a.ts');", "import '../broker/a.ts';"];
    for (const form of forms) expect(wrongImports('src/storage/log.ts', form)).toHaveLength(1);
    expect(wrongImports('src/storage/log.ts', "import { a } from '../protocol/a.ts';")).toHaveLength(1);
    expect(wrongImports('src/storage/log.ts', "import { a } from '../base/a.ts';")).toEqual([]);
    expect(wrongImports('src/storage/disk/log.ts', "import { a } from '../log.ts';")).toEqual([]);
    expect(wrongImports('src/storage/log.ts', "// import { a } from '../broker/a.ts';")).toEqual([]);
  });
});
