/**
 * `npm run walk`: what somebody meets who installs the package. Packs it (or takes --tarball FILE), looks into the tarball, and installs it into empty folders
 * with install scripts blocked and neither compiler nor make nor Python within reach. There the storage example runs, the programs start, a vitest project tests
 * an event-driven service, TypeScript finds the types; on every Node that is at hand, and on arm64 under qemu-user. What cannot be done is SKIPPED, loudly.
 *   --tarball FILE    an already packed one
 *   --node PROGRAM    one more Node (repeat it); --fetch brings 20, 22, 24 and 26 from npm, and arm64's Node and C library
 *   --contract        the disk contract suite too, with each Node
 *   --only STEP,...   of contents, storage, programs, testing, types, licences, contract, arm64
 *   --keep            leaves the folder for looking at
 * The arm64 step needs qemu-aarch64 or qemu-aarch64-static (Debian: qemu-user-static); $TIDELOG_ARM64_NODES and $TIDELOG_ARM64_ROOT name what --fetch would bring.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runArm64 } from './walk/arm64.mjs';
import { checkContents } from './walk/contents.mjs';
import { runContract } from './walk/contractStep.mjs';
import { checkLicences } from './walk/licences.mjs';
import { findNodes, pack } from './walk/machine.mjs';
import { runPrograms } from './walk/programs.mjs';
import { runStorageExample } from './walk/storage.mjs';
import { runTestProject } from './walk/testing.mjs';
import { checkTypes } from './walk/types.mjs';

const STEPS = {
  contents: checkContents,
  storage: runStorageExample,
  programs: runPrograms,
  testing: runTestProject,
  types: checkTypes,
  licences: checkLicences,
  contract: runContract,
  arm64: runArm64,
};

const options = {
  tarball: { type: 'string' },
  node: { type: 'string', multiple: true, default: [] },
  fetch: { type: 'boolean', default: false },
  contract: { type: 'boolean', default: false },
  only: { type: 'string' },
  keep: { type: 'boolean', default: false },
};

async function walk() {
  const { values } = parseArgs({ options });
  const wanted = values.only?.split(',') ?? Object.keys(STEPS).filter((name) => name !== 'contract' || values.contract);
  const unknown = wanted.find((name) => !Object.hasOwn(STEPS, name));
  if (unknown !== undefined) throw new Error(`${unknown} is no step; there are ${Object.keys(STEPS).join(', ')}`);
  const folder = mkdtempSync(path.join(tmpdir(), 'tidelog-walk-'));
  let skipped = 0;
  const context = {
    folder,
    fetch: values.fetch,
    withContract: values.contract || wanted.includes('contract'),
    say: (line) => console.log(`    ${line}`),
    skip: (what, why) => {
      skipped++;
      console.log(`*** SKIPPED: ${what}: ${why}`);
    },
  };
  try {
    context.tarball = values.tarball === undefined ? pack(context) : path.resolve(values.tarball);
    context.nodes = findNodes(context, values.node);
    return await runSteps(wanted, context, () => skipped);
  } finally {
    if (values.keep) console.log(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function runSteps(wanted, context, skippedSoFar) {
  const counts = { passed: 0, failed: 0 };
  for (const name of wanted) {
    console.log(`${name}:`);
    const before = skippedSoFar();
    try {
      await STEPS[name](context);
      if (skippedSoFar() === before) counts.passed++;
    } catch (error) {
      counts.failed++;
      console.log(`FAILED: ${name}: ${error.stack}`);
    }
  }
  if (skippedSoFar() > 0) console.log(`${skippedSoFar()} skipped`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 && counts.passed > 0;
}

try {
  process.exitCode = (await walk()) ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
