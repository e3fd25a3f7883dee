/**
 * Compiles the addon with the compiler alone: no Python, no make, headers from the package node-api-headers. Reads
 * sources and flags from binding.gyp, of which it understands what ours uses: lists of strings, `<!(command)`,
 * conditions on OS and target_arch.
 */
import { execSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { run } from './run.mjs';
import { root } from './stamps.mjs';

const requireHere = createRequire(import.meta.url);
const PLATFORM_NAMES = { linux: 'linux', darwin: 'mac', win32: 'win' };

/** Builds every target of binding.gyp into build/Release. Unix only. */
export function compileDirectly(compiler, logFile) {
  if (process.platform === 'win32') return { ok: false, output: 'building without node-gyp is for Unix' };
  try {
    const outputs = readTargets(PLATFORM_NAMES[process.platform], process.arch).map((target) => compileTarget(compiler, target));
    writeFileSync(logFile, outputs.map((result) => result.output).join('\n'));
    return { ok: outputs.every((result) => result.ok), output: outputs.map((result) => result.output).join('\n') };
  } catch (error) {
    writeFileSync(logFile, String(error.stack));
    return { ok: false, output: String(error.message) };
  }
}

/** The targets for an operating system and processor, by gyp's names. */
export function readTargets(os, arch) {
  const python = readFileSync(path.join(root, 'binding.gyp'), 'utf8');
  const script = python.replace(/^\s*#.*$/gm, '').replace(/\bTrue\b/g, 'true').replace(/\bFalse\b/g, 'false');
  return new Function(`return (${script});`)().targets.map((target) => withConditions(target, os, arch));
}

/** Merges the branches of `conditions` that hold into the target. */
function withConditions(target, os, arch) {
  const merged = { ...target };
  for (const [condition, yes, no] of target.conditions ?? []) {
    const branch = holds(condition, os, arch) ? yes : (no ?? {});
    for (const [name, value] of Object.entries(withConditions(branch, os, arch))) {
      merged[name] = Array.isArray(value) ? [...(merged[name] ?? []), ...value] : value;
    }
  }
  return merged;
}

function holds(condition, os, arch) {
  const expression = condition.replace(/\bnot\b/g, '!').replace(/\band\b/g, '&&').replace(/\bor\b/g, '||');
  return Boolean(new Function('OS', 'target_arch', `return ${expression};`)(os, arch));
}

function compileTarget(compiler, target) {
  const folder = path.join(root, 'build/Release');
  mkdirSync(folder, { recursive: true });
  const output = path.join(folder, `${target.target_name}.node`);
  const temporary = `${output}.${process.pid}`;
  const system = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : ['-pthread'];
  const args = [...compileArguments(target, temporary), ...system, ...listOf(target, 'ldflags'), ...listOf(target, 'libraries')];
  const result = run(compiler, args);
  if (result.ok) renameSync(temporary, output);
  return { ok: result.ok, output: `$ ${compiler} ${args.join(' ')}\n${result.output}` };
}

const listOf = (target, name) => (target[name] ?? []).flatMap(expand);

/** What a compiler that understands GCC's arguments is told to make one target; linking is left to the caller. */
export function compileArguments(target, output) {
  const includes = [...listOf(target, 'include_dirs'), requireHere('node-api-headers').include_dir];
  const flags = [...listOf(target, 'cflags'), ...listOf(target, 'cflags_cc')].filter((flag) => !flag.startsWith('-fno-plt'));
  return [
    '-shared', '-fPIC', '-O3', '-std=c++20', ...flags, ...listOf(target, 'defines').map((define) => `-D${define}`),
    `-DNODE_GYP_MODULE_NAME=${target.target_name}`, ...includes.map((include) => `-I${include}`), ...listOf(target, 'sources'), '-o', output,
  ];
}

/** `<!(command)` is the command's output, `<!@(command)` that as a list; paths stay as they are. */
function expand(text) {
  const match = /^<!(@?)\((.*)\)$/s.exec(text);
  if (!match) return [text];
  const output = execSync(match[2], { cwd: root, encoding: 'utf8' }).trim();
  return (match[1] ? output.split(/\s+/) : [output]).filter((item) => item !== '').map((item) => item.replace(/^"(.*)"$/, '$1'));
}
