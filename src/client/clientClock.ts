import type { Clock } from '../base/ports.ts';
import { systemClock } from '../base/systemPorts.ts';

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's clock with timers that keep the process alive: who awaits the client must not be ended by Node meanwhile. */
export const clientClock: Clock = {
  ...systemClock,
  setTimer(delayMs, fire) {
    const handle = setTimeout(fire, Math.min(Math.max(delayMs, 0), LONGEST_TIMEOUT_MS));
    return { cancel: () => clearTimeout(handle) };
  },
};
