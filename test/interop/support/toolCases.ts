/** Command lines that Java's tool and ours are both called with, on the same cluster. */
export interface ToolCase {
  readonly tool: string;
  readonly mainClass: string;
  /** Without --bootstrap-server. */
  readonly lines: readonly string[];
  /** These need what only Apache Kafka has. */
  readonly kafkaOnly?: readonly string[];
}

const T = 'org.apache.kafka.tools.';

export const toolCases: readonly ToolCase[] = [
  {
    tool: 'kafka-topics', mainClass: `${T}TopicCommand`,
    lines: ['--list', '--describe --topic plain', '--describe --topic nosuch', '--create --topic plain', '--alter --topic plain --partitions 1', '--delete --topic nosuch', '--list --partitions 2'],
  },
  {
    tool: 'kafka-consumer-groups', mainClass: `${T}consumer.group.ConsumerGroupCommand`,
    lines: [
      '--list', '--list --state', '--list --type', '--list --state stable --type classic', '--describe --group idle', '--describe --group idle --members', '--describe --group idle --members --verbose',
      '--describe --group idle --state', '--describe --group idle --state --verbose', '--describe --all-groups --offsets --verbose', '--describe --group nosuch', '--reset-offsets --group idle --topic plain --to-earliest',
      '--reset-offsets --group idle --topic plain:0 --to-offset 1000 --dry-run', '--reset-offsets --group idle --all-topics --shift-by -2 --dry-run --export', '--reset-offsets --group idle --group other --all-topics --to-current --dry-run --export',
      '--reset-offsets --group idle --topic nosuch --to-earliest --dry-run', '--reset-offsets --group idle --topic plain --to-datetime 2090-01-01T00:00:00.000 --dry-run', '--reset-offsets --group idle --topic plain --to-datetime bad --dry-run',
      '--reset-offsets --group idle --topic plain --by-duration PT1H --dry-run', '--reset-offsets --group idle --topic plain --by-duration x --dry-run', '--delete-offsets --group other --topic nosuch', '--validate-regex t(', '--validate-regex t.*',
      '--describe --group idle --topic plain', '--list --state bogus', '--describe', '--describe --all-groups --group idle', '--reset-offsets --group idle --to-latest --dry-run', '--delete --group idle --topic plain', '',
    ],
  },
  {
    tool: 'kafka-configs', mainClass: 'kafka.admin.ConfigCommand',
    lines: [
      '--describe --topic plain', '--alter --topic plain --add-config retention.ms=1000,cleanup.policy=[compact,delete]', '--describe --topic plain', '--alter --topic plain --delete-config retention.ms,cleanup.policy',
      '--alter --topic plain --add-config foo=bar', '--alter --topic plain --add-config foo', '--describe --entity-type brokers', '--describe --broker x', '--describe --topic nosuch', '--describe', '--alter --entity-type topics',
      '--describe --entity-type foo', '--alter --topic plain', '--alter --user u --add-config foo=1',
    ],
    kafkaOnly: [
      '--describe --topic plain --all', '--describe --entity-type brokers --entity-name 1 --all', '--alter --user u1 --add-config producer_byte_rate=1024,consumer_byte_rate=20000000',
      '--alter --entity-type users --entity-default --entity-type clients --entity-name c7 --add-config producer_byte_rate=11', '--describe --entity-type users', '--describe --entity-type users --entity-type clients',
      '--alter --user u1 --add-config SCRAM-SHA-256=[iterations=8192,password=p]', '--describe --user u1', '--alter --user u1 --delete-config producer_byte_rate,nosuch', '--alter --group g --add-config consumer.session.timeout.ms=50000',
      '--describe --entity-type groups', '--describe --client-metrics nosuch', '--describe --entity-type broker-loggers --entity-name 1',
    ],
  },
  {
    tool: 'kafka-get-offsets', mainClass: `${T}GetOffsetShell`,
    lines: ['', '--topic pl.*', '--topic-partitions plain:0,wide:1-2', '--topic plain --time earliest', '--topic plain --time foo', '--topic nosuch', '--topic wide --partitions 0,2', '--exclude-internal-topics --time max-timestamp', '--topic plain --topic-partitions wide'],
  },
  { tool: 'kafka-delete-records', mainClass: `${T}DeleteRecordsCommand`, lines: ['--offset-json-file FOLDER/records.json', '--offset-json-file FOLDER/twice.json', '--offset-json-file FOLDER/broken.json', '--offset-json-file FOLDER/none.json', ''] },
  { tool: 'kafka-log-dirs', mainClass: `${T}LogDirsCommand`, lines: ['--describe --topic-list plain', '--describe --broker-list 1,7', '--describe --broker-list x', ''] },
  { tool: 'kafka-broker-api-versions', mainClass: `${T}BrokerApiVersionsCommand`, lines: [], kafkaOnly: [''] },
  { tool: 'kafka-cluster', mainClass: `${T}ClusterTool`, lines: ['cluster-id', 'list-endpoints', 'foo'], kafkaOnly: ['unregister --id 9', 'list-endpoints --include-fenced-brokers'] },
  {
    tool: 'kafka-features', mainClass: `${T}FeatureCommand`, lines: ['version-mapping --release-version 4.0', 'feature-dependencies --feature transaction.version=2', 'disable'],
    kafkaOnly: ['upgrade --feature share.version=1 --dry-run', 'upgrade --feature nosuch.version=1', 'downgrade --feature transaction.version=1 --dry-run', 'disable --feature share.version --dry-run', 'upgrade --release-version 4.0 --dry-run'],
  },
  { tool: 'kafka-groups', mainClass: `${T}GroupsCommand`, lines: ['--list', '--list --consumer', '--list --share', '--list --group-type bogus', ''] },
  {
    tool: 'kafka-client-metrics', mainClass: `${T}ClientMetricsCommand`, lines: [],
    kafkaOnly: ['--describe --name m1', '--alter --name m2 --metrics org.a,org.b --interval 5000 --match client_id=a', '--describe --name m2', '--list', '--delete --name m2', '--alter --name m1 --match foo=bar', '--alter'],
  },
  {
    tool: 'kafka-leader-election', mainClass: `${T}LeaderElectionCommand`, lines: ['--election-type foo --topic plain --partition 0', '--election-type preferred'],
    kafkaOnly: ['--election-type preferred --all-topic-partitions', '--election-type preferred --topic plain --partition 0', '--election-type unclean --topic nosuch --partition 0'],
  },
  { tool: 'kafka-acls', mainClass: `${T}AclCommand`, lines: ['--add --topic t', '', '--list --add'], kafkaOnly: [] },
  { tool: 'kafka-transactions', mainClass: `${T}TransactionsCommand`, lines: [], kafkaOnly: ['list', 'describe --transactional-id nosuch', 'describe-producers --topic plain --partition 0', 'find-hanging --broker-id 1', 'find-hanging'] },
  { tool: 'kafka-share-groups', mainClass: `${T}consumer.group.ShareGroupCommand`, lines: [], kafkaOnly: ['--list', '--list --state', '--describe --group nosuch', '--delete --group nosuch', '--describe'] },
];
