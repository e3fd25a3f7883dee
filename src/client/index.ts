/** The client as a library: a cluster, and what works on it. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/ports.ts';
import { silentLogger, systemClock, systemRandom } from '../base/systemPorts.ts';
import { packageVersion } from '../base/version.ts';
import { createTcpNetwork } from '../net/tcp.ts';
import { parseBootstrap } from './core/bootstrap.ts';
import { Cluster, type ClusterOptions } from './core/cluster.ts';

export { Admin, type ConfigEdit, type NewTopicSpec, type TopicListing } from './admin/admin.ts';
export type { PartitionDescription, TopicDescription } from './admin/describeTopics.ts';
export { Consumer, type PartitionToRead } from './consumer/consumer.ts';
export { defaultConsumerOptions, type ConsumerOptions } from './consumer/consumerOptions.ts';
export type { RecordListener } from './consumer/fetcher.ts';
export { OffsetAt } from './consumer/offsetLookup.ts';
export { parseBootstrap } from './core/bootstrap.ts';
export { ClientError, type ClientErrorCode } from './core/clientError.ts';
export { Cluster, type ClusterOptions } from './core/cluster.ts';
export { Producer, type Delivery, type DeliveryListener, type OutgoingRecord } from './producer/producer.ts';
export { defaultProducerOptions, type ProducerOptions } from './producer/producerOptions.ts';
export { adminOptions, consumerOptions, producerOptions, type ClientSettings, type ClusterSettings } from './settings/clientSettings.ts';

/** The machine's clock with timers that keep the process alive: who awaits the client must not be ended by Node meanwhile. */
export const clientClock: Clock = {
  ...systemClock,
  setTimer(delayMs, fire) {
    const handle = setTimeout(fire, Math.min(Math.max(delayMs, 0), 2 ** 31 - 1));
    return { cancel: () => clearTimeout(handle) };
  },
};

/** A cluster on this machine's network and clock, with Kafka's defaults. Throws ClientError INVALID_ARGUMENT for a bad `bootstrap`. */
export function connectCluster(bootstrap: string, options: Partial<ClusterOptions> = {}): Cluster {
  return new Cluster({
    bootstrap: parseBootstrap(bootstrap), clientId: `tidelog-${randomUUID()}`, network: createTcpNetwork(), clock: clientClock, random: systemRandom, logger: silentLogger,
    requestTimeoutMs: 30_000, apiTimeoutMs: 60_000, connectTimeoutMs: 10_000, retryBackoffMs: 100, retryBackoffMaxMs: 1000, metadataMaxAgeMs: 300_000, softwareVersion: packageVersion(),
    ...options,
  });
}
