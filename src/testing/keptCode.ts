/** A bundle that starts from kept code says here how it is kept. */
let keep: (() => void) | null = null;

export function keepCodeBy(keeper: (() => void) | null): void {
  keep = keeper;
}

/** A broker has closed: what a test needs has run and was compiled. Does something once at most. */
export function keepCode(): void {
  const keeper = keep;
  keep = null;
  keeper?.();
}
