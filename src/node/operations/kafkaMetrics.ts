/**
 * What Prometheus is told, under the names that the usual rules of Kafka's JMX exporter make of Kafka's MBeans: dashboards made for Kafka read them.
 * Everything is read when a scrape asks; nothing is kept.
 */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Broker, BrokerServices } from '../../broker/index.ts';
import type { MetricsRegistry } from '../../metrics/registry.ts';

/** One time series of a metric: its labels and its value now. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

export interface MetricSource {
  readonly name: string;
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  readonly labels: readonly string[];
  read(): Iterable<Sample>;
}

const QUANTILES = [0.5, 0.75, 0.95, 0.98, 0.99, 0.999];
const NO_LABELS = {};
const RUNNING = 3;

/** Mounts a source: prom-client asks `read` at each scrape. */
export function mount(registry: Registry, { name, help, kind, labels, read }: MetricSource): void {
  const labelNames = [...labels];
  if (kind === 'gauge') {
    const gauge: Gauge = new Gauge({
      name, help, labelNames, registers: [registry],
      collect() {
        gauge.reset();
        for (const [own, value] of read()) gauge.set(own, value);
      },
    });
    return;
  }
  const counter: Counter = new Counter({
    name, help, labelNames, registers: [registry],
    collect() {
      counter.reset();
      for (const [own, value] of read()) counter.inc(own, value);
    },
  });
}

const gauge = (name: string, help: string, read: () => number): MetricSource => ({ name, help, kind: 'gauge', labels: [], read: () => [[NO_LABELS, read()]] });

export function kafkaMetrics(broker: Broker, metrics: MetricsRegistry): MetricSource[] {
  const { services } = broker;
  return [...brokerMetrics(services), ...topicMetrics(services), ...logMetrics(services), ...requestMetrics(metrics), ...groupMetrics(services), clientInstances(services), ...registryGauges(metrics)];
}

function brokerMetrics(services: BrokerServices): MetricSource[] {
  const { image } = services.metadata;
  const partitionCount = (accept: (partition: { leader: number; isOffline: boolean; isLeader: boolean }) => boolean): number => {
    let count = 0;
    for (const { partitions } of services.partitions.topics()) for (const partition of partitions) if (accept(partition)) count++;
    return count;
  };
  const brokers = (fenced: boolean): number => [...image.brokers.values()].filter((one) => one.fenced === fenced).length;
  return [
    gauge('kafka_server_kafkaserver_brokerstate', 'State of the broker: 3 is running.', () => RUNNING),
    gauge('kafka_controller_kafkacontroller_activecontrollercount', 'Whether this node is the controller.', () => (image.controllerId === services.nodeId ? 1 : 0)),
    gauge('kafka_controller_kafkacontroller_activebrokercount', 'Brokers that serve.', () => brokers(false)),
    gauge('kafka_controller_kafkacontroller_fencedbrokercount', 'Brokers that do not serve.', () => brokers(true)),
    gauge('kafka_controller_kafkacontroller_globaltopiccount', 'Topics of the cluster.', () => image.topicsByName.size),
    gauge('kafka_controller_kafkacontroller_globalpartitioncount', 'Partitions of the cluster.', () => partitionCount(() => true)),
    gauge('kafka_controller_kafkacontroller_offlinepartitionscount', 'Partitions without a leader that can serve.', () => partitionCount(({ isOffline, leader }) => isOffline || leader < 0)),
    gauge('kafka_server_replicamanager_partitioncount', 'Partitions on this broker.', () => partitionCount(() => true)),
    gauge('kafka_server_replicamanager_leadercount', 'Partitions that this broker leads.', () => partitionCount(({ isLeader }) => isLeader)),
    gauge('kafka_server_replicamanager_offlinereplicacount', 'Replicas here whose log cannot be used.', () => partitionCount(({ isOffline }) => isOffline)),
    gauge('kafka_server_replicamanager_underreplicatedpartitions', 'Partitions with fewer replicas in sync than there are.', () => underReplicated(services)),
  ];
}

