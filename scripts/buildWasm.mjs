/**
 * Builds wasm/dist/core.wasm from native/core with a pinned tool chain. The result is committed.
 *   node scripts/buildWasm.mjs           builds
 *   node scripts/buildWasm.mjs --check   builds aside and compares the bytes; skips (and says so) without the tool chain
 *   ... --fetch                          installs the pinned tool chain from PyPI into the user's cache folder first
 * The tool chain is Zig's clang, see prebuild/zig.mjs.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ZIG_VERSION, fetchZig, findZig } from './prebuild/zig.mjs';

const OUTPUT = 'wasm/dist/core.wasm';
const SOURCES = ['wasm/exports.cc', 'native/core/records.cc'];
const FLAGS = [
  '-target', 'wasm32-freestanding', '-std=c++20', '-O3', '-fno-exceptions', '-fno-rtti', '-nostdlib',
  '-Wl,--no-entry', '-Wl,--strip-all', '-Wl,-z,stack-size=65536',
];
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

function run(command, args) {
  return spawnSync(command, args, { cwd: root, encoding: 'utf8' });
}

function build(zig, output) {
  const [command, ...args] = zig;
  const built = run(command, [...args, 'c++', ...FLAGS, '-o', output, ...SOURCES]);
  if (built.status !== 0) throw new Error(`the WASM build failed:\n${built.stderr}`);
}

function main(options) {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidelog-wasm-'));
  try {
    const zig = findZig() ?? (options.has('--fetch') ? fetchZig() : null);
    if (!zig) {
      console.log(`SKIPPED: the WASM build needs Zig ${ZIG_VERSION} (pip install ziglang==${ZIG_VERSION}, or --fetch); ${OUTPUT} was not compared with its sources`);
      return options.has('--check') ? 0 : 1;
    }
    if (!options.has('--check')) {
      mkdirSync(path.join(root, path.dirname(OUTPUT)), { recursive: true });
      build(zig, OUTPUT);
      console.log(`built ${OUTPUT}`);
      return 0;
    }
    const aside = path.join(folder, 'core.wasm');
    build(zig, aside);
    const same = readFileSync(aside).equals(readFileSync(path.join(root, OUTPUT)));
    console.log(same ? `${OUTPUT} is what its sources give` : `${OUTPUT} differs from its sources: run node scripts/buildWasm.mjs`);
    return same ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = main(new Set(process.argv.slice(2)));
