import type { Disk } from '../base/disk.ts';
import type { LogThreshold } from '../base/logThreshold.ts';
import type { Clock, Logger, Random } from '../base/ports.ts';
import type { BrokerConfig } from '../config/types.ts';
import type { BrokerEndpoint, BrokerRegistration, ClusterMetadata } from '../metadata/types.ts';
import type { MetricsRegistry } from '../metrics/registry.ts';
import type { LogManager } from '../storage/types.ts';
import type { FetchSessions } from './fetch/sessions.ts';
import type { GroupCoordinator } from './groups/index.ts';
import type { PartitionTable } from './partition/partitions.ts';
import type { ProducerIds } from './producerIds.ts';
import type { ClientQuotas } from './quotas/clientQuotas.ts';
import type { Access } from './security/acl/access.ts';
import type { ShareGroups } from './groups/share/shareGroups.ts';
import type { Share } from './share/index.ts';
import type { Telemetry } from './telemetry/index.ts';
import type { TopicCreation } from './topicCreation.ts';
import type { Transactions } from './transactions/index.ts';
import type { Authentication } from './security/index.ts';
import type { Waiting } from './waiting.ts';

/** The span of versions of one API, as ApiVersions tells it. */
export interface ServedApi {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** What handlers work with. One object for the life of the broker. */
export interface BrokerServices {
  readonly nodeId: number;
  /** Live: settings made while running are in it. Read it anew for each request. */
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** From which level on `logger` speaks. */
  readonly logThreshold: LogThreshold;
  readonly metrics: MetricsRegistry;
  readonly disk: Disk;
  readonly logs: LogManager;
  readonly metadata: ClusterMetadata;
  readonly partitions: PartitionTable;
  readonly waiting: Waiting;
  readonly fetchSessions: FetchSessions;
  readonly producerIds: ProducerIds;
  readonly topicCreation: TopicCreation;
  readonly groupCoordinator: GroupCoordinator;
  readonly transactions: Transactions;
  readonly share: Share;
  readonly shareGroups: ShareGroups;
  /** Null without an authorizer: everybody may do everything. Guards ask it before handlers run. */
  readonly access: Access | null;
  readonly quotas: ClientQuotas;
  readonly telemetry: Telemetry;
  readonly authentication: Authentication;
  /** Everything served, in the order of the keys. */
  readonly servedApis: readonly ServedApi[];
}

/** Where clients of a listener reach a broker; undefined when it is fenced or has no such listener. */
export function endpointOf(broker: BrokerRegistration | undefined, listenerName: string): BrokerEndpoint | undefined {
  if (broker === undefined || broker.fenced) return undefined;
  return broker.endpoints.find((endpoint) => endpoint.listener === listenerName);
}
