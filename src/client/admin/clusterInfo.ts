import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDescribeClusterRequest, readDescribeClusterResponse, writeDescribeClusterRequest } from '../../protocol/generated/describeCluster.ts';
import { makeUnregisterBrokerRequest, readUnregisterBrokerResponse, writeUnregisterBrokerRequest } from '../../protocol/generated/unregisterBroker.ts';
import { throwOnError } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';

const describeClusterApi = { apiKey: ApiKey.DescribeCluster, versionMax: 2, write: writeDescribeClusterRequest, read: readDescribeClusterResponse } as const;
const unregisterBrokerApi = { apiKey: ApiKey.UnregisterBroker, versionMax: 0, write: writeUnregisterBrokerRequest, read: readUnregisterBrokerResponse } as const;
const FENCED_VERSION = 2;
const BROKERS = 1;
/** What a broker that does not tell operations sends. */
const NOT_TOLD = -2_147_483_648;

export interface ClusterNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly isFenced: boolean;
}

export interface ClusterDescription {
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly nodes: readonly ClusterNode[];
  /** Bits by AclOperation; null: not asked for or not told. */
  readonly authorizedOperations: number | null;
}

/** By DescribeCluster, or by Metadata where the broker has only that. */
export async function describeCluster(cluster: Cluster, options: { readonly includeFencedBrokers?: boolean; readonly includeAuthorizedOperations?: boolean } = {}): Promise<ClusterDescription> {
  return cluster.retrying(async () => {
    const connection = await cluster.anyConnection();
    const fenced = options.includeFencedBrokers === true;
    if (!fenced && !connection.offers(describeClusterApi.apiKey)) return describeByMetadata(cluster);
    const body = makeDescribeClusterRequest({ endpointType: BROKERS, includeFencedBrokers: fenced, includeClusterAuthorizedOperations: options.includeAuthorizedOperations ?? false });
    const answer = await connection.request(describeClusterApi, body, { version: connection.versionOf(describeClusterApi, fenced ? FENCED_VERSION : 0) });
    throwOnError(answer.errorCode, answer.errorMessage);
    return {
      clusterId: answer.clusterId, controllerId: answer.controllerId,
      nodes: answer.brokers.map(({ brokerId, host, port, rack, isFenced }) => ({ id: brokerId, host, port, rack, isFenced })),
      authorizedOperations: answer.clusterAuthorizedOperations === NOT_TOLD ? null : answer.clusterAuthorizedOperations,
    };
  });
}

async function describeByMetadata(cluster: Cluster): Promise<ClusterDescription> {
  const answer = await cluster.metadata([]);
  return {
    clusterId: answer.clusterId, controllerId: answer.controllerId, authorizedOperations: null,
    nodes: answer.brokers.map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack, isFenced: false })),
  };
}

/** Removes a broker that is gone for good. (KRaft only) */
export async function unregisterBroker(cluster: Cluster, brokerId: number): Promise<void> {
  const answer = await cluster.retrying(async () => (await cluster.controllerConnection()).request(unregisterBrokerApi, makeUnregisterBrokerRequest({ brokerId })));
  throwOnError(answer.errorCode, answer.errorMessage);
}
