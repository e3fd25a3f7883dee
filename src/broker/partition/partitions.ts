import type { Clock, Logger } from '../../base/ports.ts';
import type { TopicConfig } from '../../config/types.ts';
import type { ClusterImage, MetadataDelta, TopicImage } from '../../metadata/types.ts';
import { ConfigResourceType } from '../../metadata/types.ts';
import { LogError } from '../../storage/types.ts';
import type { LogManager } from '../../storage/types.ts';
import type { Waiting } from '../waiting.ts';
import { Partition } from './partition.ts';
import type { TopicState } from './partition.ts';
import { Traffic } from './traffic.ts';

/** Logs opened at one time while topics are made. */
const OPENS_AT_ONCE = 8;
/** A log that could not be opened for want of files or space is tried again after this, each time after twice as long. */
const REOPEN_MS = 5_000;
const REOPEN_MS_MAX = 120_000;

export interface PartitionTableOptions {
  readonly nodeId: number;
  readonly logs: LogManager;
  readonly waiting: Waiting;
  readonly logger: Logger;
  /** Absent: a log that could not be opened stays so until the next start. */
  readonly clock?: Clock;
  readonly topicConfigOf: (name: string) => TopicConfig;
}

/** All partitions of this broker, moved on by metadata deltas. The folders follow: made when a topic appears, deleted when it goes. */
export class PartitionTable {
  readonly #options: PartitionTableOptions;
  /** Of all topics. */
  readonly traffic = new Traffic(null);
  readonly #byName = new Map<string, TopicState>();
  readonly #byId = new Map<string, TopicState>();
  /** The last thing that is being done to the folders of a topic's name; a new topic of an old name waits for the old one to go. */
  readonly #work = new Map<string, Promise<void>>();

  constructor(options: PartitionTableOptions) {
    this.#options = options;
  }

  topic(name: string): TopicState | undefined {
    return this.#byName.get(name);
  }

  topicById(id: string): TopicState | undefined {
    return this.#byId.get(id);
  }

  topics(): Iterable<TopicState> {
    return this.#byName.values();
  }

  find(name: string, index: number): Partition | undefined {
    return this.#byName.get(name)?.partitions[index];
  }

  /** Resolves once the folders of the topic are as the metadata says; failures show in the partitions. */
  whenSettled(name: string): Promise<void> {
    return this.#work.get(name) ?? Promise.resolve();
  }

  async whenAllSettled(): Promise<void> {
    await Promise.all(this.#work.values());
  }

  /** Makes the table from the image and attaches the logs that were loaded. Resolves once missing ones were created. */
  async reconcile(image: ClusterImage): Promise<void> {
    for (const topic of image.topicsByName.values()) this.#add(topic);
    await this.whenAllSettled();
  }

  apply(delta: MetadataDelta, image: ClusterImage): void {
    for (const topic of delta.topicsDeleted) this.#remove(topic);
    for (const topic of delta.topicsCreated) this.#add(topic);
    for (const topic of delta.topicsChanged) this.#change(topic);
    for (const { type, name } of delta.configsChanged) {
      if (type === ConfigResourceType.topic) this.#reconfigure(name);
    }
    if (delta.brokersChanged) for (const topic of image.topicsByName.values()) this.#updateEpochs(topic);
  }

  /** The broker's own settings changed: topics without overrides follow. */
  reconfigureAll(): void {
    for (const name of this.#byName.keys()) this.#reconfigure(name);
  }

  #add(image: TopicImage): void {
    const config = this.#options.topicConfigOf(image.name);
    const topic: TopicState = { name: image.name, id: image.id, internal: image.internal, config, partitions: [], traffic: new Traffic(this.traffic) };
    this.#byName.set(topic.name, topic);
    this.#byId.set(topic.id, topic);
    this.#extend(topic, image);
  }

  #extend(topic: TopicState, image: TopicImage): void {
    const added: Partition[] = [];
    for (let index = topic.partitions.length; index < image.partitions.length; index++) {
      const partition = new Partition(topic, image.partitions[index]!, this.#options.nodeId, this.#options.waiting);
      topic.partitions.push(partition);
      if (!partition.image.replicas.includes(this.#options.nodeId)) continue;
      const log = this.#options.logs.get(topic.name, index);
      if (log !== undefined && log.topicId === topic.id) partition.attach(log);
      else added.push(partition);
    }
    if (added.length > 0) this.#queue(topic.name, () => this.#openAll(added));
  }

  #change(image: TopicImage): void {
    const topic = this.#byId.get(image.id);
    if (topic === undefined) return;
    this.#updateEpochs(image);
    this.#extend(topic, image);
  }

  #updateEpochs(image: TopicImage): void {
    const topic = this.#byId.get(image.id);
    if (topic === undefined) return;
    for (const partition of topic.partitions) {
      const now = image.partitions[partition.index];
      if (now !== undefined && now !== partition.image) partition.update(now);
    }
  }

  #reconfigure(name: string): void {
    const topic = this.#byName.get(name);
    if (topic === undefined) return;
    topic.config = this.#options.topicConfigOf(name);
    for (const partition of topic.partitions) {
      partition.log?.updateConfig(topic.config);
    }
  }

