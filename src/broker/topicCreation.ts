import type { BrokerConfig } from '../config/types.ts';
import type { ChangeOutcome, ClusterMetadata, NewTopic } from '../metadata/types.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { newInternalTopic } from './internalTopics.ts';
import type { PartitionTable } from './partition/partitions.ts';

const NO_ASSIGNMENTS: NewTopic['assignments'] = new Map();

/** Makes topics that nobody asked for by name: those that clients merely use, and the broker's own. */
export class TopicCreation {
  readonly #metadata: ClusterMetadata;
  readonly #partitions: PartitionTable;
  readonly #config: () => BrokerConfig;
  /** One attempt at a time for each name. */
  readonly #running = new Map<string, Promise<ChangeOutcome>>();

  constructor(metadata: ClusterMetadata, partitions: PartitionTable, config: () => BrokerConfig) {
    this.#metadata = metadata;
    this.#partitions = partitions;
    this.#config = config;
  }

  /** Makes the topic unless it is there; resolves once its partitions can be used. Rejects with MetadataError. */
  ensure(name: string): Promise<ChangeOutcome> {
    const running = this.#running.get(name);
    if (running !== undefined) return running;
    const started = this.#create(name).finally(() => this.#running.delete(name));
    this.#running.set(name, started);
    return started;
  }

  async #create(name: string): Promise<ChangeOutcome> {
    if (!this.#metadata.image.topicsByName.has(name)) {
      const [outcome] = await this.#metadata.controller.createTopics([this.#describe(name)], false);
      const code = outcome?.code ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      if (code !== ErrorCode.NONE && code !== ErrorCode.TOPIC_ALREADY_EXISTS) return { code, message: outcome?.message ?? null };
    }
    await this.#partitions.whenSettled(name);
    return { code: ErrorCode.NONE, message: null };
  }

  #describe(name: string): NewTopic {
    return newInternalTopic(name, this.#config()) ?? { name, partitions: -1, replicationFactor: -1, assignments: NO_ASSIGNMENTS, configs: new Map() };
  }
}
