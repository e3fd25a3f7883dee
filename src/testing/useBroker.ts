import { startBroker } from './testBroker.ts';
import type { TestBroker, TestBrokerOptions } from './testBroker.ts';

type Hook = (run: () => Promise<void>) => unknown;

/** The hooks of a test framework, by the names of vitest and jest or by those of node:test. */
export interface TestHooks {
  readonly beforeAll?: Hook;
  readonly afterAll?: Hook;
  readonly before?: Hook;
  readonly after?: Hook;
}

/**
 * One broker for the tests of a file or suite, started before the first and closed after the last:
 *
 *     import { beforeAll, afterAll } from 'vitest';             // or from '@jest/globals'
 *     const broker = useBroker({ beforeAll, afterAll });
 *
 *     import { before, after } from 'node:test';
 *     const broker = useBroker({ before, after });
 *
 * Use what it returns within tests and hooks only: before, there is no broker.
 */
export function useBroker(hooks: TestHooks, options: TestBrokerOptions = {}): TestBroker {
  const begin = hooks.beforeAll ?? hooks.before;
  const end = hooks.afterAll ?? hooks.after;
  if (begin === undefined || end === undefined) throw new TypeError('useBroker needs beforeAll and afterAll, or before and after');
  let broker: TestBroker | null = null;
  begin(async () => {
    broker = await startBroker(options);
  });
  end(async () => {
    await broker?.close();
    broker = null;
  });
  return new Proxy({} as TestBroker, {
    get(_target, name) {
      if (broker === null) throw new Error('the broker runs during tests only: use it within a test or a hook');
      const value = Reflect.get(broker, name, broker) as unknown;
      return typeof value === 'function' ? (value as (...given: unknown[]) => unknown).bind(broker) : value;
    },
  });
}
