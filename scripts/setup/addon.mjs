/**
 * Step 2: the native addon. node-gyp builds it where Python, make and Node's headers are; with only a compiler, the
 * compiler is called directly with what binding.gyp says. Without either a prebuilt addon does the work, and without one WASM.
 */
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { compileDirectly } from './directCompile.mjs';
import { PREBUILDS, removeStalePrebuilds } from './prebuilt.mjs';
import { findProgram, lastLines, run } from './run.mjs';
import { currentStamp, listFiles, logPath, root, stateOf, writeStamp } from './stamps.mjs';

const OUTPUT_FOLDER = 'build/Release';
const isSource = (file) => /\.(cc|c|h|hpp|S|gyp|gypi)$/.test(file) && !file.endsWith('_test.cc');

/** Builds what is out of date. Returns one sentence that says which core runs. */
export async function buildAddon(say) {
  await removeStalePrebuilds();
  const wanted = process.env.TIDELOG_CORE;
  if (wanted === 'wasm' || wanted === 'portable') return `core: WASM (TIDELOG_CORE=${wanted})`;
  if (!existsSync(path.join(root, 'binding.gyp'))) return 'core: WASM (there is no binding.gyp)';
  const compiler = findProgram([process.env.CXX, 'g++', 'c++', 'clang++'].filter(Boolean));
  const facts = [process.platform, process.arch, compiler ?? 'no compiler'];
  const state = stateOf(listFiles(['native', 'binding.gyp'], isSource), facts);
  const stamp = currentStamp('addon', state);
  if (stamp && (stamp.result !== 'native' || builtAddons().length > 0)) return sentence(stamp.result);
  const result = compiler ? compile(compiler, say) : 'no compiler';
  if (result !== 'native') removeBuiltAddons();
  return sentence(writeStamp('addon', state, result).result);
}

/** An addon of earlier sources must not be loaded beside newer TypeScript. */
function removeBuiltAddons() {
  for (const { relative } of builtAddons()) rmSync(path.join(root, relative));
}

function sentence(result) {
  if (result === 'native') return 'core: native';
  if (hasPrebuilt()) return `core: native (prebuilt; ${result === 'no compiler' ? 'no C++ compiler found' : `the addon did not compile, see ${path.relative(root, logPath('addon'))}`})`;
  if (result === 'no compiler') return 'core: WASM (no C++ compiler found)';
  return `core: WASM (the addon did not compile, see ${path.relative(root, logPath('addon'))})`;
}

function hasPrebuilt() {
  return listFiles([PREBUILDS], (file) => file.startsWith(`${PREBUILDS}/${process.platform}-${process.arch}`) && file.endsWith('.node')).length > 0;
}

function builtAddons() {
  return listFiles([OUTPUT_FOLDER], (file) => /^build\/Release\/[^/]+\.node$/.test(file));
}

function compile(compiler, say) {
  const logFile = logPath('addon');
  say(`set-up: compiling the addon with ${path.basename(compiler)}`);
  const attempts = [compileWithGyp, (file) => compileDirectly(compiler, file)];
  let output = '';
  for (const attempt of attempts) {
    const result = attempt(logFile);
    if (result.ok && builtAddons().length > 0) return 'native';
    output = result.output || output;
  }
  say(`set-up: the addon did not compile, WASM takes its place; ${path.relative(root, logFile)} ends:\n${lastLines(output, 8)}`);
  return 'failed';
}

function compileWithGyp(logFile) {
  const python = findProgram([process.env.PYTHON, 'python3', 'python'].filter(Boolean));
  const nodeFolder = headersFolder();
  if (!python || !findProgram(['make']) || !nodeFolder) return { ok: false, output: '' };
  const gyp = path.join(root, 'node_modules/node-gyp/bin/node-gyp.js');
  return run(process.execPath, [gyp, 'rebuild', `--nodedir=${nodeFolder}`, '--jobs=max'], { logFile, env: { ...process.env, PYTHON: python } });
}

/** Where this Node's own headers lie, so that node-gyp downloads nothing; null when they were not installed. */
function headersFolder() {
  const prefixes = [process.env.npm_config_nodedir, path.resolve(process.execPath, '../..'), '/usr', '/usr/local'];
  const isComplete = (prefix) => ['node_api.h', 'common.gypi', 'config.gypi'].every((file) => existsSync(path.join(prefix, 'include/node', file)));
  return prefixes.filter(Boolean).find(isComplete) ?? null;
}
