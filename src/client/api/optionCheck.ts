import { nearestName } from '../../base/nearest.ts';
import { ClientError } from '../core/clientError.ts';

/** Options that nobody knows are slips of the fingers: INVALID_ARGUMENT, with the nearest right one. */
export function checkOptionNames(what: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    throw new ClientError('INVALID_ARGUMENT', `${what} has no option "${name}"${nearest === null ? '' : `. Did you mean "${nearest}"?`}`);
  }
}

interface NumberRule {
  readonly min: number;
  readonly max?: number;
  readonly isWhole?: boolean;
}

/** A number within bounds, or absent. */
export function checkNumber(name: string, value: number | undefined, { min, max = Number.MAX_SAFE_INTEGER, isWhole = true }: NumberRule): void {
  if (value === undefined) return;
  const isRight = typeof value === 'number' && value >= min && value <= max && (!isWhole || Number.isInteger(value));
  if (!isRight) throw new ClientError('INVALID_ARGUMENT', `${name}: ${String(value)} is not ${isWhole ? 'a whole number' : 'a number'} ${max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`}`);
}

export function checkOneOf(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (value === undefined || allowed.includes(value)) return;
  throw new ClientError('INVALID_ARGUMENT', `${name}: ${String(value)} is none of ${allowed.map(String).join(', ')}`);
}
