/** What several rounds of one figure come to. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** In the order of the rounds. */
  readonly values: readonly number[];
}

/** `values` must hold one figure at least. */
export function summarise(values: readonly number[]): Summary {
  const sorted = [...values].sort((left, right) => left - right);
  const first = sorted[0];
  const last = sorted.at(-1);
  if (first === undefined || last === undefined) throw new RangeError('a summary needs a figure');
  return { median: medianOf(sorted), min: first, max: last, values: [...values] };
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** The value below which `share` (0..1) of the values lie; 0 without values. `sorted` ascends. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return 0;
  return sorted[Math.min(Math.floor(share * (sorted.length - 1)), sorted.length - 1)] as number;
}
