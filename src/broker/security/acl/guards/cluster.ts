/** APIs that one operation on the cluster opens, and what a caller is told that he may do with it. */
import { AclOperation } from '../../../../metadata/acls.ts';
import { ErrorCode } from '../../../../protocol/errors.ts';
import { ApiKey } from '../../../../protocol/generated/apis.ts';
import type { DescribeClusterRequest, DescribeClusterResponse } from '../../../../protocol/generated/describeCluster.ts';
import { guardOf } from '../guard.ts';
import type { GuardCall, GuardOfApi, Verdict } from '../guard.ts';

const { alter, alterConfigs, clusterAction, describe, describeConfigs } = AclOperation;

const REFUSED = { refusal: ErrorCode.CLUSTER_AUTHORIZATION_FAILED, message: 'Cluster authorization failed.' };

const needs = (operation: number) => (_request: unknown, { caller }: GuardCall) => (caller.mayCluster(operation) ? null : REFUSED);

/** Any one of `operations` is enough. */
const needsAny = (...operations: number[]) => (_request: unknown, { caller }: GuardCall) => (operations.some((operation) => caller.mayCluster(operation)) ? null : REFUSED);

/** By operation on the cluster, the APIs that it opens as a whole. */
const OPENED: readonly (readonly [operation: number, apiKeys: readonly number[]])[] = [
  [clusterAction, [
    ApiKey.LeaderAndIsr, ApiKey.StopReplica, ApiKey.UpdateMetadata, ApiKey.ControlledShutdown, ApiKey.AlterPartition, ApiKey.BrokerRegistration,
    ApiKey.BrokerHeartbeat, ApiKey.ControllerRegistration, ApiKey.UnregisterController, ApiKey.AllocateProducerIds, ApiKey.AssignReplicasToDirs, ApiKey.Envelope, ApiKey.FetchSnapshot, ApiKey.Vote,
    ApiKey.BeginQuorumEpoch, ApiKey.EndQuorumEpoch, ApiKey.UpdateRaftVoter, ApiKey.InitializeShareGroupState, ApiKey.ReadShareGroupState,
    ApiKey.WriteShareGroupState, ApiKey.DeleteShareGroupState, ApiKey.ReadShareGroupStateSummary,
  ]],
  [alter, [
    ApiKey.CreateAcls, ApiKey.DeleteAcls, ApiKey.AlterReplicaLogDirs, ApiKey.ElectLeaders, ApiKey.AlterPartitionReassignments, ApiKey.AlterUserScramCredentials,
    ApiKey.UpdateFeatures, ApiKey.UnregisterBroker, ApiKey.AddRaftVoter, ApiKey.RemoveRaftVoter,
  ]],
  [describe, [ApiKey.DescribeAcls, ApiKey.DescribeLogDirs, ApiKey.ListPartitionReassignments, ApiKey.DescribeUserScramCredentials, ApiKey.DescribeQuorum]],
  [describeConfigs, [ApiKey.DescribeClientQuotas, ApiKey.ListClientMetricsResources]],
  [alterConfigs, [ApiKey.AlterClientQuotas]],
];

function describeCluster(request: DescribeClusterRequest, { caller }: GuardCall): Verdict<DescribeClusterRequest, DescribeClusterResponse> | null {
  if (!request.includeClusterAuthorizedOperations) return null;
  return {
    finish(response) {
      if (response.errorCode === ErrorCode.NONE) response.clusterAuthorizedOperations = caller.mayCluster(describe) ? caller.clusterOperations() : 0;
    },
  };
}

export const clusterGuards: readonly GuardOfApi[] = [
  ...OPENED.flatMap(([operation, apiKeys]) => apiKeys.map((apiKey) => guardOf(apiKey, needs(operation)))),
  guardOf(ApiKey.WriteTxnMarkers, needsAny(alter, clusterAction)),
  guardOf(ApiKey.DescribeCluster, describeCluster),
];
