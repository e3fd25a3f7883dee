/** CreateTopics, CreatePartitions, DeleteTopics and topics that Metadata makes on the way, under a quota of partitions made and removed (KIP-599). */
import type { BrokerConfig } from '../../config/types.ts';
import type { ClusterMetadata } from '../../metadata/types.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeCreatePartitionsTopicResult } from '../../protocol/generated/createPartitions.ts';
import type { CreatePartitionsRequest, CreatePartitionsResponse } from '../../protocol/generated/createPartitions.ts';
import { makeCreatableTopicResult } from '../../protocol/generated/createTopics.ts';
import type { CreatableTopic, CreateTopicsRequest, CreateTopicsResponse } from '../../protocol/generated/createTopics.ts';
import { makeDeletableTopicResult } from '../../protocol/generated/deleteTopics.ts';
import type { DeleteTopicsRequest, DeleteTopicsResponse } from '../../protocol/generated/deleteTopics.ts';
import type { MetadataRequest, MetadataResponse } from '../../protocol/generated/metadata.ts';
import { zeroUuid } from '../../protocol/types.ts';
import type { RequestContext } from '../contract.ts';
import type { Served } from '../dispatch.ts';
import { intercepted, split } from '../intercept.ts';
import type { Verdict } from '../intercept.ts';
import type { ClientQuotas, MutationQuota } from './clientQuotas.ts';

export interface MutationServices {
  readonly quotas: ClientQuotas;
  readonly metadata: ClusterMetadata;
  readonly config: BrokerConfig;
}

/** From these versions on clients know THROTTLING_QUOTA_EXCEEDED, and nothing is done beyond the quota. */
const STRICT_SINCE: ReadonlyMap<number, number> = new Map([
  [ApiKey.CreateTopics, 6], [ApiKey.CreatePartitions, 3], [ApiKey.DeleteTopics, 5], [ApiKey.Metadata, 0],
]);
const REFUSED = { errorCode: ErrorCode.THROTTLING_QUOTA_EXCEEDED, errorMessage: null };

interface Throttled {
  throttleTimeMs: number;
}

/** Whether an item may be worked on; those that touch no partition always may. */
class Gate {
  readonly #quota: MutationQuota;
  readonly #isStrict: boolean;

  constructor(quota: MutationQuota, { apiKey, apiVersion }: RequestContext<unknown>) {
    this.#quota = quota;
    this.#isStrict = apiVersion >= STRICT_SINCE.get(apiKey)!;
  }

  admit(partitions: number): boolean {
    if (partitions <= 0) return true;
    if (this.#isStrict) return this.#quota.admit(partitions);
    this.#quota.count(partitions);
    return true;
  }

  tell(response: Throttled): void {
    response.throttleTimeMs = Math.max(response.throttleTimeMs, this.#quota.throttleMs);
  }
}

function createTopics(request: CreateTopicsRequest, gate: Gate, services: MutationServices): Verdict<CreateTopicsRequest, CreateTopicsResponse> {
  const { topicsByName } = services.metadata.image;
  const parts = split(request.topics, (topic) => topicsByName.has(topic.name) || gate.admit(partitionsOf(topic, services.config)));
  const denied = (parts?.denied ?? []).map(({ name }) => makeCreatableTopicResult({ name, ...REFUSED, numPartitions: -1, replicationFactor: -1, configs: [] }));
  return {
    request: parts === null ? request : { ...request, topics: parts.allowed },
    finish(response) {
      gate.tell(response);
      response.topics = [...response.topics, ...denied];
    },
  };
}

function partitionsOf({ numPartitions, assignments }: CreatableTopic, config: BrokerConfig): number {
  if (assignments.length > 0) return assignments.length;
  return numPartitions === -1 ? config.numPartitions : numPartitions;
}

function createPartitions(request: CreatePartitionsRequest, gate: Gate, { metadata }: MutationServices): Verdict<CreatePartitionsRequest, CreatePartitionsResponse> {
  const { topicsByName } = metadata.image;
  const parts = split(request.topics, ({ name, count }) => gate.admit(count - (topicsByName.get(name)?.partitions.length ?? count)));
  const denied = (parts?.denied ?? []).map(({ name }) => makeCreatePartitionsTopicResult({ name, ...REFUSED }));
  return {
    request: parts === null ? request : { ...request, topics: parts.allowed },
    finish(response) {
      gate.tell(response);
      response.results = [...response.results, ...denied];
    },
  };
}

function deleteTopics(request: DeleteTopicsRequest, gate: Gate, { metadata }: MutationServices): Verdict<DeleteTopicsRequest, DeleteTopicsResponse> {
  const { topicsByName, topicsById } = metadata.image;
  const named = split(request.topicNames, (name) => gate.admit(topicsByName.get(name)?.partitions.length ?? 0));
  const parts = split(request.topics, ({ name, topicId }) => gate.admit((name === null ? topicsById.get(topicId) : topicsByName.get(name))?.partitions.length ?? 0));
  const denied = [
    ...(named?.denied ?? []).map((name) => makeDeletableTopicResult({ name, topicId: zeroUuid, ...REFUSED })),
    ...(parts?.denied ?? []).map(({ name, topicId }) => makeDeletableTopicResult({
      name: name ?? topicsById.get(topicId)?.name ?? null, topicId: name === null ? topicId : (topicsByName.get(name)?.id ?? zeroUuid), ...REFUSED,
    })),
  ];
  return {
    request: { ...request, topicNames: named?.allowed ?? request.topicNames, topics: parts?.allowed ?? request.topics },
    finish(response) {
      gate.tell(response);
      response.responses = [...response.responses, ...denied];
    },
  };
}

/** In debt, a topic that is not there is told to be none, and clients ask again after they have waited. */
function metadata(request: MetadataRequest, gate: Gate, services: MutationServices): Verdict<MetadataRequest, MetadataResponse> | null {
  const { config, metadata: { image } } = services;
  if (request.topics === null || !request.allowAutoTopicCreation || !config.autoCreateTopicsEnable) return null;
  const missing = request.topics.filter(({ name, topicId }) => name !== null && topicId === zeroUuid && !image.topicsByName.has(name));
  if (missing.length === 0) return null;
  const isAdmitted = gate.admit(missing.length * config.numPartitions);
  return { request: isAdmitted ? request : { ...request, allowAutoTopicCreation: false }, finish: (response) => gate.tell(response) };
}

// Each has its own request and response types; the table of them can name none.
// eslint-disable-next-line typescript/no-explicit-any
const GATES: ReadonlyMap<number, (request: any, gate: Gate, services: MutationServices) => Verdict<any, any> | null> = new Map<number, (request: any, gate: Gate, services: MutationServices) => Verdict<any, any> | null>([
  [ApiKey.CreateTopics, createTopics],
  [ApiKey.CreatePartitions, createPartitions],
  [ApiKey.DeleteTopics, deleteTopics],
  [ApiKey.Metadata, metadata],
]);

/** The four handlers behind the quota; the others as they are. */
export function limitMutations(served: readonly Served[], services: MutationServices): Served[] {
  return served.map((entry) => {
    const gateOf = GATES.get(entry.handler.apiKey);
    if (gateOf === undefined) return entry;
    const handler = intercepted(entry.handler, (request, context) => {
      const quota = services.quotas.mutations(context.connection, context.clientId);
      return quota === null ? null : gateOf(request, new Gate(quota, context), services);
    });
    return { handler, services: entry.services };
  });
}
