import type { Tool } from '../../cli/tool.ts';

/** Every tool by its name, loaded when it is called. */
export const tools: Readonly<Record<string, () => Promise<Tool>>> = {
  'kafka-acls': async () => (await import('../../cli/security/aclsTool.ts')).aclsTool,
  'kafka-broker-api-versions': async () => (await import('../../cli/brokers/apiVersionsTool.ts')).apiVersionsTool,
  'kafka-client-metrics': async () => (await import('../../cli/clientMetrics/clientMetricsTool.ts')).clientMetricsTool,
  'kafka-cluster': async () => (await import('../../cli/brokers/clusterTool.ts')).clusterTool,
  'kafka-configs': async () => (await import('../../cli/configs/configsTool.ts')).configsTool,
  'kafka-console-consumer': async () => (await import('../../cli/consumer/consumerTool.ts')).consumerTool,
  'kafka-console-producer': async () => (await import('../../cli/producer/producerTool.ts')).producerTool,
  'kafka-consumer-groups': async () => (await import('../../cli/groups/consumer/consumerGroupsTool.ts')).consumerGroupsTool,
  'kafka-consumer-perf-test': async () => (await import('../../cli/perf/consumerPerfTool.ts')).consumerPerfTool,
  'kafka-delegation-tokens': async () => (await import('../../cli/security/delegationTokensTool.ts')).delegationTokensTool,
  'kafka-delete-records': async () => (await import('../../cli/records/deleteRecordsTool.ts')).deleteRecordsTool,
  'kafka-dump-log': async () => (await import('../../cli/dumpLog/dumpLogTool.ts')).dumpLogTool,
  'kafka-e2e-latency': async () => (await import('../../cli/perf/endToEndTool.ts')).endToEndTool,
  'kafka-features': async () => (await import('../../cli/features/featuresTool.ts')).featuresTool,
  'kafka-get-offsets': async () => (await import('../../cli/offsets/getOffsetsTool.ts')).getOffsetsTool,
  'kafka-groups': async () => (await import('../../cli/groups/groupsTool.ts')).groupsTool,
  'kafka-leader-election': async () => (await import('../../cli/elections/leaderElectionTool.ts')).leaderElectionTool,
  'kafka-log-dirs': async () => (await import('../../cli/brokers/logDirsTool.ts')).logDirsTool,
  'kafka-producer-perf-test': async () => (await import('../../cli/perf/producerPerfTool.ts')).producerPerfTool,
  'kafka-topics': async () => (await import('../../cli/topics/topicsTool.ts')).topicsTool,
  'kafka-transactions': async () => (await import('../../cli/transactions/transactionsTool.ts')).transactionsTool,
  'kafka-verifiable-consumer': async () => (await import('../../cli/perf/verifiableConsumerTool.ts')).verifiableConsumerTool,
  'kafka-verifiable-producer': async () => (await import('../../cli/perf/verifiableProducerTool.ts')).verifiableProducerTool,
};
