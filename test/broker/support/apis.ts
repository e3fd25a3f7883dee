/** The APIs as clients speak them. */
import * as alterConfigs from '../../../src/protocol/generated/alterConfigs.ts';
import * as apiVersions from '../../../src/protocol/generated/apiVersions.ts';
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import * as createPartitions from '../../../src/protocol/generated/createPartitions.ts';
import * as createTopics from '../../../src/protocol/generated/createTopics.ts';
import * as deleteRecords from '../../../src/protocol/generated/deleteRecords.ts';
import * as deleteTopics from '../../../src/protocol/generated/deleteTopics.ts';
import * as describeCluster from '../../../src/protocol/generated/describeCluster.ts';
import * as describeConfigs from '../../../src/protocol/generated/describeConfigs.ts';
import * as describeLogDirs from '../../../src/protocol/generated/describeLogDirs.ts';
import * as describeTopicPartitions from '../../../src/protocol/generated/describeTopicPartitions.ts';
import * as fetch from '../../../src/protocol/generated/fetch.ts';
import * as findCoordinator from '../../../src/protocol/generated/findCoordinator.ts';
import * as incrementalAlterConfigs from '../../../src/protocol/generated/incrementalAlterConfigs.ts';
import * as initProducerId from '../../../src/protocol/generated/initProducerId.ts';
import * as listOffsets from '../../../src/protocol/generated/listOffsets.ts';
import * as metadata from '../../../src/protocol/generated/metadata.ts';
import * as offsetCommit from '../../../src/protocol/generated/offsetCommit.ts';
import * as offsetFetch from '../../../src/protocol/generated/offsetFetch.ts';
import * as offsetForLeaderEpoch from '../../../src/protocol/generated/offsetForLeaderEpoch.ts';
import * as produce from '../../../src/protocol/generated/produce.ts';
import type { ClientApi } from './node.ts';

const api = <Request, Response>(apiKey: number, write: ClientApi<Request, Response>['write'], read: ClientApi<Request, Response>['read']): ClientApi<Request, Response> =>
  ({ apiKey, write, read });

export const Produce = api(ApiKey.Produce, produce.writeProduceRequest, produce.readProduceResponse);
export const Fetch = api(ApiKey.Fetch, fetch.writeFetchRequest, fetch.readFetchResponse);
export const ListOffsets = api(ApiKey.ListOffsets, listOffsets.writeListOffsetsRequest, listOffsets.readListOffsetsResponse);
export const Metadata = api(ApiKey.Metadata, metadata.writeMetadataRequest, metadata.readMetadataResponse);
export const ApiVersions = api(ApiKey.ApiVersions, apiVersions.writeApiVersionsRequest, apiVersions.readApiVersionsResponse);
export const CreateTopics = api(ApiKey.CreateTopics, createTopics.writeCreateTopicsRequest, createTopics.readCreateTopicsResponse);
export const DeleteTopics = api(ApiKey.DeleteTopics, deleteTopics.writeDeleteTopicsRequest, deleteTopics.readDeleteTopicsResponse);
export const CreatePartitions = api(ApiKey.CreatePartitions, createPartitions.writeCreatePartitionsRequest, createPartitions.readCreatePartitionsResponse);
export const DeleteRecords = api(ApiKey.DeleteRecords, deleteRecords.writeDeleteRecordsRequest, deleteRecords.readDeleteRecordsResponse);
export const DescribeConfigs = api(ApiKey.DescribeConfigs, describeConfigs.writeDescribeConfigsRequest, describeConfigs.readDescribeConfigsResponse);
export const AlterConfigs = api(ApiKey.AlterConfigs, alterConfigs.writeAlterConfigsRequest, alterConfigs.readAlterConfigsResponse);
export const IncrementalAlterConfigs = api(ApiKey.IncrementalAlterConfigs, incrementalAlterConfigs.writeIncrementalAlterConfigsRequest, incrementalAlterConfigs.readIncrementalAlterConfigsResponse);
export const DescribeCluster = api(ApiKey.DescribeCluster, describeCluster.writeDescribeClusterRequest, describeCluster.readDescribeClusterResponse);
export const DescribeTopicPartitions = api(ApiKey.DescribeTopicPartitions, describeTopicPartitions.writeDescribeTopicPartitionsRequest, describeTopicPartitions.readDescribeTopicPartitionsResponse);
export const DescribeLogDirs = api(ApiKey.DescribeLogDirs, describeLogDirs.writeDescribeLogDirsRequest, describeLogDirs.readDescribeLogDirsResponse);
export const InitProducerId = api(ApiKey.InitProducerId, initProducerId.writeInitProducerIdRequest, initProducerId.readInitProducerIdResponse);
export const FindCoordinator = api(ApiKey.FindCoordinator, findCoordinator.writeFindCoordinatorRequest, findCoordinator.readFindCoordinatorResponse);
export const OffsetForLeaderEpoch = api(ApiKey.OffsetForLeaderEpoch, offsetForLeaderEpoch.writeOffsetForLeaderEpochRequest, offsetForLeaderEpoch.readOffsetForLeaderEpochResponse);
export const OffsetCommit = api(ApiKey.OffsetCommit, offsetCommit.writeOffsetCommitRequest, offsetCommit.readOffsetCommitResponse);
export const OffsetFetch = api(ApiKey.OffsetFetch, offsetFetch.writeOffsetFetchRequest, offsetFetch.readOffsetFetchResponse);
