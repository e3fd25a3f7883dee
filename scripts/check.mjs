/** `npm run check`: everything that is cheap to prove. Runs all of it, then says what failed. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setUp } from './setup.mjs';
import { run } from './setup/run.mjs';
import { root } from './setup/stamps.mjs';

const node = (...args) => [process.execPath, args];
const binary = (name, ...args) => node(path.join(root, 'node_modules', name), ...args);

const CHECKS = [
  ['generated configuration is current', node('scripts/generateConfig.mjs', '--check')],
  ['generated protocol is current', node('scripts/generate.mjs', '--check'), 'scripts/generate.mjs'],
  ['types of src', binary('typescript/bin/tsc', '-p', 'tsconfig.json', '--noEmit')],
  ['types of src, test and bench', binary('typescript/bin/tsc', '-p', 'tsconfig.test.json')],
  ['lint', binary('oxlint/bin/oxlint', '--deny-warnings', 'src', 'test', 'scripts', 'bench')],
  ['house rules', binary('vitest/vitest.mjs', 'run', 'test/house')],
];

await setUp();
const failed = CHECKS.filter((check) => !passes(check));
console.log(failed.length === 0 ? 'check: all passed' : `check: failed: ${failed.map(([title]) => title).join('; ')}`);
process.exit(failed.length === 0 ? 0 : 1);

/** A check that needs a file that is not there is left out, and that is said. */
function passes([title, [program, args], neededFile]) {
  if (neededFile && !existsSync(path.join(root, neededFile))) {
    console.log(`left out: ${title} (no ${neededFile})`);
    return true;
  }
  const result = run(program, args);
  console.log(`${result.ok ? 'ok' : 'FAILED'}: ${title}`);
  if (!result.ok) console.log(result.output);
  return result.ok;
}
