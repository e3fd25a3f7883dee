import type { OptionSpec } from '../options.ts';

/** The options of kafka-topics. */
export const topicOptions: readonly OptionSpec[] = [
  { name: 'bootstrap-server', argument: 'host:port', description: 'REQUIRED: The broker(s) to connect to, as HOST1:PORT1,HOST2:PORT2.' },
  { name: 'broker-list', argument: 'host:port', description: 'Another name of --bootstrap-server.' },
  { name: 'command-config', argument: 'file', description: 'Properties file with settings of the admin client.' },
  { name: 'create', description: 'Create a topic.' },
  { name: 'describe', description: 'Show topics, their settings and partitions.' },
  { name: 'list', description: 'List the names of topics.' },
  { name: 'alter', description: 'Add partitions to topics.' },
  { name: 'delete', description: 'Delete topics.' },
  { name: 'topic', argument: 'topic', description: 'The topic. Except with --create, a regular expression that the whole name must match, or several separated by commas.' },
  { name: 'topic-id', argument: 'id', description: 'The id of the topic to describe.' },
  { name: 'partitions', argument: 'count', type: 'integer', description: 'With --create: how many partitions (else what the broker is set to). With --alter: the new total. More partitions change where keys go.' },
  { name: 'replication-factor', argument: 'count', type: 'integer', description: 'With --create: replicas of each partition (else what the broker is set to).' },
  {
    name: 'replica-assignment', argument: 'ids',
    description: 'Broker ids by partition, instead of the two above: replicas separated by colons, partitions by commas, as 1:2,2:3. With --alter, for all partitions, the old ones too.',
  },
  { name: 'config', argument: 'name=value', isList: true, description: 'With --create: a setting of the topic, as retention.ms=3600000. May be repeated.' },
  { name: 'delete-config', argument: 'name', isList: true, description: 'No longer supported.' },
  { name: 'if-exists', description: 'With --alter, --delete and --describe: do nothing when there is no such topic.' },
  { name: 'if-not-exists', description: 'With --create: do nothing when the topic exists.' },
  { name: 'exclude-internal', description: 'With --list and --describe: leave out internal topics.' },
  { name: 'under-replicated-partitions', description: 'With --describe: only partitions with replicas that are not in sync.' },
  { name: 'unavailable-partitions', description: 'With --describe: only partitions without a living leader.' },
  { name: 'under-min-isr-partitions', description: 'With --describe: only partitions with fewer in-sync replicas than min.insync.replicas.' },
  { name: 'at-min-isr-partitions', description: 'With --describe: only partitions with just as many in-sync replicas as min.insync.replicas.' },
  { name: 'topics-with-overrides', description: 'With --describe: only topics with settings of their own.' },
  { name: 'partition-size-limit-per-response', argument: 'count', type: 'integer', description: 'With --describe: most partitions to ask for at once.' },
  { name: 'json', description: 'With --list and --describe: print JSON instead of text.' },
];

export const ACTIONS = ['create', 'list', 'alter', 'describe', 'delete'] as const;
export type Action = (typeof ACTIONS)[number];
/** Options that show some partitions only. */
export const PARTITION_REPORTS = ['under-replicated-partitions', 'under-min-isr-partitions', 'at-min-isr-partitions', 'unavailable-partitions'] as const;
