import type { ClusterCounters } from '../core/requestObserver.ts';
import type { ClientMetric } from './otlp.ts';
import type { LatencySums, RequestMeter } from './requestMeter.ts';

export interface MeasuredClient {
  readonly counters: ClusterCounters;
  readonly meter: RequestMeter;
  readonly hasProducers: boolean;
  readonly hasConsumers: boolean;
  readonly hasAdmin: boolean;
  readonly assignedPartitions: number;
  /** Since the last look. */
  readonly elapsedMs: number;
  readonly connectionsOpenedBefore: number;
}

/** What this client tells of KIP-714's metrics, under Kafka's names: for each kind of part that it has. */
export function clientMetrics(client: MeasuredClient): ClientMetric[] {
  return [
    ...(client.hasAdmin ? common('org.apache.kafka.admin.client', client) : []),
    ...(client.hasProducers ? common('org.apache.kafka.producer', client) : []),
    ...(client.hasConsumers ? [...common('org.apache.kafka.consumer', client), ...ofConsumers(client)] : []),
  ];
}

function common(prefix: string, { counters, meter, elapsedMs, connectionsOpenedBefore }: MeasuredClient): ClientMetric[] {
  const rate = elapsedMs > 0 ? ((counters.connectionsOpened - connectionsOpenedBefore) * 1000) / elapsedMs : 0;
  return [
    { name: `${prefix}.connection.creation.rate`, value: rate, isTotal: false },
    { name: `${prefix}.connection.creation.total`, value: counters.connectionsOpened, isTotal: true },
    { name: `${prefix}.request.total`, value: counters.requests, isTotal: true },
    { name: `${prefix}.outgoing.byte.total`, value: counters.bytesSent, isTotal: true },
    { name: `${prefix}.incoming.byte.total`, value: counters.bytesReceived, isTotal: true },
    ...latency(`${prefix}.node.request.latency`, meter.node),
  ];
}

function ofConsumers({ meter, assignedPartitions }: MeasuredClient): ClientMetric[] {
  const prefix = 'org.apache.kafka.consumer';
  return [
    { name: `${prefix}.coordinator.assigned.partitions`, value: assignedPartitions, isTotal: false },
    ...latency(`${prefix}.coordinator.commit.latency`, meter.commit),
    ...latency(`${prefix}.fetch.manager.fetch.latency`, meter.fetch),
  ];
}

function latency(name: string, { count, sumMs, maxMs }: LatencySums): ClientMetric[] {
  if (count === 0) return [];
  return [{ name: `${name}.avg`, value: sumMs / count, isTotal: false }, { name: `${name}.max`, value: maxMs, isTotal: false }];
}
