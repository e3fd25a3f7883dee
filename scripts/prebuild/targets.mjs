/**
 * The machines that the addon is prebuilt for. `name` is the folder below prebuilds/ in which src/binding/prebuilt.ts looks.
 * The oldest glibc is that of Node's own binaries; macOS 11 is older than what Node 20 runs on.
 */
const GLIBC_OLDEST = '2.28';
const MACOS_OLDEST = '11.0';

export const TARGETS = [
  { name: 'linux-x64-glibc', triple: `x86_64-linux-gnu.${GLIBC_OLDEST}`, format: 'elf', machine: 'x64', libc: 'glibc', glibcMax: GLIBC_OLDEST },
  { name: 'linux-arm64-glibc', triple: `aarch64-linux-gnu.${GLIBC_OLDEST}`, format: 'elf', machine: 'arm64', libc: 'glibc', glibcMax: GLIBC_OLDEST },
  { name: 'linux-x64-musl', triple: 'x86_64-linux-musl', format: 'elf', machine: 'x64', libc: 'musl' },
  { name: 'linux-arm64-musl', triple: 'aarch64-linux-musl', format: 'elf', machine: 'arm64', libc: 'musl' },
  { name: 'darwin-x64', triple: `x86_64-macos.${MACOS_OLDEST}`, format: 'macho', machine: 'x64' },
  { name: 'darwin-arm64', triple: `aarch64-macos.${MACOS_OLDEST}`, format: 'macho', machine: 'arm64' },
];

/** Asked for, and why there is none. */
export const REFUSED = {
  'win32-x64': 'the core reads and writes files by POSIX calls (pwritev, mmap, SIGBUS), which Windows does not have; WASM does its work there',
  'win32-arm64': 'as win32-x64',
};

/** What is known of each beyond the checks of its symbols: told by the build and in docs/installing.md. */
export const TESTED = {
  'linux-x64-glibc': 'tested with Node 20, 22, 24 and 26',
  'linux-arm64-glibc': 'tested under qemu-user with Node 20 and 26',
  'linux-x64-musl': 'linked and symbol-checked, not tested',
  'linux-arm64-musl': 'linked and symbol-checked, not tested',
  'darwin-x64': 'linked, not tested',
  'darwin-arm64': 'linked, not tested',
};

/** The targets of these names, all without any. Throws for a name that is none, with the reason if there is one. */
export function chooseTargets(names) {
  for (const name of names) {
    if (Object.hasOwn(REFUSED, name)) throw new Error(`${name} is not built: ${REFUSED[name]}`);
    if (!TARGETS.some((target) => target.name === name)) throw new Error(`${name} is no target; there are ${TARGETS.map((target) => target.name).join(', ')}`);
  }
  return names.length === 0 ? TARGETS : TARGETS.filter((target) => names.includes(target.name));
}
