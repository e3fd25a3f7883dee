import type { Clock, Logger } from '../base/ports.ts';
import type { Terminal } from './terminal.ts';

const REPEAT_MS = 10_000;
const REMEMBERED_MAX = 100;

/** What the client warns of, on standard error; the same line at most once in ten seconds. */
export function toolLogger(terminal: Terminal, clock: Clock): Logger {
  const printedMs = new Map<string, number>();
  const print = (level: string, message: string, fields?: Readonly<Record<string, unknown>>) => {
    const details = Object.entries(fields ?? {}).map(([name, value]) => ` ${name}=${String(value)}`).join('');
    const line = `${level} ${message}${details}`;
    const now = clock.monotonicMs();
    if (now - (printedMs.get(line) ?? -Infinity) < REPEAT_MS) return;
    if (printedMs.size >= REMEMBERED_MAX) printedMs.clear();
    printedMs.set(line, now);
    terminal.complain(line);
  };
  const logger: Logger = {
    debug() {},
    info() {},
    warn: (message, fields) => print('WARN', message, fields),
    error: (message, fields) => print('ERROR', message, fields),
    child: () => logger,
  };
  return logger;
}
