/** What a long run is told by its environment, and how it tells where it is. */

const SAY_EVERY_MS = 20_000;

/** Seeds differ from run to run, unless one is given. */
let drawn: number | null = null;
export function firstSeed(): number {
  drawn ??= Number(process.env['TIDELOG_FUZZ_SEED'] ?? Math.floor(Math.random() * 1e9));
  return drawn;
}

export const count = (usual: number): number => Number(process.env['TIDELOG_FUZZ_RUNS'] ?? usual);

/** The words of a variable, all where it is not set; others are refused. */
export function choice<T extends string>(name: string, all: readonly T[]): ReadonlySet<T> {
  const text = process.env[name];
  if (text === undefined || text === '') return new Set(all);
  const chosen = text.split(/[\s,]+/).filter((word) => word !== 'none');
  for (const word of chosen) if (!(all as readonly string[]).includes(word)) throw new Error(`${name}: ${word} is none of ${all.join(', ')}`);
  return new Set(chosen as T[]);
}

export class Progress {
  done = 0;
  readonly #what: string;
  readonly #begunMs = Date.now();
  #saidMs = Date.now();

  constructor(what: string) {
    this.#what = what;
    process.stdout.write(`${what}: first seed ${firstSeed()}\n`);
  }

  step(seed: number): void {
    this.done += 1;
    if (Date.now() - this.#saidMs < SAY_EVERY_MS) return;
    this.#saidMs = Date.now();
    process.stdout.write(`${this.#what}: ${this.done} histories, last seed ${seed}\n`);
  }

  end(figures: string): void {
    process.stdout.write(`${this.#what}: ${this.done} histories from seed ${firstSeed()} in ${Math.round((Date.now() - this.#begunMs) / 1000)} s: ${figures}\n`);
  }
}
