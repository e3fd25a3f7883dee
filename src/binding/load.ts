import { loadNativeCore, whyNotNative } from './addon.ts';
import type { Compute } from './compute.ts';
import { loadNativeCompute } from './native.ts';
import { loadWasmCompute } from './wasm.ts';

/** What TIDELOG_CORE asks for; '' leaves the choice to us. */
export const wantedCore = readWantedCore();

/** The core in use, chosen once for the process: the addon where it is built, else WebAssembly. */
export const compute: Compute = choose();

function readWantedCore(): '' | 'native' | 'wasm' {
  const wanted = process.env['TIDELOG_CORE'] ?? '';
  if (wanted === '' || wanted === 'native' || wanted === 'wasm') return wanted;
  if (wanted === 'portable') return 'wasm';
  throw new Error(`TIDELOG_CORE is '${wanted}': allowed are native and wasm`);
}

function choose(): Compute {
  if (wantedCore === 'wasm') return loadWasmCompute();
  const native = loadNativeCompute();
  if (native !== null) return native;
  if (wantedCore === 'native') throw new Error(`TIDELOG_CORE is native, but ${whyNotNative()}`);
  return loadWasmCompute();
}

/** Whether the addon is in use. */
export function usesNativeCore(): boolean {
  return wantedCore !== 'wasm' && loadNativeCore() !== null;
}

/** For programs, since it is for the whole process: large blocks of memory go back to the system when they are freed. Needs the addon. */
export function giveMemoryBack(): void {
  if (usesNativeCore()) loadNativeCore()?.exports.giveMemoryBack();
}

/** One line for people: which core runs, and why not the other. */
export function describeCore(): string {
  if (usesNativeCore()) return `core: ${compute.name}`;
  return wantedCore === 'wasm' ? 'core: WASM (TIDELOG_CORE)' : `core: WASM (${whyNotNative()})`;
}
