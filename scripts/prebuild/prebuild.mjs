/**
 * `npm run prebuilds`: cross-compiles the addon for every machine of targets.mjs into prebuilds/, checks what each file needs of the machine that loads it, and
 * writes prebuilds/manifest.json. What is there already, of just these sources, stays.
 *   node scripts/prebuild/prebuild.mjs [NAME...]   those targets only
 *   ... --fetch                                    installs the pinned tool chain from PyPI first where it is missing
 *   ... --check                                    builds aside and compares the bytes
 *   ... --list                                     says what there is and what was tested
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PREBUILDS, prebuiltFile, readManifest } from '../setup/prebuilt.mjs';
import { lastLines } from '../setup/run.mjs';
import { root } from '../setup/stamps.mjs';
import { compile, stateOfSources } from './compile.mjs';
import { inspect, readMuslSymbols } from './inspect.mjs';
import { REFUSED, TARGETS, TESTED, chooseTargets } from './targets.mjs';
import { ZIG_VERSION, fetchZig, findZig, muslSymbolList } from './zig.mjs';

const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex');
const fileOf = (target) => path.join(root, prebuiltFile(target.name));

/** Builds what is missing or out of date. Throws, with what to do, when that cannot be done. */
export function prebuild(targets, { fetch = false, say = console.log } = {}) {
  const sources = stateOfSources();
  const manifest = readManifest();
  const built = manifest?.sources === sources ? manifest.addons : {};
  if (manifest !== null && manifest.sources !== sources) rmSync(path.join(root, PREBUILDS), { recursive: true, force: true });
  const missing = targets.filter((target) => !isThere(target, built));
  for (const target of targets) if (!missing.includes(target)) say(`${target.name}: is there, ${TESTED[target.name]}`);
  if (missing.length === 0) return built;
  const zig = needZig(fetch);
  for (const target of missing) {
    built[target.name] = build(zig, target, fileOf(target), say);
    // After each, so that a build that is ended goes on where it was.
    writeManifest({ zig: ZIG_VERSION, sources, addons: built });
  }
  return built;
}

function isThere(target, built) {
  return existsSync(fileOf(target)) && built[target.name] === hashOf(readFileSync(fileOf(target)));
}

function needZig(fetch) {
  const zig = findZig() ?? (fetch ? fetchZig() : null);
  if (zig === null) throw new Error(`the addons are cross-compiled with Zig ${ZIG_VERSION}: run with --fetch, or pip install ziglang==${ZIG_VERSION}`);
  return zig;
}

/** Returns the file's hash. */
function build(zig, target, file, say) {
  say(`${target.name}: compiling for ${target.triple} (the first time takes minutes: the C++ library is compiled too)`);
  const result = compile(zig, target, file);
  if (!result.ok) throw new Error(`${target.name} did not compile:\n${lastLines(result.output, 20)}`);
  const bytes = readFileSync(file);
  const wrong = inspect(target, bytes, target.libc === 'musl' ? readMuslSymbols(muslSymbolList(zig)) : null);
  if (wrong.length > 0) {
    rmSync(file);
    throw new Error(`${target.name} would not load everywhere:\n${wrong.join('\n')}`);
  }
  say(`${target.name}: ${Math.ceil(bytes.length / 1024)} KiB, ${TESTED[target.name]}`);
  return hashOf(bytes);
}

function writeManifest(manifest) {
  mkdirSync(path.join(root, PREBUILDS), { recursive: true });
  writeFileSync(path.join(root, PREBUILDS, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Whether building again gives the same bytes. */
function check(targets, fetch) {
  const zig = needZig(fetch);
  const folder = mkdtempSync(path.join(tmpdir(), 'tidelog-prebuild-'));
  try {
    return targets.every((target) => {
      const hash = build(zig, target, path.join(folder, 'tidelog.node'), () => {});
      const isSame = existsSync(fileOf(target)) && hash === hashOf(readFileSync(fileOf(target)));
      console.log(`${target.name}: ${isSame ? 'is what its sources give' : 'differs from what its sources give'}`);
      return isSame;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function list() {
  const built = readManifest()?.addons ?? {};
  for (const target of TARGETS) console.log(`${target.name}: ${isThere(target, built) ? `built; ${TESTED[target.name]}` : 'not built'}`);
  for (const [name, reason] of Object.entries(REFUSED)) console.log(`${name}: refused: ${reason}`);
}

function main(args) {
  const options = args.filter((arg) => arg.startsWith('--'));
  const unknown = options.find((option) => !['--fetch', '--check', '--list'].includes(option));
  if (unknown !== undefined) throw new Error(`${unknown} is no option; there are --fetch, --check and --list`);
  const targets = chooseTargets(args.filter((arg) => !arg.startsWith('--')));
  const fetch = options.includes('--fetch');
  if (options.includes('--list')) list();
  else if (options.includes('--check')) process.exitCode = check(targets, fetch) ? 0 : 1;
  else prebuild(targets, { fetch });
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
