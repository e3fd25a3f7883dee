/** Everything this broker serves. */
import { definite } from '../base/assert.ts';
import { brokerValue } from '../config/layers.ts';
import { apiSpec } from '../protocol/framing.ts';
import { administrationHandlers } from './administration/index.ts';
import type { Served } from './dispatch.ts';
import { groupHandlers } from './groups/index.ts';
import { alterClientQuotasHandler } from './handlers/alterClientQuotas.ts';
import { alterConfigsHandler } from './handlers/alterConfigs.ts';
import { apiVersionsHandler } from './handlers/apiVersions.ts';
import { createAclsHandler } from './handlers/createAcls.ts';
import { createPartitionsHandler } from './handlers/createPartitions.ts';
import { createTopicsHandler } from './handlers/createTopics.ts';
import { deleteAclsHandler } from './handlers/deleteAcls.ts';
import { deleteRecordsHandler } from './handlers/deleteRecords.ts';
import { deleteTopicsHandler } from './handlers/deleteTopics.ts';
import { describeAclsHandler } from './handlers/describeAcls.ts';
import { describeClientQuotasHandler } from './handlers/describeClientQuotas.ts';
import { describeClusterHandler } from './handlers/describeCluster.ts';
import { describeConfigsHandler } from './handlers/describeConfigs.ts';
import { describeLogDirsHandler } from './handlers/describeLogDirs.ts';
import { describeTopicPartitionsHandler } from './handlers/describeTopicPartitions.ts';
import { fetchHandler } from './handlers/fetch.ts';
import { findCoordinatorHandler } from './handlers/findCoordinator.ts';
import { incrementalAlterConfigsHandler } from './handlers/incrementalAlterConfigs.ts';
import { initProducerIdHandler } from './handlers/initProducerId.ts';
import { listOffsetsHandler } from './handlers/listOffsets.ts';
import { metadataHandler } from './handlers/metadata.ts';
import { offsetForLeaderEpochHandler } from './handlers/offsetForLeaderEpoch.ts';
import { produceHandler } from './handlers/produce.ts';
import { securityHandlers } from './security/handlers.ts';
import { guardAll } from './security/acl/index.ts';
import { limitMutations } from './quotas/mutations.ts';
import type { BrokerServices } from './services.ts';
import { shareHandlers } from './share/index.ts';
import { telemetryHandlers } from './telemetry/index.ts';
import { transactionHandlers } from './transactions/index.ts';

const handlers: readonly Served['handler'][] = [
  produceHandler,
  fetchHandler,
  listOffsetsHandler,
  metadataHandler,
  findCoordinatorHandler,
  apiVersionsHandler,
  createTopicsHandler,
  deleteTopicsHandler,
  deleteRecordsHandler,
  initProducerIdHandler,
  offsetForLeaderEpochHandler,
  describeAclsHandler,
  createAclsHandler,
  deleteAclsHandler,
  describeConfigsHandler,
  alterConfigsHandler,
  describeLogDirsHandler,
  createPartitionsHandler,
  incrementalAlterConfigsHandler,
  describeClientQuotasHandler,
  alterClientQuotasHandler,
  describeClusterHandler,
  describeTopicPartitionsHandler,
  ...securityHandlers,
  ...groupHandlers,
  ...shareHandlers,
  ...administrationHandlers,
  ...telemetryHandlers,
  ...transactionHandlers,
];

export function servedHandlers(services: BrokerServices): Served[] {
  const offered = brokerValue(services.config.layers, 'unstable.api.versions.enable') === true ? handlers.map(withUnstableVersions) : handlers;
  const served = limitMutations(offered.map((handler) => ({ handler, services })), services);
  return services.access === null ? served : guardAll(served, services.access, services);
}

/** Versions that Kafka has not finished, for whoever asks for them by `unstable.api.versions.enable`. */
function withUnstableVersions(handler: Served['handler']): Served['handler'] {
  const { maxUnstable } = definite(apiSpec(handler.apiKey), `API ${handler.apiKey}`);
  return maxUnstable > handler.maxVersion ? { ...handler, maxVersion: maxUnstable } : handler;
}
