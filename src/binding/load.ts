import type { Compute } from './compute.ts';
import { loadWasmCompute } from './wasm.ts';

/** The core in use, chosen once for the process. */
export const compute: Compute = loadWasmCompute();

/** One line for people: which core runs. */
export function describeCore(): string {
  return `core: ${compute.name}`;
}
