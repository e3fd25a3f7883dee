/**
 * The pinned tool chain: Zig's clang, with the C libraries of every target in the box. It is looked for in $TIDELOG_ZIG, as `zig`, as the Python package
 * ziglang, and where fetchZig put it.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const ZIG_VERSION = '0.13.0';

const ask = (command, args) => spawnSync(command, args, { encoding: 'utf8' });

function cacheFolder() {
  const base = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(base, 'tidelog', `zig-${ZIG_VERSION}`);
}

const fetchedPython = () => path.join(cacheFolder(), 'bin/python');

/** The command as a list of words, or null when this very version is nowhere. */
export function findZig() {
  const told = process.env.TIDELOG_ZIG ? [process.env.TIDELOG_ZIG.split(' ')] : [];
  const candidates = [...told, ['zig'], ['python3', '-m', 'ziglang'], [fetchedPython(), '-m', 'ziglang']];
  return candidates.find(([command, ...args]) => ask(command, [...args, 'version']).stdout?.trim() === ZIG_VERSION) ?? null;
}

/** Installs it from PyPI into the user's cache folder. Throws when that cannot be done. */
export function fetchZig() {
  mkdirSync(cacheFolder(), { recursive: true });
  const made = ask('python3', ['-m', 'venv', cacheFolder()]);
  if (made.status !== 0) throw new Error(`Zig ${ZIG_VERSION} comes from PyPI, and python3 cannot make a virtual environment: ${made.stderr ?? made.error?.message}`);
  const installed = ask(fetchedPython(), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `ziglang==${ZIG_VERSION}`]);
  if (installed.status !== 0) throw new Error(`cannot install ziglang ${ZIG_VERSION} from PyPI: ${installed.stderr}`);
  return [fetchedPython(), '-m', 'ziglang'];
}

/** Where the tool chain keeps the list of what musl's libc exports. */
export function muslSymbolList(zig) {
  const [command, ...args] = zig;
  const { lib_dir: libraries } = JSON.parse(ask(command, [...args, 'env']).stdout);
  return path.join(libraries, 'libc/musl/libc.S');
}
