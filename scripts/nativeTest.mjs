/** Compiles and runs the C++ tests beside native/, under the sanitizers that the compiler has. Skips, and says so, without a compiler. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const CORE = ['batch', 'crc32c', 'index', 'records', 'segment'].map((name) => `native/core/${name}.cc`);
const FLUSH = ['native/flush/flusher.cc', 'native/flush/tasks.cc', 'native/port/file.cc'];
const TESTS = [
  { name: 'crc32c', sources: ['native/core/crc32c_test.cc', ...CORE], sanitize: '' },
  { name: 'batch', sources: ['native/core/batch_test.cc', ...CORE], sanitize: 'address,undefined' },
  { name: 'place', sources: ['native/core/place_test.cc', 'native/core/place.cc'], sanitize: 'address,undefined' },
  { name: 'flusher', sources: ['native/flush/flusher_test.cc', ...FLUSH], sanitize: 'thread' },
];

function compile(compiler, test, output, sanitize) {
  const flags = ['-std=c++20', '-O2', '-g', '-fno-exceptions', '-Wall', '-Wextra', '-pthread'];
  if (sanitize !== '') flags.push(`-fsanitize=${sanitize}`, '-fno-sanitize-recover=all');
  return spawnSync(compiler, [...flags, ...test.sources, '-o', output], { cwd: root, encoding: 'utf8' });
}

function runTest(compiler, test, folder) {
  const output = path.join(folder, test.name);
  let built = compile(compiler, test, output, test.sanitize);
  if (built.status !== 0 && test.sanitize !== '') {
    console.log(`SKIPPED: ${test.name} runs without -fsanitize=${test.sanitize}, which ${compiler} lacks here`);
    built = compile(compiler, test, output, '');
  }
  if (built.status !== 0) {
    console.error(built.stderr);
    return false;
  }
  return spawnSync(output, { stdio: 'inherit' }).status === 0;
}

const compiler = [process.env.CXX, 'g++', 'clang++', 'c++'].filter(Boolean).find((name) => spawnSync(name, ['--version']).status === 0);
if (compiler === undefined) {
  console.log('SKIPPED: the C++ tests need a compiler');
} else {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidelog-native-'));
  try {
    if (!TESTS.every((test) => runTest(compiler, test, folder))) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
