/**
 * What `npm pack` and `npm publish` run first: compiles the TypeScript, cross-compiles the addon for every machine (scripts/prebuild), says what goes in. The tool
 * chain is fetched from PyPI when it is missing. $TIDELOG_PREBUILDS, a list of targets, packs those only: for trying a package out, not for publishing one.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { prebuild } from '../prebuild/prebuild.mjs';
import { REFUSED, TARGETS, chooseTargets } from '../prebuild/targets.mjs';
import { setUp } from '../setup.mjs';
import { prebuiltFile } from '../setup/prebuilt.mjs';
import { readStamp, root } from '../setup/stamps.mjs';

const NEEDED = ['wasm/dist/core.wasm', 'dist/bundle/tidelog.cjs', 'dist/bundle/server-start.cjs', 'LICENSE'];

/** Standard output is npm's: it ends with the tarball's name. */
const say = (line) => console.error(`prepack: ${line}`);

async function prepack() {
  await setUp();
  if (readStamp('build')?.result !== 'built') throw new Error('there are errors in src: npm run check');
  const missing = [...NEEDED, ...exportedFiles()].filter((file) => !existsSync(path.join(root, file)));
  if (missing.length > 0) throw new Error(`not built: ${missing.join(', ')}`);
  const names = (process.env.TIDELOG_PREBUILDS ?? '').split(/[\s,]+/).filter((name) => name !== '');
  prebuild(chooseTargets(names), { fetch: true, say });
  const packed = TARGETS.filter((target) => existsSync(path.join(root, prebuiltFile(target.name))));
  const sizeBytes = packed.reduce((sum, target) => sum + statSync(path.join(root, prebuiltFile(target.name))).size, 0);
  say(`${packed.length} prebuilt addons go in, ${Math.ceil(sizeBytes / 1024)} KiB: ${packed.map((target) => target.name).join(', ')}`);
  for (const target of TARGETS) if (!packed.includes(target)) say(`LEFT OUT: ${target.name}, which $TIDELOG_PREBUILDS does not name: WASM does its work there`);
  for (const [name, reason] of Object.entries(REFUSED)) say(`${name}: not built: ${reason}`);
}

/** Code and types of everything that package.json exports. */
function exportedFiles() {
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return Object.values(exports).flatMap((target) => (typeof target === 'string' ? [] : [target.types, target.default]));
}

try {
  await prepack();
} catch (error) {
  console.error(`npm pack cannot go on: ${error.message}`);
  process.exitCode = 1;
}