function underReplicated(services: BrokerServices): number {
  let count = 0;
  for (const { partitions } of services.partitions.topics()) {
    for (const { image, isLeader } of partitions) if (isLeader && image.inSyncReplicas.length < image.replicas.length) count++;
  }
  return count;
}

const TOPIC_COUNTS = [
  ['messagesin', 'recordsIn', 'Records appended.'],
  ['bytesin', 'bytesIn', 'Bytes of record batches appended.'],
  ['bytesout', 'bytesOut', 'Bytes of record batches fetched.'],
  ['bytesrejected', 'bytesRejected', 'Bytes of record batches refused.'],
  ['totalproducerequests', 'produceRequests', 'Produce requests, by partition.'],
  ['failedproducerequests', 'failedProduceRequests', 'Produce requests that failed, by partition.'],
  ['totalfetchrequests', 'fetchRequests', 'Fetch requests, by partition.'],
  ['failedfetchrequests', 'failedFetchRequests', 'Fetch requests that failed, by partition.'],
] as const;

function topicMetrics({ partitions }: BrokerServices): MetricSource[] {
  return TOPIC_COUNTS.map(([name, field, help]): MetricSource => ({
    name: `kafka_server_brokertopicmetrics_${name}_total`, help: `${help} Without a topic: of all, deleted ones included.`, kind: 'counter', labels: ['topic'],
    *read() {
      yield [NO_LABELS, partitions.traffic[field]];
      for (const { name: topic, traffic } of partitions.topics()) yield [{ topic }, traffic[field]];
    },
  }));
}

/** Those of each log are in logMetrics.ts. */
function logMetrics({ logs }: BrokerServices): MetricSource[] {
  return [
    gauge('kafka_log_logmanager_offlinelogdirectorycount', 'Log directories that failed.', () => logs.directories.filter(({ online }) => !online).length),
    {
      name: 'kafka_log_logmanager_logdirectoryoffline', help: 'Whether the log directory failed.', kind: 'gauge', labels: ['logDirectory'],
      read: () => logs.directories.map(({ path, online }): Sample => [{ logDirectory: path }, online ? 0 : 1]),
    },
  ];
}

function requestMetrics(metrics: MetricsRegistry): MetricSource[] {
  const counts = (registryName: string, name: string, help: string): MetricSource => ({
    name: `kafka_network_requestmetrics_${name}_total`, help, kind: 'counter', labels: ['request'],
    *read() {
      for (const { name: own, labels, value } of metrics.counters()) if (own === registryName && value.value > 0) yield [labels, value.value];
    },
  });
  const times = function* () {
    for (const { name, labels, value } of metrics.histograms()) if (name === 'request_total_time_ms' && value.count > 0) yield { labels, value };
  };
  return [
    counts('requests', 'requests', 'Requests.'),
    counts('request_errors', 'errors', 'Requests whose handler failed.'),
    counts('request_bytes', 'requestbytes', 'Bytes of requests.'),
    {
      name: 'kafka_network_requestmetrics_totaltimems', help: 'Milliseconds from a whole request to its reply.', kind: 'gauge', labels: ['request', 'quantile'],
      *read() {
        for (const { labels, value } of times()) for (const quantile of QUANTILES) yield [{ ...labels, quantile: String(quantile) }, value.quantile(quantile)];
      },
    },
    {
      name: 'kafka_network_requestmetrics_totaltimems_count', help: 'Requests that were answered.', kind: 'counter', labels: ['request'],
      *read() {
        for (const { labels, value } of times()) yield [labels, value.count];
      },
    },
    {
      name: 'kafka_network_requestmetrics_totaltimems_sum', help: 'Sum of the milliseconds.', kind: 'counter', labels: ['request'],
      *read() {
        for (const { labels, value } of times()) yield [labels, value.sum];
      },
    },
  ];
}

