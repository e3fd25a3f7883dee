/** The machine's clock with timers that keep the process alive: who awaits the client must not be ended by Node meanwhile. */
export { holdingClock as clientClock } from '../base/systemPorts.ts';
