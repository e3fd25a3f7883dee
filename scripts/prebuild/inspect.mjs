/** Proves of a built addon, without running it, that the machines it is for can load it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { readElf } from './elf.mjs';

const NODE_API_VERSION = 9;
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
const LIBRARIES = {
  glibc: ['libc.so.6', 'libm.so.6', 'libpthread.so.0', 'libdl.so.2', 'librt.so.1', 'ld-linux-x86-64.so.2', 'ld-linux-aarch64.so.1'],
  musl: ['libc.so'],
};
const MACH_O_MAGIC = 0xfeedfacf;
const MACH_O_LIBRARIES = { x64: 0x01000007, arm64: 0x0100000c };

/** The functions that every Node with this version of Node-API has. */
export function nodeApiSymbols() {
  const { js_native_api_symbols: script, node_api_symbols: node } = createRequire(import.meta.url)('node-api-headers').symbols[`v${NODE_API_VERSION}`];
  return new Set([...script, ...node]);
}

/** What musl's libc exports, by the list that the tool chain links against. */
export function readMuslSymbols(listFile) {
  return new Set(readFileSync(listFile, 'utf8').match(/(?<=^(?:\.globl|\.weak|WEAK64) )\S+/gm));
}

/** What is wrong with the file, as sentences; none when all is well. */
export function inspect(target, bytes, muslSymbols) {
  return target.format === 'elf' ? inspectElf(target, bytes, muslSymbols) : inspectMachO(target, bytes);
}

function inspectElf(target, bytes, muslSymbols) {
  const { machine, needed, symbols } = readElf(bytes);
  const wrong = [];
  if (machine !== target.machine) wrong.push(`it is for ${machine}`);
  for (const library of needed) if (!LIBRARIES[target.libc].includes(library)) wrong.push(`it needs ${library}`);
  const defined = symbols.filter((symbol) => symbol.isDefined).map((symbol) => symbol.name);
  for (const name of EXPORTS) if (!defined.includes(name)) wrong.push(`it does not export ${name}`);
  for (const name of defined) if (!EXPORTS.includes(name)) wrong.push(`it exports ${name}, which may meet another library's`);
  const wanted = symbols.filter((symbol) => !symbol.isDefined && symbol.name !== '');
  const nodeApi = nodeApiSymbols();
  const isNodeApi = ({ name }) => /^(napi|node_api)_/.test(name);
  for (const { name } of wanted.filter(isNodeApi)) if (!nodeApi.has(name)) wrong.push(`it needs ${name}, which Node-API ${NODE_API_VERSION} does not have`);
  const fromSystem = wanted.filter((symbol) => !isNodeApi(symbol));
  return [...wrong, ...(target.libc === 'glibc' ? inspectGlibc(target, fromSystem) : inspectMusl(fromSystem, muslSymbols))];
}

function inspectGlibc(target, symbols) {
  const tooNew = symbols.filter(({ version }) => isNewer(version.replace('GLIBC_', ''), target.glibcMax));
  const unversioned = symbols.filter(({ version, isWeak }) => version === '' && !isWeak);
  return [
    ...tooNew.map(({ name, version }) => `it needs ${name} of ${version}, and the oldest glibc is ${target.glibcMax}`),
    ...unversioned.map(({ name }) => `it needs ${name}, which is nobody's`),
  ];
}

function inspectMusl(symbols, muslSymbols) {
  const foreign = symbols.filter(({ name, version, isWeak }) => version !== '' || (!isWeak && !muslSymbols.has(name)));
  return foreign.map(({ name, version }) => `it needs ${name}${version && ` of ${version}`}, which musl does not have`);
}

function isNewer(version, limit) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [limitMajor, limitMinor] = limit.split('.').map(Number);
  return major > limitMajor || (major === limitMajor && minor > limitMinor);
}

function inspectMachO(target, bytes) {
  if (bytes.readUInt32LE(0) !== MACH_O_MAGIC) return ['it is no 64-bit Mach-O library'];
  return bytes.readUInt32LE(4) === MACH_O_LIBRARIES[target.machine] ? [] : ['it is for another processor'];
}
