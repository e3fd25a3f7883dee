import { performance } from 'node:perf_hooks';
import { loadCrypto } from './lazyModules.ts';
import type { Clock, Logger, Random, Timer } from './ports.ts';

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

function setTimer(delayMs: number, fire: () => void, isHolding: boolean): Timer {
  const handle = setTimeout(fire, Math.min(Math.max(delayMs, 0), LONGEST_TIMEOUT_MS));
  if (!isHolding) handle.unref();
  return { cancel: () => clearTimeout(handle) };
}

/** The machine's clock and timers. Timers are unreferenced: an idle process may end. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, fire) => setTimer(delayMs, fire, false),
};

/** As systemClock, with timers that keep the process alive. */
export const holdingClock: Clock = { ...systemClock, setTimer: (delayMs, fire) => setTimer(delayMs, fire, true) };

export const systemRandom: Random = {
  next: () => Math.random(),
  below: (bound) => (bound <= 1 ? 0 : loadCrypto().randomInt(bound)),
  bytes: (count) => loadCrypto().randomBytes(count),
};

/** Says nothing: for embedding and tests. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
