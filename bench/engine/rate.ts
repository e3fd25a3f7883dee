/** Repeats a step for a while and says how fast it was. */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { measured } from './profiler.ts';

/** The event loop gets a turn this often, so that what runs beside can finish. */
const TURN_MS = 10;

export interface RateOptions {
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Ends early after so many units. */
  readonly unitsMax?: number;
}

/** Units done, or a promise of them. */
export type Step = () => number | Promise<number>;

interface Stretch {
  readonly units: number;
  readonly seconds: number;
}

/** Units a second over the measured time; 0 units is an error. */
export async function measureRate(options: RateOptions, step: Step): Promise<number> {
  const unitsMax = options.unitsMax ?? Infinity;
  const warmUp = await repeat(step, options.warmUpSeconds, unitsMax / 4);
  const stretch = await measured(() => repeat(step, options.seconds, unitsMax - warmUp.units));
  if (!(stretch.units > 0)) throw new Error('nothing was done in the measured time');
  return stretch.units / stretch.seconds;
}

async function repeat(step: Step, seconds: number, unitsMax: number): Promise<Stretch> {
  const start = performance.now();
  const end = start + seconds * 1000;
  let now = start;
  let turnAt = start + TURN_MS;
  let units = 0;
  do {
    const done = step();
    units += typeof done === 'number' ? done : await done;
    now = performance.now();
    if (now >= turnAt) {
      await nextTurn();
      turnAt = performance.now() + TURN_MS;
    }
  } while (now < end && units < unitsMax);
  return { units, seconds: (now - start) / 1000 };
}

/** As measureRate for `writers` that each await their own steps, side by side. */
export async function measureConcurrentRate(options: RateOptions, writers: number, step: (writer: number) => Promise<number>): Promise<number> {
  const start = performance.now();
  const measureFrom = start + options.warmUpSeconds * 1000;
  const end = measureFrom + options.seconds * 1000;
  const unitsMax = options.unitsMax ?? Infinity;
  let counted = 0;
  let lastAt = measureFrom;
  const write = async (writer: number): Promise<void> => {
    while (performance.now() < end && counted < unitsMax) {
      const units = await step(writer);
      const now = performance.now();
      if (now < measureFrom) continue;
      counted += units;
      lastAt = now;
    }
  };
  await measured(() => Promise.all(Array.from({ length: writers }, (_, writer) => write(writer))));
  if (!(counted > 0) || lastAt <= measureFrom) throw new Error('nothing was done in the measured time');
  return counted / ((lastAt - measureFrom) / 1000);
}
