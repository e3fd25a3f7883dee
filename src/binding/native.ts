import type { Compute } from './compute.ts';

/** The addon's checks, or null where it is not built. */
export function loadNativeCompute(): Compute | null {
  return null;
}
