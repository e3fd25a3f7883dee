/**
 * Brings a clone to where it runs: packages, addon, compiled TypeScript. Each step is skipped when it has run on just
 * these sources. Shared by `npm start`, `npm test` and `npm run check`; alone: `npm run build`.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAddon } from './setup/addon.mjs';
import { buildScripts } from './setup/build.mjs';
import { installPackages } from './setup/install.mjs';
import { withLock } from './setup/lock.mjs';

/** Says on standard error what it does, so that a program's standard output stays its own. */
const say = (line) => console.error(line);

const OLDEST_NODE = [20, 19];

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const isNewEnough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  if (!isNewEnough) throw new Error(`Node ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.versions.node}`);
}

/** Runs all steps; returns a sentence that says which core runs. Exits the process with a message when it cannot. */
export async function setUp() {
  if (process.env.CORE && !process.env.TIDELOG_CORE) process.env.TIDELOG_CORE = process.env.CORE;
  try {
    checkNode();
    return await withLock(async () => {
      installPackages(say);
      const core = await buildAddon(say);
      await buildScripts(say);
      return core;
    }, say);
  } catch (error) {
    console.error(`set-up failed: ${error.message}`);
    process.exit(1);
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const core = await setUp();
  if (process.argv.includes('--verbose')) say(core);
}
