/** Levels as Kafka names them, quietest last. */
export const LOG_LEVEL_NAMES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const;
export type LogLevelName = (typeof LOG_LEVEL_NAMES)[number];

const RANKS: Readonly<Record<'debug' | 'info' | 'warn' | 'error', number>> = { debug: 1, info: 2, warn: 3, error: 4 };

/** From which level on a logger and all its children speak; changed while they are in use. At FATAL nothing is said, since no line is worse than an error. */
export class LogThreshold {
  #level: LogLevelName;
  #rank: number;

  constructor(initial: LogLevelName = 'INFO') {
    this.#level = initial;
    this.#rank = LOG_LEVEL_NAMES.indexOf(initial);
  }

  get level(): LogLevelName {
    return this.#level;
  }

  set level(level: LogLevelName) {
    this.#level = level;
    this.#rank = LOG_LEVEL_NAMES.indexOf(level);
  }

  lets(level: keyof typeof RANKS): boolean {
    return RANKS[level] >= this.#rank;
  }
}
