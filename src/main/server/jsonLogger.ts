/** Log lines for machines, by pino. Apart, since pino takes longer to load than all else that a start needs. */
import { destination, pino } from 'pino';
import type { Logger } from '../../base/ports.ts';
import type { LogLevel } from './arguments.ts';

type Fields = Readonly<Record<string, unknown>>;
type Pino = ReturnType<typeof pino>;

export function createJsonLogger(level: LogLevel): Logger {
  const options = { level, serializers: { error: pino.stdSerializers.err } };
  return wrap(pino(options, destination({ fd: 1, sync: true })));
}

function wrap(inner: Pino): Logger {
  return {
    debug: (message, fields) => inner.debug(fields ?? {}, message),
    info: (message, fields) => inner.info(fields ?? {}, message),
    warn: (message, fields) => inner.warn(fields ?? {}, message),
    error: (message, fields) => inner.error(fields ?? {}, message),
    child: (fields: Fields) => wrap(inner.child(fields)),
  };
}
