/** One addon for one target: sources and flags as binding.gyp says, by the pinned tool chain. */
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compileArguments, readTargets } from '../setup/directCompile.mjs';
import { run } from '../setup/run.mjs';
import { listFiles, stateOf } from '../setup/stamps.mjs';
import { isAddonSource } from '../setup/prebuilt.mjs';
import { ZIG_VERSION } from './zig.mjs';

/** Nothing but the two entry points: the C++ library inside must not meet the one inside Node. */
const VERSION_SCRIPT = '{ global: napi_register_module_v1; node_api_module_get_api_version_v1; local: *; };\n';
const OPERATING_SYSTEMS = { elf: 'linux', macho: 'mac' };

/** Names what the addons are made of: the same text, the same bytes. */
export function stateOfSources() {
  return stateOf(listFiles(['native', 'binding.gyp', 'scripts/prebuild/targets.mjs', 'scripts/prebuild/compile.mjs'], isAddonSource), [ZIG_VERSION]).content();
}

/** Returns { ok, output }: the compiler's words. The file appears at `file` only when it is whole. */
export function compile(zig, target, file) {
  const [command, ...words] = zig;
  const [source] = readTargets(OPERATING_SYSTEMS[target.format], target.machine);
  const folder = mkdtempSync(path.join(tmpdir(), 'tidelog-compile-'));
  const output = path.join(folder, 'tidelog.node');
  try {
    const result = run(command, [...words, 'c++', '-target', target.triple, '-s', ...compileArguments(source, output), ...linkArguments(target, folder)]);
    if (result.ok) place(output, file);
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Node's own functions are found when it loads the addon. */
function linkArguments(target, folder) {
  if (target.format === 'macho') return ['-undefined', 'dynamic_lookup'];
  const script = path.join(folder, 'exports.map');
  writeFileSync(script, VERSION_SCRIPT);
  return ['-pthread', `-Wl,--version-script=${script}`];
}

/** From another file system, perhaps. */
function place(from, to) {
  mkdirSync(path.dirname(to), { recursive: true });
  copyFileSync(from, `${to}.${process.pid}`);
  renameSync(`${to}.${process.pid}`, to);
}
