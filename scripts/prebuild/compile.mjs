/** One addon for one target: sources and flags as binding.gyp says, by the pinned tool chain. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compileArguments, readTargets } from '../setup/directCompile.mjs';
import { run } from '../setup/run.mjs';
import { listFiles, root, stateOf } from '../setup/stamps.mjs';
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
  const draft = `${file}.${process.pid}`;
  mkdirSync(path.dirname(file), { recursive: true });
  const args = [...words, 'c++', '-target', target.triple, '-s', ...compileArguments(source, draft), ...linkArguments(target, `${draft}.map`)];
  try {
    const result = run(command, args);
    if (result.ok) renameSync(draft, file);
    return result;
  } finally {
    rmSync(draft, { force: true });
    rmSync(`${draft}.map`, { force: true });
  }
}

/** Node's own functions are found when it loads the addon. */
function linkArguments(target, scriptFile) {
  if (target.format === 'macho') return ['-undefined', 'dynamic_lookup'];
  writeFileSync(scriptFile, VERSION_SCRIPT);
  return ['-pthread', `-Wl,--version-script=${scriptFile}`];
}
