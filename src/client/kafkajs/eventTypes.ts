/** What the events of KafkaJS carry. */
import type { InstrumentationEvent } from './events.ts';
import type { TopicOffsets } from './offsetTypes.ts';

export interface IMemberAssignment {
  [topic: string]: number[];
}

interface GroupPlace {
  readonly groupId: string;
  readonly memberId: string;
  readonly groupGenerationId: number;
}

interface BatchProcess {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: string;
  readonly offsetLag: string;
  readonly offsetLagLow: string;
  readonly batchSize: number;
  readonly firstOffset: string;
  readonly lastOffset: string;
}

interface RequestPlace {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  readonly broker: string;
  readonly clientId: string;
  readonly correlationId: number;
  readonly createdAt: number;
  readonly pendingDuration: number;
  readonly sentAt: number;
}

export type ConnectEvent = InstrumentationEvent<null>;
export type DisconnectEvent = InstrumentationEvent<null>;
/** `correlationId` and `size` are -1, `pendingDuration` is 0. */
export type RequestEvent = InstrumentationEvent<RequestPlace & { readonly duration: number; readonly size: number }>;
export type RequestTimeoutEvent = InstrumentationEvent<RequestPlace>;
export type RequestQueueSizeEvent = InstrumentationEvent<{ readonly broker: string; readonly clientId: string; readonly queueSize: number }>;
export type ConsumerHeartbeatEvent = InstrumentationEvent<GroupPlace>;
export type ConsumerCommitOffsetsEvent = InstrumentationEvent<GroupPlace & { readonly topics: TopicOffsets[] }>;
export type ConsumerGroupJoinEvent = InstrumentationEvent<{
  readonly duration: number; readonly groupId: string; readonly isLeader: boolean; readonly leaderId: string; readonly groupProtocol: string; readonly memberId: string; readonly memberAssignment: IMemberAssignment;
}>;
/** `nodeId` is not told. */
export type ConsumerFetchStartEvent = InstrumentationEvent<{ readonly nodeId?: number }>;
export type ConsumerFetchEvent = InstrumentationEvent<{ readonly numberOfBatches: number; readonly duration: number; readonly nodeId?: number }>;
export type ConsumerStartBatchProcessEvent = InstrumentationEvent<BatchProcess>;
export type ConsumerEndBatchProcessEvent = InstrumentationEvent<BatchProcess & { readonly duration: number }>;
export type ConsumerCrashEvent = InstrumentationEvent<{ readonly error: Error; readonly groupId: string; readonly restart: boolean }>;
export type ConsumerRebalancingEvent = InstrumentationEvent<{ readonly groupId: string; readonly memberId: string }>;
export type ConsumerReceivedUnsubcribedTopicsEvent = InstrumentationEvent<{
  readonly groupId: string; readonly generationId: number; readonly memberId: string; readonly assignedTopics: string[]; readonly topicsSubscribed: string[]; readonly topicsNotSubscribed: string[];
}>;

/** By what follows `producer.`, `consumer.` and `admin.`. */
interface Events {
  connect: ConnectEvent;
  disconnect: DisconnectEvent;
  stop: InstrumentationEvent<null>;
  'network.request': RequestEvent;
  'network.request_timeout': RequestTimeoutEvent;
  'network.request_queue_size': RequestQueueSizeEvent;
  heartbeat: ConsumerHeartbeatEvent;
  commit_offsets: ConsumerCommitOffsetsEvent;
  group_join: ConsumerGroupJoinEvent;
  fetch_start: ConsumerFetchStartEvent;
  fetch: ConsumerFetchEvent;
  start_batch_process: ConsumerStartBatchProcessEvent;
  end_batch_process: ConsumerEndBatchProcessEvent;
  crash: ConsumerCrashEvent;
  rebalancing: ConsumerRebalancingEvent;
  received_unsubscribed_topics: ConsumerReceivedUnsubcribedTopicsEvent;
}

export type EventOf<Type> = Type extends `${string}.${infer Rest}` ? (Rest extends keyof Events ? Events[Rest] : InstrumentationEvent<unknown>) : InstrumentationEvent<unknown>;

export type RemoveInstrumentationEventListener<_Event> = () => void;