function groupMetrics({ groupCoordinator }: BrokerServices): MetricSource[] {
  const listed = (): { groupState: string; groupType: string }[] => {
    const groups = groupCoordinator.list({ states: [], types: [] });
    // While groups are loading there is nothing to tell.
    return typeof groups === 'number' ? [] : groups;
  };
  const countBy = (key: 'groupState' | 'groupType', label: string): Sample[] => {
    const counts = new Map<string, number>();
    for (const group of listed()) counts.set(group[key], (counts.get(group[key]) ?? 0) + 1);
    return [...counts].map(([value, count]): Sample => [{ [label]: value }, count]);
  };
  return [
    gauge('kafka_coordinator_group_groupmetadatamanager_numgroups', 'Groups.', () => listed().length),
    { name: 'kafka_server_group_coordinator_metrics_group_count', help: 'Groups by protocol.', kind: 'gauge', labels: ['protocol'], read: () => countBy('groupType', 'protocol') },
    { name: 'kafka_server_group_coordinator_metrics_group_state_count', help: 'Groups by state.', kind: 'gauge', labels: ['state'], read: () => countBy('groupState', 'state') },
  ];
}

const clientInstances = ({ telemetry }: BrokerServices): MetricSource =>
  gauge('kafka_server_client_metrics_instance_count', 'Clients that push metrics of themselves.', () => telemetry.instanceCount);

const NOT_IN_NAMES = /[^a-zA-Z0-9_:]/g;

/** What clients pushed of themselves, as Prometheus reads it: prom-client wants to know all labels of a metric before, and clients have their own. */
export function clientMetricsText({ telemetry }: BrokerServices): string {
  const byName = new Map<string, string[]>();
  for (const { name, labels, value } of telemetry.samples()) {
    const series = `kafka_client_${name.replace(NOT_IN_NAMES, '_').toLowerCase()}`;
    const pairs = Object.entries(labels).map(([label, text]) => `${label.replace(NOT_IN_NAMES, '_')}=${JSON.stringify(text)}`);
    byName.set(series, [...(byName.get(series) ?? []), `${series}{${pairs.join(',')}} ${value}`]);
  }
  return [...byName].map(([name, lines]) => `# TYPE ${name} gauge\n${lines.join('\n')}\n`).join('');
}

/** Gauges of the registry, by the names that Kafka has for them; others under `tidelog_`. */
const KAFKA_NAMES: Readonly<Record<string, string>> = {
  connections: 'kafka_server_socket_server_metrics_connection_count',
  parked_requests: 'kafka_server_delayedoperationpurgatory_numdelayedoperations',
  fetch_sessions: 'kafka_server_fetchsessioncache_numincrementalfetchsessions',
  request_bytes: 'kafka_network_socketserver_memorypoolused',
  cleaner_max_dirty_percent: 'kafka_log_logcleanermanager_max_dirty_percent',
  cleaner_time_since_last_run_ms: 'kafka_log_logcleanermanager_time_since_last_run_ms',
  cleaner_max_buffer_utilization_percent: 'kafka_log_logcleaner_max_buffer_utilization_percent',
  cleaner_recopy_percent: 'kafka_log_logcleaner_cleaner_recopy_percent',
  cleaner_max_clean_time_secs: 'kafka_log_logcleaner_max_clean_time_secs',
  cleaner_max_compaction_delay_secs: 'kafka_log_logcleaner_max_compaction_delay_secs',
  cleaner_dead_thread_count: 'kafka_log_logcleaner_deadthreadcount',
  cleaner_uncleanable_partitions_count: 'kafka_log_logcleanermanager_uncleanable_partitions_count',
  cleaner_uncleanable_bytes: 'kafka_log_logcleanermanager_uncleanable_bytes',
};

function registryGauges(metrics: MetricsRegistry): MetricSource[] {
  const byName = new Map<string, { labels: Readonly<Record<string, string>>; value: () => number }[]>();
  for (const { name, labels, value } of metrics.gauges()) byName.set(name, [...(byName.get(name) ?? []), { labels, value }]);
  return [...byName].map(([name, series]): MetricSource => ({
    name: KAFKA_NAMES[name] ?? `tidelog_${name}`,
    help: name.replaceAll('_', ' '),
    kind: 'gauge',
    labels: [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))],
    read: () => series.map(({ labels, value }): Sample => [labels, value()]),
  }));
}
