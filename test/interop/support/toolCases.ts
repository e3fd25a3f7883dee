/** Command lines that Java's tool and ours are both called with, on the same cluster. */
export interface ToolCase {
  readonly tool: string;
  readonly mainClass: string;
  /** Without --bootstrap-server. */
  readonly lines: readonly string[];
  /** These need what only Apache Kafka has. */
  readonly kafkaOnly?: readonly string[];
  /** Takes no --bootstrap-server. */
  readonly isLocal?: boolean;
  /** Replaces what differs from call to call. */
  readonly mask?: (text: string) => string;
}

const T = 'org.apache.kafka.tools.';

const withoutFigures = (text: string): string => text.replaceAll(/\d[\d.,]*|NaN/g, '#').replaceAll(/ +/g, ' ');

/** The first line of a list is indented otherwise, and which one is the first is up to Java's maps. */
const withoutIndent = (text: string): string => text.replaceAll(/^ ?\t/gm, '');

export const toolCases: readonly ToolCase[] = [
  {
    tool: 'kafka-topics', mainClass: `${T}TopicCommand`,
    lines: [
      '--list', '--describe --topic plain', '--describe --topic nosuch', '--create --topic plain', '--alter --topic plain --partitions 1', '--delete --topic nosuch',
      '--list --partitions 2', '--create --topic t1-SIDE --partitions 2 --replication-factor 1 --config retention.ms=5 --config cleanup.policy=compact',
      '--describe --topic t1-SIDE', '--create --topic plain --if-not-exists', '--create --topic \'bad name\'', '--create --topic .', '--create --topic a.b_SIDE',
      '--create --topic a_b.SIDE', '--create --topic zero --partitions 0', '--create --topic t2-SIDE --replica-assignment 1,1',
      '--create --topic t3-SIDE --replica-assignment 1:2', '--create --topic t3-SIDE --replica-assignment 1:1', '--create --topic t3-SIDE --replica-assignment 1,1:1',
      '--create --topic t3 --replication-factor 5', '--create --topic t3 --config foo=bar', '--create --topic t3 --config foo',
      '--create --topic t3 --config retention.ms=abc', '--create', '--alter --topic wide --partitions 2', '--alter --topic wide --partitions 3',
      '--alter --topic t1-SIDE --partitions 4', '--alter --topic nosuch --partitions 3', '--alter --topic nosuch --partitions 3 --if-exists', '--alter --topic plain',
      '--describe --under-replicated-partitions', '--describe --unavailable-partitions', '--describe --at-min-isr-partitions', '--describe --under-min-isr-partitions',
      '--describe --topics-with-overrides', '--describe --exclude-internal', '--describe --topic wid.*', '--describe --topic wide,plain',
      '--describe --topic-id AAAAAAAAAAAAAAAAAAAAAQ', '--describe --topic-id xyz', '--describe --partition-size-limit-per-response 1',
      '--describe --topic nosuch --if-exists', '--describe --topic wide --under-replicated-partitions --topics-with-overrides', '--list --exclude-internal',
      '--list --topic w.*', '--list --topic nosuch', '--list --if-exists', '--list --describe', '--delete --topic t1-SIDE', '--delete --topic nosuch --if-exists',
      '--delete', '--bogus', '', '--list --command-config FOLDER/none.properties',
    ],
  },
  {
    tool: 'kafka-consumer-groups', mainClass: `${T}consumer.group.ConsumerGroupCommand`,
    lines: [
      '--list', '--list --state', '--list --type', '--list --state stable --type classic', '--describe --group idle', '--describe --group idle --members',
      '--describe --group idle --members --verbose', '--describe --group idle --state', '--describe --group idle --state --verbose',
      '--describe --all-groups --offsets --verbose', '--describe --group nosuch', '--reset-offsets --group idle --topic plain --to-earliest',
      '--reset-offsets --group idle --topic plain:0 --to-offset 1000 --dry-run', '--reset-offsets --group idle --all-topics --shift-by -2 --dry-run --export',
      '--reset-offsets --group idle --group other --all-topics --to-current --dry-run --export', '--reset-offsets --group idle --topic nosuch --to-earliest --dry-run',
      '--reset-offsets --group idle --topic plain --to-datetime 2090-01-01T00:00:00.000 --dry-run',
      '--reset-offsets --group idle --topic plain --to-datetime bad --dry-run', '--reset-offsets --group idle --topic plain --by-duration PT1H --dry-run',
      '--reset-offsets --group idle --topic plain --by-duration x --dry-run', '--delete-offsets --group other --topic nosuch', '--validate-regex t(',
      '--validate-regex t.*', '--describe --group idle --topic plain', '--list --state bogus', '--describe', '--describe --all-groups --group idle',
      '--reset-offsets --group idle --to-latest --dry-run', '--delete --group idle --topic plain', '', '--reset-offsets --group idle --topic plain --to-latest --dry-run',
      '--reset-offsets --group idle --topic plain --to-latest --execute', '--reset-offsets --group idle --topic plain --to-earliest --execute',
      '--reset-offsets --group idle --topic plain --to-current', '--reset-offsets --group idle --topic plain:0 --to-offset 3 --execute',
      '--reset-offsets --group idle --topic plain:0 --to-offset -5 --execute', '--reset-offsets --group idle --topic plain:0 --shift-by 1 --dry-run',
      '--reset-offsets --group idle --topic plain:0 --shift-by -100 --dry-run', '--reset-offsets --group idle --topic plain:0 --shift-by 100 --dry-run',
      '--reset-offsets --group idle --topic plain --by-duration PT0S --dry-run', '--reset-offsets --group idle --topic plain --by-duration P1D --dry-run',
      '--reset-offsets --group idle --topic plain --by-duration P1DT2H3M4.5S --dry-run', '--reset-offsets --group idle --topic plain --by-duration -PT1H --dry-run',
      '--reset-offsets --group idle --topic plain --by-duration P1Y --dry-run',
      '--reset-offsets --group idle --topic plain --to-datetime 2020-01-01T00:00:00.000 --dry-run',
      '--reset-offsets --group idle --topic plain --to-datetime 2020-01-01T00:00:00.000Z --dry-run',
      '--reset-offsets --group idle --topic plain --to-datetime 2020-01-01T00:00:00.000+02:00 --dry-run',
      '--reset-offsets --group idle --topic plain --to-datetime 2020-01-01 --dry-run', '--reset-offsets --group idle --topic plain --from-file FOLDER/plan.csv --dry-run',
      '--reset-offsets --group idle --from-file FOLDER/plan.csv --dry-run --export', '--reset-offsets --group idle --from-file FOLDER/plan2.csv --dry-run',
      '--reset-offsets --group idle --group other --from-file FOLDER/plan2.csv --dry-run',
      '--reset-offsets --group idle --group other --from-file FOLDER/plan2.csv --execute --export', '--reset-offsets --group idle --from-file FOLDER/none.csv --dry-run',
      '--reset-offsets --all-groups --all-topics --to-earliest --dry-run', '--reset-offsets --all-groups --topic plain --to-current --dry-run --export',
      '--reset-offsets --group idle --topic plain:0,1 --to-earliest --dry-run', '--reset-offsets --group idle --topic plain:x --to-earliest --dry-run',
      '--reset-offsets --group fresh --topic wide --to-latest --dry-run', '--reset-offsets --group fresh-SIDE --topic wide:0,2 --to-latest --execute',
      '--describe --group fresh-SIDE', '--delete-offsets --group fresh-SIDE --topic wide:0', '--delete-offsets --group fresh-SIDE --topic wide',
      '--delete-offsets --group nosuch --topic wide', '--delete --group fresh-SIDE', '--delete --group nosuch', '--delete --group fresh-SIDE --group nosuch', '--delete',
      '--reset-offsets --group idle --topic plain', '--reset-offsets --group idle --topic plain --to-earliest --to-latest',
      '--reset-offsets --group idle --topic plain --to-earliest --dry-run --execute', '--reset-offsets --topic plain --to-earliest',
      '--describe --group idle --state --members', '--describe --group idle --offsets --timeout 1000', '--describe --all-groups --state',
      '--describe --all-groups --members', '--list --state Empty', '--list --state empty,stable --type', '--list --type consumer', '--list --type bogus',
      '--list --describe', '--bogus',
    ],
  },
  {
    tool: 'kafka-configs', mainClass: 'kafka.admin.ConfigCommand',
    lines: [
      '--describe --topic plain', '--alter --topic plain --add-config retention.ms=1000,cleanup.policy=[compact,delete]', '--describe --topic plain',
      '--alter --topic plain --delete-config retention.ms,cleanup.policy', '--alter --topic plain --add-config foo=bar', '--alter --topic plain --add-config foo',
      '--describe --entity-type brokers', '--describe --broker x', '--describe --topic nosuch', '--describe', '--alter --entity-type topics',
      '--describe --entity-type foo', '--alter --topic plain', '--alter --user u --add-config foo=1', '--describe --topic plain --all',
      '--describe --entity-type brokers --entity-name 1 --all', '--alter --user u1 --add-config producer_byte_rate=1024,consumer_byte_rate=20000000',
      '--alter --entity-type users --entity-default --entity-type clients --entity-name c7 --add-config producer_byte_rate=11', '--describe --entity-type users',
      '--describe --entity-type users --entity-type clients', '--alter --user u1 --add-config SCRAM-SHA-256=[iterations=8192,password=p]', '--describe --user u1',
      '--alter --user u1 --delete-config producer_byte_rate,nosuch', '--alter --group g --add-config consumer.session.timeout.ms=50000',
      '--describe --entity-type groups', '--describe --client-metrics nosuch', '--describe --entity-type broker-loggers --entity-name 1',
    ],
  },
  {
    tool: 'kafka-get-offsets', mainClass: `${T}GetOffsetShell`,
    lines: [
      '', '--topic pl.*', '--topic-partitions plain:0,wide:1-2', '--topic plain --time earliest', '--topic plain --time foo', '--topic nosuch',
      '--topic wide --partitions 0,2', '--exclude-internal-topics --time max-timestamp', '--topic plain --topic-partitions wide', '--time -1', '--time -2', '--time -3',
      '--time -4', '--time -5', '--time latest-tiered', '--time earliest-local', '--time earliest-pending-upload', '--topic plain --time 1',
      '--topic plain --time 99999999999999', '--topic-partitions plain:0-', '--topic-partitions :1', '--topic-partitions .*:0', '--topic-partitions wide:-2',
      '--topic-partitions wide:x', '--topic wide --partitions 7', '--topic wide --partitions x', '--bogus',
    ],
  },
  {
    tool: 'kafka-delete-records', mainClass: `${T}DeleteRecordsCommand`,
    lines: [
      '--offset-json-file FOLDER/records.json', '--offset-json-file FOLDER/twice.json', '--offset-json-file FOLDER/broken.json', '--offset-json-file FOLDER/none.json',
      '',
    ],
  },
  {
    tool: 'kafka-log-dirs', mainClass: `${T}LogDirsCommand`,
    lines: [
      '--describe --topic-list plain', '--describe --broker-list 1,7', '--describe --broker-list x', '', '--describe', '--describe --broker-list 1',
      '--describe --topic-list nosuch', '--describe --topic-list plain,wide --broker-list 1',
    ],
  },
  {
    tool: 'kafka-broker-api-versions', mainClass: `${T}BrokerApiVersionsCommand`,
    lines: [
      '',
    ],
  },
  {
    tool: 'kafka-cluster', mainClass: `${T}ClusterTool`,
    lines: [
      'cluster-id', 'list-endpoints', 'foo', 'unregister --id 9', 'list-endpoints --include-fenced-brokers', 'cluster-id --include-fenced-brokers', 'unregister',
      'unregister --id x', '',
    ],
  },
  {
    tool: 'kafka-features', mainClass: `${T}FeatureCommand`,
    lines: [
      'version-mapping --release-version 4.0', 'feature-dependencies --feature transaction.version=2', 'disable', 'upgrade --feature share.version=1 --dry-run',
      'upgrade --feature nosuch.version=1', 'downgrade --feature transaction.version=1 --dry-run', 'disable --feature share.version --dry-run', '', 'describe', 'upgrade',
      'upgrade --feature x', 'upgrade --feature transaction.version=x', 'upgrade --feature transaction.version=2 --release-version 4.0', 'downgrade',
      'disable --feature nosuch.version', 'version-mapping', 'version-mapping --release-version 3.9', 'version-mapping --release-version bogus', 'feature-dependencies',
      'feature-dependencies --feature group.version=1', 'feature-dependencies --feature nosuch.version=1', 'feature-dependencies --feature metadata.version=17',
      'feature-dependencies --feature transaction.version=99',
    ],
    kafkaOnly: ['upgrade --release-version 4.0 --dry-run'],
  },
  {
    tool: 'kafka-groups', mainClass: `${T}GroupsCommand`,
    lines: [
      '--list', '--list --consumer', '--list --share', '--list --group-type bogus', '', '--list --group-type consumer --protocol consumer', '--list --protocol bogus',
      '--list --group-type classic', '--list --group-type share', '--list --streams', '--list --consumer --share',
    ],
  },
  {
    tool: 'kafka-client-metrics', mainClass: `${T}ClientMetricsCommand`,
    lines: [
      '--describe --name m1', '--alter --name m2 --metrics org.a,org.b --interval 5000 --match client_id=a', '--describe --name m2', '--list', '--delete --name m2',
      '--alter --name m1 --match foo=bar', '--alter',
    ],
  },
  {
    tool: 'kafka-leader-election', mainClass: `${T}LeaderElectionCommand`,
    lines: [
      '--election-type foo --topic plain --partition 0', '--election-type preferred', '--election-type preferred --all-topic-partitions',
      '--election-type preferred --topic plain --partition 0', '--election-type unclean --topic nosuch --partition 0',
      '--election-type preferred --path-to-json-file FOLDER/elect.json', '--election-type unclean --path-to-json-file FOLDER/elect.json',
      '--election-type preferred --path-to-json-file FOLDER/broken.json', '--election-type preferred --path-to-json-file FOLDER/none.json',
      '--election-type preferred --topic plain', '--election-type preferred --partition 0',
      '--election-type preferred --topic plain --partition 0 --all-topic-partitions', '--all-topic-partitions', '--election-type preferred --topic plain --partition x',
      '',
    ],
  },
  {
    tool: 'kafka-acls', mainClass: `${T}AclCommand`,
    lines: [
      '--add --topic t', '', '--list --add', '--list', '--list --topic t', '--add --allow-principal User:SIDE --operation Read --topic plain',
      '--remove --allow-principal User:SIDE --operation Read --topic plain --force', '--add --allow-principal User:a --operation Bogus --topic plain',
      '--add --allow-principal User:a --operation IdempotentWrite --topic plain', '--add --allow-principal User:a --producer --group g',
      '--add --allow-principal User:a --consumer --topic plain', '--add --allow-host 1.2.3.4 --operation Read --topic plain',
      '--add --allow-principal User:a --operation Read --topic plain --resource-pattern-type match', '--add --remove', '--bogus',
    ],
  },
  {
    tool: 'kafka-transactions', mainClass: `${T}TransactionsCommand`,
    lines: [
      'list', 'describe --transactional-id nosuch', 'describe-producers --topic plain --partition 0', 'find-hanging --broker-id 1', 'find-hanging',
      'list --transactional-id-pattern .*', 'list --duration-filter 1000', 'describe', 'describe-producers --topic plain',
      'describe-producers --topic plain --partition 0 --broker-id 1', 'describe-producers --topic plain --partition x', 'abort', 'abort --topic plain --partition 0',
      'abort --topic plain --partition 0 --start-offset 0', 'abort --topic plain --partition 0 --producer-id 1 --producer-epoch 0 --coordinator-epoch 0',
      'find-hanging --topic plain', 'find-hanging --topic plain --partition 0', 'find-hanging --broker-id 1 --max-transaction-timeout 15', 'find-hanging --broker-id 9',
      'forceTerminateTransaction --transactional-id nosuch', 'bogus', '',
    ],
  },
  {
    tool: 'kafka-share-groups', mainClass: `${T}consumer.group.ShareGroupCommand`,
    lines: [
      '--list', '--list --state', '--describe --group nosuch', '--delete --group nosuch', '--describe', '--describe --group nosuch --members',
      '--describe --group nosuch --state', '--describe --all-groups', '--list --state bogus', '--list --state Stable', '--delete',
      '--delete-offsets --group nosuch --topic plain', '--reset-offsets --group nosuch --topic plain --to-earliest --dry-run',
      '--reset-offsets --group nosuch --topic plain', '--reset-offsets --group nosuch --topic plain --to-earliest', '--bogus', '',
    ],
  },
  {
    tool: 'kafka-reassign-partitions', mainClass: `${T}reassign.ReassignPartitionsCommand`,
    lines: [
      '--list', '--generate --topics-to-move-json-file FOLDER/topics.json --broker-list 1', '--generate --topics-to-move-json-file FOLDER/topics.json --broker-list 1,7',
      '--generate --topics-to-move-json-file FOLDER/topics.json --broker-list 1,1', '--generate --topics-to-move-json-file FOLDER/topics.json',
      '--generate --topics-to-move-json-file FOLDER/broken.json --broker-list 1', '--generate --topics-to-move-json-file FOLDER/none.json --broker-list 1',
      '--execute --reassignment-json-file FOLDER/reassign.json', '--verify --reassignment-json-file FOLDER/reassign.json',
      '--verify --reassignment-json-file FOLDER/reassign.json --preserve-throttles', '--verify --reassignment-json-file FOLDER/reassignnone.json',
      '--execute --reassignment-json-file FOLDER/reassign7.json', '--execute --reassignment-json-file FOLDER/reassignnone.json',
      '--execute --reassignment-json-file FOLDER/reassignv2.json', '--cancel --reassignment-json-file FOLDER/reassign.json', '--execute',
      '--execute --verify --reassignment-json-file FOLDER/reassign.json', '', '--bogus',
    ],
  },
  {
    tool: 'kafka-configs', mainClass: 'kafka.admin.ConfigCommand',
    lines: [
      '--alter --topic plain --add-config-file FOLDER/alter.properties', '--describe --topic plain', '--alter --topic plain --delete-config retention.ms', '--alter --topic plain --delete-config nosuch',
      '--alter --topic plain --add-config retention.ms=abc', '--alter --topic nosuch --add-config retention.ms=1', '--alter --topic plain --add-config-file FOLDER/none.properties',
      '--alter --entity-type brokers --entity-name 1 --add-config log.cleaner.threads=2', '--describe --broker 1', '--alter --broker 1 --delete-config log.cleaner.threads',
      '--alter --broker-defaults --add-config log.retention.ms=123456789', '--describe --broker-defaults', '--alter --broker-defaults --delete-config log.retention.ms', '--alter --broker 1 --add-config log.dirs=/x',
      '--describe --broker 7', '--alter --user-defaults --add-config request_percentage=50', '--describe --user-defaults',
      '--alter --client c1 --add-config consumer_byte_rate=5', '--describe --client c1', '--alter --client-defaults --add-config consumer_byte_rate=6', '--describe --client-defaults', '--alter --client-defaults --add-config consumer_byte_rate=6 ; --alter --client-defaults --delete-config consumer_byte_rate',
      '--alter --client-defaults --delete-config consumer_byte_rate',
      '--alter --ip 127.0.0.2 --add-config connection_creation_rate=10', '--describe --ip 127.0.0.2', '--describe --entity-type ips',
      '--alter --ip-defaults --add-config connection_creation_rate=10', '--describe --ip-defaults', '--alter --ip-defaults --add-config connection_creation_rate=10 ; --alter --ip-defaults --delete-config connection_creation_rate', '--alter --ip-defaults --delete-config connection_creation_rate', '--alter --ip bad.ip.address --add-config connection_creation_rate=1',
      '--alter --user u2 --client c2 --add-config producer_byte_rate=7', '--describe --user u2 --client c2', '--alter --user u2 --add-config producer_byte_rate=abc',
      '--alter --user u2 --add-config producer_byte_rate=-1', '--alter --user u3 --add-config SCRAM-SHA-512=[password=p],SCRAM-SHA-256=[password=q]', '--describe --entity-type users --entity-name u3',
      '--alter --user u3 --add-config SCRAM-SHA-256=[iterations=1,password=p]', '--describe --group g', '--describe --group nosuch', '--alter --group g --delete-config consumer.session.timeout.ms',
      '--alter --group g --add-config consumer.session.timeout.ms=1', '--alter --client-metrics m3 --add-config interval.ms=6000,match=[client_id=a,client_id=b]', '--describe --client-metrics m3', '--alter --client-metrics m3 --delete-config interval.ms,match',
      '--alter --client-metrics m3 --add-config foo=1', '--alter --entity-type broker-loggers --entity-name 1 --add-config nosuch.logger=DEBUG', '--describe --broker-logger 1', '--describe --entity-type broker-loggers',
      '--describe --entity-type topics --entity-type brokers', '--describe --topic plain --user u', '--describe --entity-name plain', '--alter --describe --topic plain', '--describe --ip-defaults --topic plain', '--bogus', '',
    ],
  },
  {
    tool: 'kafka-acls', mainClass: `${T}AclCommand`, mask: withoutIndent,
    lines: [
      '--add --allow-principal User:a --allow-principal User:b --operation Read --operation Write --topic SIDE --force', '--list --topic SIDE', '--add --deny-principal User:a --deny-host 1.2.3.4 --operation All --group SIDE --resource-pattern-type prefixed',
      '--list --group SIDE --resource-pattern-type match', '--list --principal User:a', '--list --principal User:a --topic SIDE', '--add --allow-principal User:SIDE --producer --topic SIDE-p --transactional-id SIDE-t --idempotent',
      '--add --allow-principal User:c --consumer --topic SIDE-c --group SIDE-c', '--list', '--list --cluster', '--list --topic *', '--add --allow-principal User:SIDE --allow-host * --operation Describe --cluster', '--remove --cluster --force',
      '--add --allow-principal User:d --operation DescribeTokens --user-principal User:SIDE', '--list --user-principal User:SIDE', '--remove --allow-principal User:a --operation Read --topic SIDE --force', '--remove --topic SIDE --force', '--remove --topic SIDE --force',
      '--remove --group SIDE --resource-pattern-type prefixed --force', '--remove --topic SIDE --resource-pattern-type match --force', '--remove --topic SIDE-p --transactional-id SIDE-t --force', '--remove --producer --allow-principal User:SIDE --topic SIDE-p --force',
      '--remove --topic SIDE-c --group SIDE-c --force', '--remove --user-principal User:SIDE --force', '--add --topic SIDE --operation Read', '--add --allow-principal User:a --operation Read', '--add --allow-principal User:a --operation Read --group g --topic t --cluster',
      '--list --resource-pattern-type any', '--list --resource-pattern-type prefixed --topic SIDE', '--add --consumer --producer --allow-principal User:SIDE --topic t --group g', '--add --producer --allow-principal User:a', '--add --consumer --allow-principal User:a --topic t',
      '--add --idempotent --allow-principal User:a --topic t', '--add --producer --allow-principal User:a --topic t --operation Read', '--add --allow-principal User:a --operation Create --group g',
    ],
  },
  {
    tool: 'kafka-streams-groups', mainClass: `${T}streams.StreamsGroupCommand`,
    lines: [
      '--list', '--list --state', '--list --state Stable', '--list --state bogus', '--describe', '--describe --group nosuch', '--describe --group nosuch --members', '--describe --group nosuch --state', '--describe --all-groups', '--describe --group idle',
      '--describe --group nosuch --members --state', '--delete', '--delete --group nosuch', '--delete --all-groups', '--delete-offsets --group nosuch', '--delete-offsets --group nosuch --all-input-topics',
      '--reset-offsets --group nosuch --all-input-topics --to-earliest --dry-run', '--reset-offsets --group nosuch --input-topic plain', '--reset-offsets --group nosuch --to-latest',
      '--reset-offsets --group nosuch --input-topic plain --to-latest --to-earliest', '--reset-offsets --group nosuch --input-topic plain --to-latest --dry-run --execute', '--reset-offsets --input-topic plain --to-latest', '--list --describe', '--bogus', '',
    ],
  },
  {
    tool: 'kafka-share-groups', mainClass: `${T}consumer.group.ShareGroupCommand`,
    lines: [
      '--reset-offsets --group SIDE --topic plain --to-earliest --execute', '--describe --group SIDE', '--describe --group SIDE --offsets --verbose', '--describe --group SIDE --state', '--describe --group SIDE --state --verbose', '--describe --group SIDE --members',
      '--reset-offsets --group SIDE --topic plain --to-latest --dry-run', '--reset-offsets --group SIDE --topic plain --to-latest --execute', '--describe --group SIDE', '--reset-offsets --group SIDE --all-topics --to-datetime 2020-01-01T00:00:00.000 --execute',
      '--reset-offsets --group SIDE --topic wide --to-earliest --execute', '--describe --group SIDE', '--delete-offsets --group SIDE --topic nosuch', '--delete-offsets --group SIDE --topic wide', '--delete-offsets --group SIDE --topic wide --topic plain',
      '--reset-offsets --group SIDE --topic nosuch --to-earliest --execute', '--describe --group idle', '--delete --group idle', '--delete --group SIDE', '--list --state Empty',
      '--reset-offsets --group SIDE --topic plain --to-earliest --dry-run --execute', '--delete-offsets --group SIDE', '--describe --group SIDE --members --state', '--delete --all-groups --group SIDE',
    ],
  },
  {
    tool: 'kafka-producer-perf-test', mainClass: `${T}ProducerPerformance`, mask: withoutFigures,
    lines: [
      '--topic perf --num-records 100 --record-size 10 --throughput -1', '--topic perf --num-records 100 --payload-monotonic --throughput -1 --command-property acks=1',
      '--topic perf --num-records 10 --throughput -1', '--topic perf --record-size 10 --throughput -1', '--num-records 10 --record-size 10 --throughput -1',
      '--topic perf --num-records 100 --record-size 10 --throughput -1 --transactional-id perf-SIDE --transaction-duration-ms 50', '--topic perf --num-records 10 --record-size 10 --payload-file FOLDER/payload.txt --throughput -1', '--bogus',
    ],
  },
  {
    tool: 'kafka-consumer-perf-test', mainClass: `${T}ConsumerPerformance`, mask: withoutFigures,
    lines: [
      '--topic perf --num-records 200', '--topic perf --num-records 200 --show-detailed-stats --reporting-interval 100000', '--topic perf --num-records 200 --hide-header', '--topic perf --num-records 1000000 --timeout 2000', '--topic plain', '--num-records 3', '--bogus',
      '--topic plain --num-records 3 --include p.*',
    ],
  },
  {
    tool: 'kafka-e2e-latency', mainClass: `${T}EndToEndLatency`, mask: withoutFigures,
    lines: ['--topic latency --num-records 20 --producer-acks 0 --record-size 10', '--topic latency', '--topic latency --num-records x --producer-acks 1 --record-size 10', '--topic latency-SIDE --num-records 20 --producer-acks 1 --record-size 10 --record-key-size 5 --num-headers 2 --record-header-key-size 3 --record-header-size 4', '--bogus', ''],
  },
];
