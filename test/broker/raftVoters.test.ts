import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeAddRaftVoterRequest, readAddRaftVoterResponse, writeAddRaftVoterRequest } from '../../src/protocol/generated/addRaftVoter.ts';
import { ApiKey } from '../../src/protocol/generated/apis.ts';
import { makeRemoveRaftVoterRequest, readRemoveRaftVoterResponse, writeRemoveRaftVoterRequest } from '../../src/protocol/generated/removeRaftVoter.ts';
import { call, startNode } from './support/node.ts';

const Add = { apiKey: ApiKey.AddRaftVoter, write: writeAddRaftVoterRequest, read: readAddRaftVoterResponse };
const Remove = { apiKey: ApiKey.RemoveRaftVoter, write: writeRemoveRaftVoterRequest, read: readRemoveRaftVoterResponse };

describe('Raft voters', () => {
  it('cannot be changed: the cluster has none', async () => {
    const node = await startNode();
    const { clusterId } = node.metadata.image;
    const refused = { errorCode: ErrorCode.UNSUPPORTED_VERSION, errorMessage: expect.stringContaining('kraft.version') as string };
    expect(await call(node, Add, 0, makeAddRaftVoterRequest({ clusterId, voterId: 3 }))).toMatchObject(refused);
    expect(await call(node, Add, 1, makeAddRaftVoterRequest({ clusterId: null, voterId: 3 }))).toMatchObject(refused);
    expect(await call(node, Remove, 0, makeRemoveRaftVoterRequest({ clusterId, voterId: 3 }))).toMatchObject(refused);
    expect(await call(node, Remove, 0, makeRemoveRaftVoterRequest({ clusterId: 'another', voterId: 3 }))).toMatchObject({ errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID });
    await node.stop();
  });
});
