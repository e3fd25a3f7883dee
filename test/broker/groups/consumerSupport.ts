import type { TopicAccess } from '../../../src/broker/groups/classic/join.ts';
import type { GroupSettings } from '../../../src/broker/groups/settings.ts';
import { makeConsumerGroupHeartbeatRequest } from '../../../src/protocol/generated/consumerGroupHeartbeat.ts';
import type { ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse } from '../../../src/protocol/generated/consumerGroupHeartbeat.ts';
import type { Harness } from './support.ts';
import { defaultSettings } from './support.ts';

export type Owned = Record<string, number[]>;

/** A consumer that speaks KIP-848 as Kafka's own does: it gives up what it is no longer assigned, says what it has, and joins anew when it is fenced. */
export class Consumer {
  readonly harness: Harness;
  readonly memberId: string;
  readonly groupId: string;
  readonly options: Partial<ConsumerGroupHeartbeatRequest>;
  epoch = 0;
  owned: Owned = {};
  topicAccess: TopicAccess | null = null;
  isUnsure = false;
  topics: string[];
  last: ConsumerGroupHeartbeatResponse | null = null;

  constructor(harness: Harness, memberId: string, options: Partial<ConsumerGroupHeartbeatRequest> = {}) {
    this.harness = harness;
    this.memberId = memberId;
    this.groupId = options.groupId ?? 'g';
    this.options = options;
    this.topics = options.subscribedTopicNames ?? ['a'];
  }

  send(fields: Partial<ConsumerGroupHeartbeatRequest>, apiVersion = 1): ConsumerGroupHeartbeatResponse {
    const request = makeConsumerGroupHeartbeatRequest({ groupId: this.groupId, memberId: this.memberId, memberEpoch: this.epoch, instanceId: this.options.instanceId ?? null, ...fields });
    let response: ConsumerGroupHeartbeatResponse | null = null;
    this.harness.coordinator.consumerHeartbeat(request, { clientId: 'client', host: '/10.0.0.1', apiVersion, ...(this.topicAccess === null ? {} : { topicAccess: this.topicAccess }) }, (error, answer) => {
      response = answer ?? { throttleTimeMs: 0, errorCode: error!.code, errorMessage: error!.message, memberId: null, memberEpoch: 0, heartbeatIntervalMs: 0, assignment: null };
    });
    this.harness.turn();
    if (response === null) throw new Error('no answer');
    return response;
  }

  /** Joins, or says what is new. */
  join(fields: Partial<ConsumerGroupHeartbeatRequest> = {}): ConsumerGroupHeartbeatResponse {
    this.epoch = 0;
    this.owned = {};
    return this.take(this.send({ rebalanceTimeoutMs: 30_000, subscribedTopicNames: ['a'], topicPartitions: [], ...this.options, ...fields, memberEpoch: 0 }));
  }

  /** One heartbeat with what it owns; with all that it can say when it does not know what became of the last one. */
  beat(fields: Partial<ConsumerGroupHeartbeatRequest> = {}): ConsumerGroupHeartbeatResponse {
    const all = this.isUnsure ? { rebalanceTimeoutMs: 30_000, subscribedTopicNames: this.topics, ...this.options } : {};
    this.topics = fields.subscribedTopicNames ?? this.topics;
    this.isUnsure = false;
    return this.take(this.send({ ...all, ...fields, topicPartitions: this.list() }));
  }

  /** A heartbeat whose answer is lost. */
  beatUnheard(): void {
    this.send({ topicPartitions: this.list() });
    this.isUnsure = true;
  }

  list(): { topicId: string; partitions: number[] }[] {
    return Object.entries(this.owned).map(([topicId, partitions]) => ({ topicId, partitions }));
  }

  take(response: ConsumerGroupHeartbeatResponse): ConsumerGroupHeartbeatResponse {
    this.last = response;
    this.isUnsure = response.errorCode !== 0;
    if (response.errorCode !== 0) return response;
    this.epoch = response.memberEpoch;
    if (response.assignment !== null) this.owned = Object.fromEntries(response.assignment.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions]));
    return response;
  }

  get partitions(): string[] {
    return Object.entries(this.owned).flatMap(([topicId, partitions]) => partitions.map((partition) => `${topicId.at(-1)}${partition}`));
  }
}

export function consumerSettings(fields: Partial<GroupSettings['consumer']>): Partial<GroupSettings> {
  return { consumer: { ...defaultSettings.consumer, ...fields } };
}

/** Heartbeats of all until nothing changes any more; throws when it never ends. */
export function settle(consumers: readonly Consumer[], rounds = 20): void {
  for (let round = 0; round < rounds; round++) {
    const before = consumers.map(({ epoch, owned }) => JSON.stringify([epoch, owned])).join();
    for (const consumer of consumers) consumer.beat();
    if (consumers.map(({ epoch, owned }) => JSON.stringify([epoch, owned])).join() === before && new Set(consumers.map(({ epoch }) => epoch)).size <= 1) return;
  }
  throw new Error(`the group does not settle: ${consumers.map(({ memberId, epoch, partitions }) => `${memberId}@${epoch}:${partitions}`).join(' ')}`);
}
