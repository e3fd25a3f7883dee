/** What KafkaJS's producer, consumer and admin have in common: a connection to the cluster, a logger, and events. */
import { LazyCluster, type KafkaConfig } from './connection.ts';
import { Emitter } from './events.ts';
import type { EventOf } from './eventTypes.ts';
import type { Logger } from './logger.ts';

interface ParticipantEvents extends Readonly<Record<string, string>> {
  readonly CONNECT: string;
  readonly DISCONNECT: string;
  readonly REQUEST: string;
}

export class Participant<Events extends ParticipantEvents> {
  readonly events: Events;
  protected readonly emitter: Emitter;
  protected readonly cluster: LazyCluster;
  readonly #logger: Logger;

  constructor(what: string, events: Events, config: KafkaConfig, own: ConstructorParameters<typeof LazyCluster>[4], logger: Logger) {
    this.events = events;
    this.#logger = logger.namespace(what);
    this.emitter = new Emitter(events, this.#logger);
    this.cluster = new LazyCluster(config, this.#logger, this.emitter, events.REQUEST, own);
  }

  logger(): Logger {
    return this.#logger;
  }

  /** Returns what takes the listener off again. */
  on<Type extends Events[keyof Events]>(type: Type, listener: (event: EventOf<Type>) => unknown): () => void {
    return this.emitter.on(type, listener);
  }

  async connect(): Promise<void> {
    await this.cluster.connect();
    this.emitter.emit(this.events.CONNECT);
  }

  async disconnect(): Promise<void> {
    this.cluster.disconnect();
    this.emitter.emit(this.events.DISCONNECT);
  }
}
