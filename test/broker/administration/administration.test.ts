/** The answers are those that Apache Kafka 4.3 gives as a cluster of one node. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import { makeAlterPartitionReassignmentsRequest, readAlterPartitionReassignmentsResponse, writeAlterPartitionReassignmentsRequest } from '../../../src/protocol/generated/alterPartitionReassignments.ts';
import { makeAlterReplicaLogDirsRequest, readAlterReplicaLogDirsResponse, writeAlterReplicaLogDirsRequest } from '../../../src/protocol/generated/alterReplicaLogDirs.ts';
import { makeApiVersionsRequest } from '../../../src/protocol/generated/apiVersions.ts';
import { makeElectLeadersRequest, readElectLeadersResponse, writeElectLeadersRequest } from '../../../src/protocol/generated/electLeaders.ts';
import { makeListConfigResourcesRequest, readListConfigResourcesResponse, writeListConfigResourcesRequest } from '../../../src/protocol/generated/listConfigResources.ts';
import { makeListPartitionReassignmentsRequest, readListPartitionReassignmentsResponse, writeListPartitionReassignmentsRequest } from '../../../src/protocol/generated/listPartitionReassignments.ts';
import { makeUnregisterBrokerRequest, readUnregisterBrokerResponse, writeUnregisterBrokerRequest } from '../../../src/protocol/generated/unregisterBroker.ts';
import { makeFeatureUpdateKey, makeUpdateFeaturesRequest, readUpdateFeaturesResponse, writeUpdateFeaturesRequest } from '../../../src/protocol/generated/updateFeatures.ts';
import { ApiVersions, DescribeLogDirs } from '../support/apis.ts';
import { call, startNode } from '../support/node.ts';
import type { ClientApi, TestNode } from '../support/node.ts';
import { batch, createTopic, produce } from '../support/work.ts';

const api = <Request, Response>(apiKey: number, write: ClientApi<Request, Response>['write'], read: ClientApi<Request, Response>['read']): ClientApi<Request, Response> => ({ apiKey, write, read });

const MoveLogs = api(ApiKey.AlterReplicaLogDirs, writeAlterReplicaLogDirsRequest, readAlterReplicaLogDirsResponse);
const ElectLeaders = api(ApiKey.ElectLeaders, writeElectLeadersRequest, readElectLeadersResponse);
const Reassign = api(ApiKey.AlterPartitionReassignments, writeAlterPartitionReassignmentsRequest, readAlterPartitionReassignmentsResponse);
const ListReassignments = api(ApiKey.ListPartitionReassignments, writeListPartitionReassignmentsRequest, readListPartitionReassignmentsResponse);
const UpdateFeatures = api(ApiKey.UpdateFeatures, writeUpdateFeaturesRequest, readUpdateFeaturesResponse);
const UnregisterBroker = api(ApiKey.UnregisterBroker, writeUnregisterBrokerRequest, readUnregisterBrokerResponse);
const ListConfigResources = api(ApiKey.ListClientMetricsResources, writeListConfigResourcesRequest, readListConfigResourcesResponse);

async function withTopic(work: (node: TestNode) => Promise<void>): Promise<void> {
  const node = await startNode();
  await createTopic(node, 'a');
  await work(node);
  await node.stop();
}

describe('leaders', () => {
  it('are not elected where the preferred one leads', () => withTopic(async (node) => {
    const topicPartitions = [{ topic: 'a', partitions: [0, 99] }, { topic: 'nope', partitions: [0] }];
    for (const electionType of [0, 1]) {
      const response = await call(node, ElectLeaders, 2, makeElectLeadersRequest({ electionType, topicPartitions }));
      expect(response).toMatchObject({
        errorCode: 0,
        replicaElectionResults: [
          {
            topic: 'a',
            partitionResult: [
              { partitionId: 0, errorCode: ErrorCode.ELECTION_NOT_NEEDED, errorMessage: 'Leader election not needed for topic partition.' },
              { partitionId: 99, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: 'No such partition as a-99' },
            ],
          },
          { topic: 'nope', partitionResult: [{ partitionId: 0, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: 'No such topic as nope' }] },
        ],
      });
    }
    expect(await call(node, ElectLeaders, 0, makeElectLeadersRequest({ topicPartitions: null }))).toMatchObject({ replicaElectionResults: [{ topic: 'a', partitionResult: [] }] });
    expect(await call(node, ElectLeaders, 2, makeElectLeadersRequest({ electionType: 5, topicPartitions: [{ topic: 'a', partitions: [0] }] }))).toMatchObject({
      errorCode: ErrorCode.INVALID_REQUEST,
      replicaElectionResults: [{ topic: 'a', partitionResult: [{ errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Unknown election type 5' }] }],
    });
  }));
});

describe('replicas', () => {
  const reassign = async (node: TestNode, replicas: number[] | null, name = 'a', partitionIndex = 0) =>
    (await call(node, Reassign, 1, makeAlterPartitionReassignmentsRequest({ topics: [{ name, partitions: [{ partitionIndex, replicas }] }] }))).responses[0]!.partitions[0]!;

  it('stay where they are, or are refused with the reason', () => withTopic(async (node) => {
    const id = [...node.metadata.image.brokers.keys()][0]!;
    expect(await reassign(node, [id])).toMatchObject({ errorCode: 0, errorMessage: null });
    const refused = { errorCode: ErrorCode.INVALID_REPLICA_ASSIGNMENT };
    expect(await reassign(node, [99])).toMatchObject({ ...refused, errorMessage: 'The manual partition assignment includes broker 99, but no such broker is registered.' });
    expect(await reassign(node, [])).toMatchObject({ ...refused, errorMessage: 'The manual partition assignment includes an empty replica list.' });
    expect(await reassign(node, [id, id])).toMatchObject({ ...refused, errorMessage: `The manual partition assignment includes the broker ${id} more than once.` });
    expect(await reassign(node, null)).toMatchObject({ errorCode: ErrorCode.NO_REASSIGNMENT_IN_PROGRESS });
    expect(await reassign(node, [id], 'a', 99)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: 'Unable to find partition a:99.' });
    expect(await reassign(node, [id], 'nope')).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: 'Unable to find a topic named nope.' });
    expect(await call(node, ListReassignments, 0, makeListPartitionReassignmentsRequest({ topics: null }))).toMatchObject({ errorCode: 0, topics: [] });
  }));

  it('of a broker that is not there cannot be forgotten, nor those of this one', () => withTopic(async (node) => {
    const id = [...node.metadata.image.brokers.keys()][0]!;
    expect(await call(node, UnregisterBroker, 0, makeUnregisterBrokerRequest({ brokerId: 99 }))).toMatchObject({
      errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED, errorMessage: 'Broker ID 99 is not currently registered',
    });
    expect(await call(node, UnregisterBroker, 0, makeUnregisterBrokerRequest({ brokerId: id }))).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
  }));
});

describe('log directories', () => {
  const move = async (node: TestNode, path: string, partitions: number[], name = 'a') =>
    (await call(node, MoveLogs, 2, makeAlterReplicaLogDirsRequest({ dirs: [{ path, topics: [{ name, partitions }] }] }))).results.flatMap(({ partitions: results }) => results.map(({ errorCode }) => errorCode));
  const placeOf = async (node: TestNode) => (await call(node, DescribeLogDirs, 4, { topics: null })).results.filter(({ topics }) => topics.some(({ name }) => name === 'a')).map(({ logDir }) => logDir);

  it('change places while in use', async () => {
    const node = await startNode({ settings: { 'log.dirs': '/data,/other' } });
    await createTopic(node, 'a');
    await produce(node, 'a', 0, batch(['x', 'y']));
    const [from] = await placeOf(node);
    const to = from === '/data' ? '/other' : '/data';
    expect(await move(node, to, [0])).toEqual([0]);
    for (let turn = 0; turn < 20; turn++) await node.ports.clock.advance(0);
    expect(await placeOf(node)).toEqual([to]);
    expect((await produce(node, 'a', 0, batch(['z']))).errorCode).toBe(0);
    expect(node.broker.services.partitions.find('a', 0)!.log!.logEndOffset).toBe(3);
    await node.stop();
  });

  it('that are not there, and partitions that are not, are refused', () => withTopic(async (node) => {
    expect(await move(node, '/nope', [0, 99])).toEqual([ErrorCode.LOG_DIR_NOT_FOUND, ErrorCode.LOG_DIR_NOT_FOUND]);
    expect(await move(node, '/data', [0, 99])).toEqual([0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
  }));
});

describe('features', () => {
  const NAME = 'transaction.version';
  const update = (node: TestNode, changes: { feature?: string; maxVersionLevel: number; upgradeType?: number }[], validateOnly = false, version = 1) =>
    call(node, UpdateFeatures, version, makeUpdateFeaturesRequest({ validateOnly, featureUpdates: changes.map((change) => makeFeatureUpdateKey({ feature: NAME, upgradeType: 1, ...change })) }));
  const levels = async (node: TestNode) => {
    const { finalizedFeatures } = await call(node, ApiVersions, 4, makeApiVersionsRequest({ clientSoftwareName: 'test', clientSoftwareVersion: '1' }));
    return Object.fromEntries(finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]));
  };
  const why = (problem: string) => `The update failed for all features since the following feature had an error: Invalid update version ${problem}`;

  it('go down and up, all or none, and stay off over a restart', () => withTopic(async (node) => {
    const before = (await levels(node))[NAME];
    expect(await update(node, [{ maxVersionLevel: 0, upgradeType: 2 }], true)).toMatchObject({ errorCode: 0, results: [{ feature: NAME, errorCode: 0, errorMessage: 'NONE' }] });
    expect((await levels(node))[NAME]).toBe(before);
    expect(await update(node, [{ maxVersionLevel: 0, upgradeType: 2 }, { feature: 'foo', maxVersionLevel: 1 }])).toMatchObject({ errorCode: ErrorCode.INVALID_UPDATE_VERSION });
    expect((await levels(node))[NAME]).toBe(before);
    expect(await update(node, [{ maxVersionLevel: 0, upgradeType: 2 }], false, 2)).toMatchObject({ errorCode: 0, results: [] });
    expect((await levels(node))[NAME]).toBeUndefined();
    await node.stop();
    const again = await startNode({ disk: node.disk, ports: node.ports });
    expect((await levels(again))[NAME]).toBeUndefined();
    expect(await update(again, [{ maxVersionLevel: 1 }])).toMatchObject({ errorCode: 0 });
    expect((await levels(again))[NAME]).toBe(1);
    await again.stop();
  }));

  it('are refused in Kafka\'s words', () => withTopic(async (node) => {
    const id = node.metadata.image.controllerId;
    const refused = (errorMessage: string) => ({ errorCode: ErrorCode.INVALID_UPDATE_VERSION, errorMessage: why(errorMessage), results: [] });
    expect(await update(node, [{ maxVersionLevel: -1 }])).toMatchObject(refused(`-1 for feature ${NAME}. A feature version cannot be less than 0.`));
    expect(await update(node, [{ maxVersionLevel: 1, upgradeType: 0 }])).toMatchObject(refused(`1 for feature ${NAME}. The controller does not support the given upgrade type.`));
    expect(await update(node, [{ maxVersionLevel: 9 }])).toMatchObject(refused(`9 for feature ${NAME}. Local controller ${id} only supports versions 0-2`));
    expect(await update(node, [{ feature: 'foo', maxVersionLevel: 1 }])).toMatchObject(refused(`1 for feature foo. Local controller ${id} does not support this feature.`));
    expect(await update(node, [{ maxVersionLevel: 1 }])).toMatchObject(
      refused(`1 for feature ${NAME}. Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.`));
  }));
});

describe('resources that have settings', () => {
  it('are listed by type', () => withTopic(async (node) => {
    const id = String([...node.metadata.image.brokers.keys()][0]);
    const list = async (resourceTypes: number[], version = 1) => {
      const { errorCode, configResources } = await call(node, ListConfigResources, version, makeListConfigResourcesRequest(version === 0 ? {} : { resourceTypes }));
      return errorCode === 0 ? configResources.map(({ resourceName, resourceType }) => `${resourceType}:${resourceName}`).sort() : errorCode;
    };
    expect(await list([])).toEqual([`2:a`, `4:${id}`, `8:${id}`]);
    expect(await list([2, 2])).toEqual(['2:a']);
    expect(await list([32])).toEqual([]);
    expect(await list([], 0)).toEqual([]);
    expect(await list([99])).toBe(ErrorCode.UNSUPPORTED_VERSION);
  }));
});
