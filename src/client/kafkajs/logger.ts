import type { Logger as PortLogger } from '../../base/ports.ts';

export const logLevel = { NOTHING: 0, ERROR: 1, WARN: 2, INFO: 4, DEBUG: 5 } as const;
export type logLevel = (typeof logLevel)[keyof typeof logLevel];

export interface LoggerEntryContent {
  readonly timestamp: string;
  readonly message: string;
  readonly [extra: string]: unknown;
}

export interface LogEntry {
  namespace: string;
  level: logLevel;
  label: string;
  log: LoggerEntryContent;
}

export type logCreator = (level: logLevel) => (entry: LogEntry) => void;

export interface Logger {
  info(message: string, extra?: object): void;
  error(message: string, extra?: object): void;
  warn(message: string, extra?: object): void;
  debug(message: string, extra?: object): void;
  namespace(namespace: string, level?: logLevel): Logger;
  setLogLevel(level: logLevel): void;
}

const LABELS: Readonly<Record<number, string>> = { 0: 'NOTHING', 1: 'ERROR', 2: 'WARN', 4: 'INFO', 5: 'DEBUG' };

/** A line of JSON on the console, as KafkaJS writes it. */
const consoleCreator: logCreator = () => ({ namespace, level, label, log }) => {
  const line = JSON.stringify({ level: label, ...log, message: `[${namespace}] ${log.message}` });
  // the console is where an application that asks for no logger of its own wants the lines
  const write = level === logLevel.ERROR ? process.stderr : process.stdout;
  write.write(`${line}\n`);
};

function levelFromEnvironment(): logLevel | undefined {
  return logLevel[(process.env['KAFKAJS_LOG_LEVEL'] ?? '').toUpperCase() as keyof typeof logLevel];
}

/** `KAFKAJS_LOG_LEVEL` wins over `level`. */
export function createLogger(level: logLevel = logLevel.INFO, creator: logCreator = consoleCreator): Logger {
  const chosen = levelFromEnvironment() ?? level;
  const write = creator(chosen);
  const make = (namespace: string, at: logLevel): Logger => {
    let current = at;
    const log = (entryLevel: logLevel, message: string, extra: object = {}): void => {
      if (entryLevel > current || current === logLevel.NOTHING) return;
      write({ namespace, level: entryLevel, label: LABELS[entryLevel] as string, log: { timestamp: new Date().toISOString(), logger: 'kafkajs', message, ...extra } });
    };
    return {
      error: (message, extra) => log(logLevel.ERROR, message, extra),
      warn: (message, extra) => log(logLevel.WARN, message, extra),
      info: (message, extra) => log(logLevel.INFO, message, extra),
      debug: (message, extra) => log(logLevel.DEBUG, message, extra),
      namespace: (name, other) => make(name, other ?? current),
      setLogLevel(other) {
        current = other;
      },
    };
  };
  return make('Client', chosen);
}

/** The same as the client below wants it. Its own news are details here. */
export function portLogger(logger: Logger): PortLogger {
  const port: PortLogger = {
    debug: (message, fields) => logger.debug(message, fields),
    info: (message, fields) => logger.debug(message, fields),
    warn: (message, fields) => logger.warn(message, fields),
    error: (message, fields) => logger.error(message, fields),
    child: () => port,
  };
  return port;
}
