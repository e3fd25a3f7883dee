import { clientClock } from '../clientClock.ts';
import { KafkaJSNonRetriableError } from './errors.ts';
import type { Logger } from './logger.ts';

export interface InstrumentationEvent<T> {
  readonly id: number;
  readonly type: string;
  readonly timestamp: number;
  readonly payload: T;
}

const NETWORK = { REQUEST: 'network.request', REQUEST_TIMEOUT: 'network.request_timeout', REQUEST_QUEUE_SIZE: 'network.request_queue_size' } as const;

type Named<Owner extends string, Events extends Readonly<Record<string, string>>> = { readonly [Name in keyof Events]: `${Owner}.${Events[Name]}` };

const named = <Owner extends string, const Events extends Readonly<Record<string, string>>>(owner: Owner, events: Events): Named<Owner, Events> =>
  Object.fromEntries(Object.entries(events).map(([name, type]) => [name, `${owner}.${type}`])) as Named<Owner, Events>;

export const producerEvents = named('producer', { CONNECT: 'connect', DISCONNECT: 'disconnect', ...NETWORK });
export const adminEvents = named('admin', { CONNECT: 'connect', DISCONNECT: 'disconnect', ...NETWORK });
export const consumerEvents = named('consumer', {
  HEARTBEAT: 'heartbeat', COMMIT_OFFSETS: 'commit_offsets', GROUP_JOIN: 'group_join', FETCH_START: 'fetch_start', FETCH: 'fetch', START_BATCH_PROCESS: 'start_batch_process',
  END_BATCH_PROCESS: 'end_batch_process', CONNECT: 'connect', DISCONNECT: 'disconnect', STOP: 'stop', CRASH: 'crash', REBALANCING: 'rebalancing',
  RECEIVED_UNSUBSCRIBED_TOPICS: 'received_unsubscribed_topics', ...NETWORK,
});

export type ProducerEvents = typeof producerEvents;
export type ConsumerEvents = typeof consumerEvents;
export type AdminEvents = typeof adminEvents;

type Listener = (event: never) => unknown;

/** Listeners by type. One that throws is logged and harms nobody. */
export class Emitter {
  readonly #types: ReadonlySet<string>;
  readonly #logger: Logger;
  readonly #listeners = new Map<string, Set<Listener>>();
  #nextId = 0;

  constructor(types: Readonly<Record<string, string>>, logger: Logger) {
    this.#types = new Set(Object.values(types));
    this.#logger = logger;
  }

  /** Returns what takes the listener off again. */
  on(type: string, listener: Listener): () => void {
    if (!this.#types.has(type)) throw new KafkaJSNonRetriableError(`Event name should be one of ${[...this.#types].join(', ')}`);
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  has(type: string): boolean {
    return (this.#listeners.get(type)?.size ?? 0) > 0;
  }

  emit(type: string, payload: unknown = null): void {
    const listeners = this.#listeners.get(type);
    if (listeners === undefined || listeners.size === 0) return;
    const event = { id: this.#nextId++, type, timestamp: clientClock.now(), payload } satisfies InstrumentationEvent<unknown>;
    for (const listener of listeners) {
      void Promise.resolve().then(() => listener(event as never)).catch((error: Error) => this.#logger.error(`Failed to execute listener: ${error.message}`, { eventName: type, stack: error.stack }));
    }
  }
}
