import type { Compute } from './compute.ts';
import { plainCompute } from './plain.ts';

/** The core in use, chosen once for the process. */
export const compute: Compute = plainCompute;

/** One line for people: which core runs. */
export function describeCore(): string {
  return `core: ${compute.name}`;
}
