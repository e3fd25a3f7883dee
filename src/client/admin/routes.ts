import { groupBy } from '../../base/collections.ts';
import { ErrorCode, type KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeFindCoordinatorRequest, readFindCoordinatorResponse, writeFindCoordinatorRequest } from '../../protocol/generated/findCoordinator.ts';
import type { Cluster } from '../core/cluster.ts';
import type { BrokerConnection } from '../core/connection.ts';
import { failure, type Place, type Route } from './driver.ts';
import type { Outcome } from './outcome.ts';
import { byTopic, type TopicPartition } from './partitionMap.ts';

const findCoordinatorApi = { apiKey: ApiKey.FindCoordinator, versionMax: 6, write: writeFindCoordinatorRequest, read: readFindCoordinatorResponse } as const;
/** From this version on, several keys are asked for at once. (KIP-699) */
const BATCHED_VERSION = 4;

export const CoordinatorType = { group: 0, transaction: 1, share: 2 } as const;
export type CoordinatorType = (typeof CoordinatorType)[keyof typeof CoordinatorType];

const passesOn = (codes: ReadonlySet<number>) => (error: KafkaError): boolean => codes.has(error.code);

const CONTROLLER_CODES = new Set<number>([ErrorCode.NOT_CONTROLLER, ErrorCode.THROTTLING_QUOTA_EXCEEDED]);
const COORDINATOR_CODES = new Set<number>([ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.CONCURRENT_TRANSACTIONS]);

/** Any broker, which passes on what it cannot do itself. */
export function anyBroker<K>(cluster: Cluster): Route<K> {
  return {
    place: async (keys) => [{ connect: () => cluster.anyConnection(), brokerId: null, keys }],
    forget() {},
    isPassing: () => false,
  };
}

export function controller<K>(cluster: Cluster): Route<K> {
  return {
    place: async (keys) => [{ connect: () => cluster.controllerConnection(), brokerId: null, keys }],
    forget: () => cluster.forgetController(),
    isPassing: passesOn(CONTROLLER_CODES),
  };
}

/** The broker that `brokerOf` names for a key; null: any. */
export function brokers<K>(cluster: Cluster, brokerOf: (key: K) => number | null): Route<K> {
  return {
    async place(keys) {
      return [...groupBy(keys, brokerOf)].map(([id, group]) => ({ connect: () => (id === null ? cluster.anyConnection() : cluster.connectionTo(id)), brokerId: id, keys: group }));
    },
    forget() {},
    isPassing: () => false,
  };
}

/** The coordinator of each group or transactional id. */
export function coordinators<K>(cluster: Cluster, type: CoordinatorType, nameOf: (key: K) => string): Route<K> {
  return {
    async place(keys, failed) {
      const nodes = await findCoordinators(cluster, type, [...new Set(keys.map(nameOf))]);
      return placeByBroker(cluster, keys, failed, (key) => nodes.get(nameOf(key)) ?? failure(ErrorCode.COORDINATOR_NOT_AVAILABLE));
    },
    forget() {},
    isPassing: passesOn(COORDINATOR_CODES),
  };
}

/** The leader of each partition. A topic that is not known is looked for again, as it may be new. */
export function leaders<K extends TopicPartition>(cluster: Cluster): Route<K> {
  return {
    async place(keys, failed) {
      const topics = [...byTopic(keys).keys()];
      const unknown = topics.filter((topic) => cluster.knownLeaders(topic) === null);
      const errors = new Map<string, number>();
      if (unknown.length > 0) for (const topic of (await cluster.metadata(unknown)).topics) errors.set(topic.name ?? '', topic.errorCode);
      return placeByBroker(cluster, keys, failed, ({ topic, partition }) => {
        const code = errors.get(topic) ?? ErrorCode.NONE;
        if (code !== ErrorCode.NONE) return failure(code, `topic ${topic}`);
        const leader = cluster.knownLeaders(topic)?.[partition];
        if (leader === undefined) return failure(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `partition ${topic}-${partition}`);
        return leader.leader < 0 ? failure(ErrorCode.LEADER_NOT_AVAILABLE, `partition ${topic}-${partition}`) : { value: leader.leader };
      });
    },
    forget(keys) {
      for (const topic of byTopic(keys).keys()) cluster.forget(topic);
    },
    isPassing: (error) => error.retriable || error.refreshMetadata,
  };
}

/** Every broker of the cluster, each asked for its own id. */
export async function brokerIds(cluster: Cluster): Promise<number[]> {
  const answer = await cluster.retrying(() => cluster.metadata([]));
  return answer.brokers.map(({ nodeId }) => nodeId);
}

function placeByBroker<K>(cluster: Cluster, keys: readonly K[], failed: Map<K, Outcome<never>>, find: (key: K) => Outcome<number>): Place<K>[] {
  const found = new Map<K, number>();
  for (const key of keys) {
    const outcome = find(key);
    if (outcome.error === undefined) found.set(key, outcome.value as number);
    else failed.set(key, outcome as Outcome<never>);
  }
  return [...groupBy([...found.keys()], (key) => found.get(key) as number)].map(([id, group]) => ({ connect: () => cluster.connectionTo(id), brokerId: id, keys: group }));
}

/** The broker that coordinates each name. */
export async function findCoordinators(cluster: Cluster, keyType: CoordinatorType, names: readonly string[]): Promise<Map<string, Outcome<number>>> {
  const connection = await cluster.anyConnection();
  const version = connection.versionOf(findCoordinatorApi, keyType === CoordinatorType.group ? 0 : 1);
  if (version >= BATCHED_VERSION) return findTogether(connection, version, keyType, names);
  const found = new Map<string, Outcome<number>>();
  for (const key of names) {
    const answer = await connection.request(findCoordinatorApi, makeFindCoordinatorRequest({ key, keyType }), { version });
    found.set(key, answer.errorCode === ErrorCode.NONE ? { value: answer.nodeId } : failure(answer.errorCode, answer.errorMessage));
  }
  return found;
}

async function findTogether(connection: BrokerConnection, version: number, keyType: number, names: readonly string[]): Promise<Map<string, Outcome<number>>> {
  const answer = await connection.request(findCoordinatorApi, makeFindCoordinatorRequest({ keyType, coordinatorKeys: [...names] }), { version });
  return new Map(answer.coordinators.map(({ key, nodeId, errorCode, errorMessage }) => [key, errorCode === ErrorCode.NONE ? { value: nodeId } : failure(errorCode, errorMessage)]));
}
