/** Log lines for machines, by pino. Apart, since pino takes longer to load than all else that a start needs. */
import { destination, pino } from 'pino';
import type { Logger } from '../../base/ports.ts';
import type { LogThreshold } from '../../base/logThreshold.ts';

type Fields = Readonly<Record<string, unknown>>;
type Pino = ReturnType<typeof pino>;

export function createJsonLogger(threshold: LogThreshold): Logger {
  // What is too much is held back before it gets there.
  const options = { level: 'debug', serializers: { error: pino.stdSerializers.err } };
  return wrap(pino(options, destination({ fd: 1, sync: true })), threshold);
}

function wrap(inner: Pino, threshold: LogThreshold): Logger {
  const say = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: Fields): void => {
    if (threshold.lets(level)) inner[level](fields ?? {}, message);
  };
  return {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: (fields: Fields) => wrap(inner.child(fields), threshold),
  };
}
