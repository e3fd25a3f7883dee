/**
 * Bugs planted on purpose: each patch of test/planted is applied to a copy of the sources, and the histories that it names must find it, while they find nothing in the copy as it is.
 * `TIDELOG_PLANTED` chooses some by name, `TIDELOG_FUZZ_RUNS` how many histories may look for each.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../../support/brokerProcess.ts';
import { choice, count } from '../support/settings.ts';

const FOLDER = path.join(projectRoot, 'test/planted');
const COPIED = ['src', 'test', 'package.json', 'tsconfig.json', 'tsconfig.test.json', 'vitest.long.config.ts'];
const SHARED = ['node_modules', 'build', 'prebuilds', 'wasm', 'config', 'bin', 'dist', 'scripts'];
/** Every bug is found in fewer; without a bug so many find nothing. */
const HISTORIES = count(1000);
const FIRST_SEED = 20_261_121;

interface Planted {
  readonly name: string;
  readonly bug: string;
  readonly foundBy: string;
  readonly settings: Readonly<Record<string, string>>;
}

function planted(file: string): Planted {
  const text = readFileSync(path.join(FOLDER, file), 'utf8');
  const field = (name: string): string => new RegExp(`^${name}:(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const settings = field('Settings').split(/\s+/).filter((word) => word !== '').map((word) => word.split('=') as [string, string]);
  return { name: file.slice(0, -'.patch'.length), bug: field('Bug'), foundBy: field('Found by'), settings: Object.fromEntries(settings) };
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function run(program: string, words: readonly string[], cwd: string, settings: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|TIDELOG_)/.test(name)));
    const child = spawn(program, words, { cwd, env: { ...environment, NO_COLOR: '1', ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (output += piece.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

const plants = readdirSync(FOLDER).filter((file) => file.endsWith('.patch')).map(planted);
const names = choice('TIDELOG_PLANTED', plants.map(({ name }) => name));
const chosen = plants.filter(({ name }) => names.has(name));
let copy: string;

function histories({ foundBy, settings }: Pick<Planted, 'foundBy' | 'settings'>): Promise<Ended> {
  const words = [path.join(projectRoot, 'node_modules/vitest/vitest.mjs'), 'run', '--config', 'vitest.long.config.ts', foundBy];
  return run(process.execPath, words, copy, { TIDELOG_DISKS: 'memory', TIDELOG_FUZZ_RUNS: String(HISTORIES), TIDELOG_FUZZ_SEED: String(FIRST_SEED), ...settings });
}

beforeAll(() => {
  copy = mkdtempSync(path.join(tmpdir(), 'tidelog-planted-'));
  for (const name of COPIED) cpSync(path.join(projectRoot, name), path.join(copy, name), { recursive: true });
  for (const name of SHARED) if (existsSync(path.join(projectRoot, name))) symlinkSync(path.join(projectRoot, name), path.join(copy, name));
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

describe('planted bugs', () => {
  it.each([...new Set(chosen.map(({ foundBy }) => foundBy))])('are not there yet, says %s', async (foundBy) => {
    const { code, output } = await histories({ foundBy, settings: {} });
    expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
  });

  it.each(chosen)('are found: $bug ($name)', async (bug) => {
    const patch = path.join(FOLDER, `${bug.name}.patch`);
    const applied = await run('patch', ['-p1', '--fuzz=0', '--input', patch], copy);
    expect({ code: applied.code, output: applied.output }).toMatchObject({ code: 0 });
    try {
      const { code, output } = await histories(bug);
      expect({ code, output }).toMatchObject({ code: 1 });
      // A copy that does not even load finds nothing.
      const said = /AssertionError: (after \d+ histories: .*)/.exec(output)?.[1];
      expect(said, output).toBeDefined();
      process.stdout.write(`${bug.name}: ${said}\n`);
    } finally {
      await run('patch', ['-p1', '--reverse', '--input', patch], copy);
    }
  });
});
