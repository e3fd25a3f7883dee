/** What administrators ask of a cluster beside topics, settings and groups. */
import type { Served } from '../dispatch.ts';
import { alterPartitionReassignmentsHandler } from './alterPartitionReassignments.ts';
import { alterReplicaLogDirsHandler } from './alterReplicaLogDirs.ts';
import { describeQuorumHandler } from './describeQuorum.ts';
import { electLeadersHandler } from './electLeaders.ts';
import { listConfigResourcesHandler } from './listConfigResources.ts';
import { listPartitionReassignmentsHandler } from './listPartitionReassignments.ts';
import { addRaftVoterHandler, removeRaftVoterHandler } from './raftVoters.ts';
import { unregisterBrokerHandler } from './unregisterBroker.ts';
import { updateFeaturesHandler } from './updateFeatures.ts';

export const administrationHandlers: readonly Served['handler'][] = [
  alterReplicaLogDirsHandler,
  electLeadersHandler,
  alterPartitionReassignmentsHandler,
  listPartitionReassignmentsHandler,
  updateFeaturesHandler,
  unregisterBrokerHandler,
  listConfigResourcesHandler,
  describeQuorumHandler,
  addRaftVoterHandler,
  removeRaftVoterHandler,
];
