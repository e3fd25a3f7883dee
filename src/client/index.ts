import { randomUUID } from 'node:crypto';
import { silentLogger, systemClock, systemRandom } from '../base/systemPorts.ts';
import { createTcpNetwork } from '../net/tcp.ts';
import { Cluster, parseBootstrap, type ClusterOptions } from './core/cluster.ts';

export { Admin, type ConfigEdit, type NewTopicSpec } from './admin/admin.ts';
export { Consumer, OffsetAt, type ConsumerOptions, type RecordListener } from './consumer/consumer.ts';
export { ClientError } from './core/clientError.ts';
export { Cluster, parseBootstrap, type ClusterOptions } from './core/cluster.ts';
export { Producer, type DeliveryListener, type OutgoingRecord, type ProducerOptions } from './producer/producer.ts';

/** A cluster on this machine's network and clock, with Kafka's defaults. */
export function connectCluster(bootstrap: string, options: Partial<ClusterOptions> = {}): Cluster {
  return new Cluster({
    bootstrap: parseBootstrap(bootstrap), clientId: `tidelog-${randomUUID()}`, network: createTcpNetwork(), clock: systemClock, random: systemRandom, logger: silentLogger,
    requestTimeoutMs: 30_000, apiTimeoutMs: 60_000, connectTimeoutMs: 10_000, retryBackoffMs: 100, retryBackoffMaxMs: 1000, metadataMaxAgeMs: 300_000, softwareVersion: '0.1.0',
    ...options,
  });
}
