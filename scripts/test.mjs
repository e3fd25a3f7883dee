/**
 * `npm test -- [vitest arguments]`: sets up, runs the tests, ends with the line `N passed, N failed`.
 * `--interop` runs test/interop (real clients) instead; with `--smoke` its smoke tests, none of which may be skipped.
 * `npm run test:long`: thousands of random histories and planted bugs instead (test/long).
 * `TIDELOG_CORE=wasm npm test` (or `portable`) runs everything without the native addon.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setUp } from './setup.mjs';
import { root } from './setup/stamps.mjs';

const core = await setUp();
console.log(core);
process.exit(runTests(process.argv.slice(2)));

function runTests(allArgs) {
  const isInterop = allArgs.includes('--interop');
  const isLong = allArgs.includes('--long');
  const isSmoke = allArgs.includes('--smoke');
  const args = allArgs.filter((arg) => !['--interop', '--long', '--smoke'].includes(arg));
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tidelog-test-'));
  try {
    const countsFile = path.join(folder, 'counts.json');
    const config = isInterop ? ['--config', 'vitest.interop.config.ts'] : isLong ? ['--config', 'vitest.long.config.ts'] : [];
    const reporters = ['--reporter=default', `--reporter=${path.join(root, 'scripts/setup/countReporter.mjs')}`];
    const vitest = [path.join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...config, ...reporters, ...args];
    const env = { ...process.env, TIDELOG_INTEROP: isSmoke ? 'smoke' : 'all', TIDELOG_TEST_COUNTS: countsFile };
    const result = spawnSync(process.execPath, vitest, { cwd: root, stdio: 'inherit', env });
    return summarise(readCounts(countsFile), result.status ?? 1, isSmoke);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Prints the closing line; returns the exit code. */
function summarise({ passed, failed, skipped, unsteady = [] }, status, isSmoke) {
  const isWhole = !isSmoke || (passed > 0 && skipped === 0);
  if (!isWhole) console.log(passed === 0 ? 'no smoke test ran' : 'smoke tests may not be skipped');
  for (const failure of unsteady) console.log(`passed only when tried again: ${failure}\n`);
  if (skipped > 0) console.log(`${skipped} skipped`);
  console.log(`${passed} passed, ${failed} failed`);
  return status === 0 && failed === 0 && isWhole ? 0 : 1;
}

/** A run that ended without counts is one failure. */
function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
