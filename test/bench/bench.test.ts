import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ENGINE_ROWS } from '../../bench/catalogue.ts';
import type { Results } from '../../bench/report/results.ts';

const root = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(os.tmpdir(), 'tidelog-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function bench(...args: string[]) {
  return spawnSync(process.execPath, [path.join(root, 'scripts/bench.mjs'), ...args], { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 24 });
}

describe('npm run bench', () => {
  it('runs every row of the engine in small, each with positive figures', { timeout: 240_000 }, () => {
    const { status, stdout, stderr } = bench('--quick', '--engine-only', '--json', '--results', folder);
    expect(status, stderr).toBe(0);
    const results = JSON.parse(stdout) as Results;
    // Without a compiler there is no addon: then, and only then, is a row absent.
    expect(results.skipped.filter(({ contender, reason }) => contender !== 'native' || !reason.includes('addon'))).toEqual([]);
    const absent = new Set(results.skipped.map(({ row, contender }) => `${row} ${contender}`));
    const expected = ENGINE_ROWS.flatMap((row) => row.contenders.map((contender) => `${row.name} ${contender}`)).filter((name) => !absent.has(name));
    expect(results.measurements.map(({ row, contender }) => `${row} ${contender}`)).toEqual(expected);
    for (const row of ENGINE_ROWS) {
      for (const measured of results.measurements.filter((entry) => entry.row === row.name)) {
        for (const { key } of row.figures) {
          expect(measured.figures[key]?.median, `${row.name} of ${measured.contender}: ${key}`).toBeGreaterThan(0);
        }
      }
    }
    expect(readdirSync(folder).toSorted()).toContain('latest.json');
    expect(readFileSync(path.join(folder, 'chart.svg'), 'utf8')).toContain('</svg>');
  });

  it('names what it does not understand', { timeout: 120_000 }, () => {
    const { status, stderr } = bench('--only', 'append-record');
    expect(status).toBe(1);
    expect(stderr).toContain('no row is called "append-record"');
  });
});
