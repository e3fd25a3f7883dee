/**
 * The ports through which every room above the lowest ones meets the outside: time, randomness, log output.
 * `Disk` is in disk.ts, `Wire` in wire.ts. Real implementations live in `net`, `storage/disk` and `systemPorts.ts`;
 * simulated ones in `testing`. Code above must not touch timers, Date, Math.random or node:* for these directly.
 */
import type { LogThreshold } from './logThreshold.ts';

/** A timer that has been set; cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch; may step back. For timestamps that people and clients see. */
  now(): number;
  /** Milliseconds from an arbitrary start, never backwards, with fractions. For timeouts and latencies. */
  monotonicMs(): number;
  /** Calls `fire` once, `delayMs` from now. A set timer does not keep the process alive by itself. */
  setTimer(delayMs: number, fire: () => void): Timer;
}

export interface Random {
  /** A float in [0, 1). */
  next(): number;
  /** A whole number in [0, bound). */
  below(bound: number): number;
  /** Bytes fit for ids and secrets (in a simulation: seeded). */
  bytes(count: number): Uint8Array;
}

/** Structured log lines. `fields` must never carry a secret. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** A logger that adds `fields` to each line. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Of `logger`, where its level can be changed. */
  readonly logThreshold?: LogThreshold;
}
