import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';

/** Which topics: by name, or all whose name `matches`. */
export type TopicChoice = { readonly topics: readonly string[] } | { readonly matches: (topic: string) => boolean };

export interface SubscriptionOptions {
  readonly allowAutoCreateTopics: boolean;
  readonly excludeInternalTopics: boolean;
}

/** The topics that a choice means now, with their numbers of partitions (0: there is no such topic yet). Asks the brokers once. */
export async function resolveTopics(cluster: Cluster, choice: TopicChoice, options: SubscriptionOptions): Promise<Map<string, number>> {
  if ('topics' in choice) return countPartitions(cluster, choice.topics, options.allowAutoCreateTopics);
  const answer = await cluster.metadata(null);
  const counts = new Map<string, number>();
  for (const { name, isInternal, errorCode, partitions } of answer.topics) {
    const isWanted = name !== null && errorCode === ErrorCode.NONE && !(isInternal && options.excludeInternalTopics) && choice.matches(name);
    if (isWanted) counts.set(name, partitions.length);
  }
  return counts;
}

/** As the brokers answer now; topics that cannot be read yet count 0. Throws the KafkaError of a topic that never can. */
export async function countPartitions(cluster: Cluster, topics: readonly string[], allowAutoTopicCreation: boolean): Promise<Map<string, number>> {
  const counts = new Map(topics.map((topic) => [topic, 0]));
  if (topics.length === 0) return counts;
  const answer = await cluster.metadata(topics, allowAutoTopicCreation);
  for (const { name, errorCode, partitions } of answer.topics) {
    if (name === null || !counts.has(name)) continue;
    const error = errorCode === ErrorCode.NONE ? null : new KafkaError(errorCode, `topic ${name}`);
    if (error !== null && !error.retriable) throw error;
    if (error !== null) cluster.options.logger.warn(`topic ${name} cannot be read yet: ${error.codeName}`);
    counts.set(name, error === null ? partitions.length : 0);
  }
  return counts;
}

/** How often a subscribed topic that does not exist is looked for. */
const MISSING_TOPIC_CHECK_MS = 1000;

/** Knows what a choice of topics means now, and looks from time to time whether topics came, went or grew. */
export class TopicWatch {
  readonly #cluster: Cluster;
  readonly #options: SubscriptionOptions;
  readonly #onChange: (before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>) => void;
  #choice: TopicChoice | null = null;
  #counts: ReadonlyMap<string, number> | null = null;
  #nextCheckMs = 0;
  #isChecking = false;

  constructor(cluster: Cluster, options: SubscriptionOptions, onChange: (before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>) => void) {
    this.#cluster = cluster;
    this.#options = options;
    this.#onChange = onChange;
  }

  get choice(): TopicChoice | null {
    return this.#choice;
  }

  /** What the choice meant when it was last looked at, with numbers of partitions; null before the first look. */
  get counts(): ReadonlyMap<string, number> | null {
    return this.#counts;
  }

  /** null: none. */
  choose(choice: TopicChoice | null): void {
    this.#choice = choice;
    this.#counts = null;
  }

  async resolve(): Promise<ReadonlyMap<string, number>> {
    const choice = this.#choice;
    if (choice === null) return new Map();
    const counts = await resolveTopics(this.#cluster, choice, this.#options);
    if (this.#choice === choice) this.#note(counts);
    return counts;
  }

  /** Looks in the background when it is time. */
  checkIfDue(isBusy: boolean): void {
    if (this.#choice === null || this.#counts === null || this.#isChecking || isBusy || this.#cluster.options.clock.monotonicMs() < this.#nextCheckMs) return;
    this.#isChecking = true;
    void this.#check(this.#choice, this.#counts);
  }

  async #check(choice: TopicChoice, before: ReadonlyMap<string, number>): Promise<void> {
    try {
      const now = await resolveTopics(this.#cluster, choice, this.#options);
      if (this.#choice === choice && this.#counts === before) {
        this.#note(now);
        const isSame = before.size === now.size && [...now].every(([topic, count]) => before.get(topic) === count);
        if (!isSame) this.#onChange(before, now);
      }
    } catch (error) {
      this.#nextCheckMs = this.#cluster.options.clock.monotonicMs() + MISSING_TOPIC_CHECK_MS;
      this.#cluster.options.logger.debug('topics could not be looked at', { error: (error as Error).message });
    }
    this.#isChecking = false;
  }

  #note(counts: ReadonlyMap<string, number>): void {
    this.#counts = counts;
    const isComplete = counts.size > 0 && [...counts.values()].every((count) => count > 0);
    const { metadataMaxAgeMs, clock } = this.#cluster.options;
    this.#nextCheckMs = clock.monotonicMs() + (isComplete ? metadataMaxAgeMs : Math.min(MISSING_TOPIC_CHECK_MS, metadataMaxAgeMs));
  }
}
