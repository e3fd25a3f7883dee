/**
 * `npm test -- [vitest arguments]`: sets up, runs the tests, ends with the line `N passed, N failed`.
 * `--interop` runs test/interop (real clients) instead; with `--smoke` its smoke tests, none of which may be skipped.
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
  const isSmoke = allArgs.includes('--smoke');
  const args = allArgs.filter((arg) => arg !== '--interop' && arg !== '--smoke');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tidelog-test-'));
  try {
    const report = path.join(folder, 'report.json');
    const config = isInterop ? ['--config', 'vitest.interop.config.ts'] : [];
    const vitest = [path.join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...config, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const env = { ...process.env, TIDELOG_INTEROP: isSmoke ? 'smoke' : 'all' };
    const result = spawnSync(process.execPath, [...vitest, ...args], { cwd: root, stdio: 'inherit', env });
    return summarise(report, result.status ?? 1, isSmoke);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Prints the closing line; returns the exit code. A file that could not be loaded counts as one failure. */
function summarise(reportFile, status, isSmoke) {
  const report = readReport(reportFile);
  if (!report) {
    console.log('0 passed, 1 failed');
    return 1;
  }
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')).length;
  const failed = report.numFailedTests + unloaded;
  const skipped = report.numPendingTests + report.numTodoTests;
  let isSmokeWhole = true;
  if (isSmoke && (skipped > 0 || report.numPassedTests === 0)) {
    console.log(skipped > 0 ? `smoke tests may not be skipped, and ${skipped} were` : 'no smoke test ran');
    isSmokeWhole = false;
  }
  if (skipped > 0) console.log(`${skipped} skipped`);
  console.log(`${report.numPassedTests} passed, ${failed} failed`);
  return status === 0 && failed === 0 && isSmokeWhole ? 0 : 1;
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