  #remove(image: TopicImage): void {
    const topic = this.#byId.get(image.id);
    if (topic === undefined) return;
    this.#byId.delete(topic.id);
    this.#byName.delete(topic.name);
    for (const partition of topic.partitions) partition.detach();
    this.#queue(topic.name, async () => {
      for (const partition of topic.partitions) await this.#deleteLog(partition);
    });
  }

  async #deleteLog(partition: Partition): Promise<void> {
    const { name, id } = partition.topic;
    if (this.#options.logs.get(name, partition.index)?.topicId !== id) return;
    try {
      await this.#options.logs.delete(name, partition.index);
    } catch (error) {
      this.#options.logger.error('a deleted partition could not be removed', { topic: name, partition: partition.index, reason: String(error) });
    }
  }

  async #openAll(partitions: readonly Partition[]): Promise<void> {
    let next = 0;
    const openSome = async (): Promise<void> => {
      while (next < partitions.length) await this.#open(partitions[next++]!);
    };
    await Promise.all(Array.from({ length: Math.min(OPENS_AT_ONCE, partitions.length) }, openSome));
  }

  async #open(partition: Partition, reopenMs = REOPEN_MS): Promise<void> {
    const { topic, index, leaderEpoch } = partition;
    if (this.#byId.get(topic.id) !== topic) return;
    try {
      const log = await this.#options.logs.open(topic.name, index, topic.id, topic.config, leaderEpoch);
      // Deleted meanwhile: the deletion is next in the queue and finds the log by its topic's id.
      if (this.#byId.get(topic.id) === topic) partition.attach(log);
    } catch (error) {
      this.#options.logger.error('a partition could not be opened', { topic: topic.name, partition: index, reason: String(error) });
      partition.fail();
      if (mayPass(error)) this.#openLater(partition, reopenMs);
    }
  }

  #openLater(partition: Partition, delayMs: number): void {
    const { topic } = partition;
    this.#options.clock?.setTimer(delayMs, () => {
      if (this.#byId.get(topic.id) === topic) this.#queue(topic.name, () => this.#open(partition, Math.min(delayMs * 2, REOPEN_MS_MAX)));
    });
  }

  #queue(name: string, work: () => Promise<void>): void {
    const before = this.#work.get(name) ?? Promise.resolve();
    const now = before.then(work).finally(() => {
      if (this.#work.get(name) === now) this.#work.delete(name);
    });
    this.#work.set(name, now);
  }
}

/** Files, memory or space are short now; a name or an id stays wrong. */
const mayPass = (error: unknown): boolean => error instanceof LogError && (error.kind === 'storage' || error.kind === 'diskFull' || error.kind === 'busy');
