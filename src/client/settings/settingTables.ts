/** The settings that this client acts on, under Kafka's names and with Kafka's defaults and bounds. */
import { keyTable, type ConfigKey, type ConfigKeyTable, type ConfigRule, type ConfigType } from '../../config/keys.ts';

const INT_MAX = 2 ** 31 - 1;
const any: ConfigRule = { kind: 'any' };
const from = (min: number, max?: number, also?: number): ConfigRule => ({ kind: 'range', min, ...(max === undefined ? {} : { max }), ...(also === undefined ? {} : { also }) });
const oneOf = (...values: readonly string[]): ConfigRule => ({ kind: 'oneOf', values });

function setting(name: string, type: ConfigType, defaultText: string | null, rule: ConfigRule = any): ConfigKey {
  return { name, type, defaultText, rule, importance: 'medium', dynamic: 'no', internal: false, use: 'used', doc: '', brokerKeys: [] };
}

const security: readonly ConfigKey[] = [
  setting('sasl.mechanism', 'string', 'GSSAPI'),
  setting('sasl.jaas.config', 'password', null),
  setting('ssl.keystore.type', 'string', 'JKS'),
  setting('ssl.keystore.location', 'string', null),
  setting('ssl.keystore.password', 'password', null),
  setting('ssl.key.password', 'password', null),
  setting('ssl.keystore.key', 'password', null),
  setting('ssl.keystore.certificate.chain', 'password', null),
  setting('ssl.truststore.type', 'string', 'JKS'),
  setting('ssl.truststore.location', 'string', null),
  setting('ssl.truststore.password', 'password', null),
  setting('ssl.truststore.certificates', 'password', null),
  setting('ssl.enabled.protocols', 'list', 'TLSv1.2,TLSv1.3'),
  setting('ssl.cipher.suites', 'list', ''),
  setting('ssl.endpoint.identification.algorithm', 'string', 'https'),
  setting('sasl.oauthbearer.token.endpoint.url', 'string', null),
  setting('sasl.oauthbearer.client.credentials.client.id', 'string', null),
  setting('sasl.oauthbearer.client.credentials.client.secret', 'password', null),
  setting('sasl.oauthbearer.scope', 'string', null),
];

const common: readonly ConfigKey[] = [
  ...security,
  setting('bootstrap.servers', 'list', null),
  setting('client.id', 'string', ''),
  setting('security.protocol', 'string', 'PLAINTEXT', { kind: 'oneOf', values: ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'], ignoreCase: true }),
  setting('request.timeout.ms', 'int', '30000', from(0)),
  setting('socket.connection.setup.timeout.ms', 'long', '10000', from(0)),
  setting('retry.backoff.ms', 'long', '100', from(0)),
  setting('retry.backoff.max.ms', 'long', '1000', from(0)),
  setting('metadata.max.age.ms', 'long', '300000', from(0)),
  setting('metadata.recovery.strategy', 'string', 'rebootstrap', { kind: 'oneOf', values: ['none', 'rebootstrap'], ignoreCase: true }),
  setting('metadata.recovery.rebootstrap.trigger.ms', 'long', '300000', from(0)),
  setting('reconnect.backoff.ms', 'long', '50', from(0)),
  setting('reconnect.backoff.max.ms', 'long', '1000', from(0)),
];

export const adminSettings: ConfigKeyTable = keyTable([...common, setting('default.api.timeout.ms', 'int', '60000', from(0)), setting('retries', 'int', String(INT_MAX), from(0))]);

export const producerSettings: ConfigKeyTable = keyTable([
  ...common,
  setting('acks', 'string', 'all', oneOf('all', '-1', '0', '1')),
  setting('batch.size', 'int', '16384', from(0)),
  setting('buffer.memory', 'long', '33554432', from(0)),
  setting('compression.type', 'string', 'none', oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd')),
  setting('compression.gzip.level', 'int', '-1', from(1, 9, -1)),
  setting('compression.lz4.level', 'int', '9', from(1, 17)),
  setting('compression.zstd.level', 'int', '3', from(-131_072, 22)),
  setting('delivery.timeout.ms', 'int', '120000', from(0)),
  setting('enable.idempotence', 'boolean', 'true'),
  setting('linger.ms', 'long', '5', from(0)),
  setting('max.block.ms', 'long', '60000', from(0)),
  setting('max.in.flight.requests.per.connection', 'int', '5', from(1)),
  setting('max.request.size', 'int', '1048576', from(0)),
  setting('retries', 'int', String(INT_MAX), from(0, INT_MAX)),
  setting('partitioner.class', 'string', ''),
  setting('partitioner.ignore.keys', 'boolean', 'false'),
  setting('transaction.timeout.ms', 'int', '60000'),
  setting('transactional.id', 'string', null, { kind: 'nonEmpty' }),
]);

export const consumerSettings: ConfigKeyTable = keyTable([
  ...common,
  setting('default.api.timeout.ms', 'int', '60000', from(0)),
  setting('allow.auto.create.topics', 'boolean', 'true'),
  setting('auto.commit.interval.ms', 'int', '5000', from(0)),
  setting('auto.offset.reset', 'string', 'latest', oneOf('earliest', 'latest', 'none')),
  setting('check.crcs', 'boolean', 'true'),
  setting('client.rack', 'string', ''),
  setting('enable.auto.commit', 'boolean', 'true'),
  setting('exclude.internal.topics', 'boolean', 'true'),
  setting('fetch.max.bytes', 'int', '52428800', from(0)),
  setting('fetch.max.wait.ms', 'int', '500', from(0)),
  setting('fetch.min.bytes', 'int', '1', from(0)),
  setting('group.id', 'string', null),
  setting('group.instance.id', 'string', null, { kind: 'nonEmpty' }),
  setting('group.remote.assignor', 'string', ''),
  setting('group.protocol', 'string', 'classic', { kind: 'oneOf', values: ['classic', 'consumer'], ignoreCase: true }),
  setting('heartbeat.interval.ms', 'int', '3000'),
  setting('isolation.level', 'string', 'read_uncommitted', oneOf('read_committed', 'read_uncommitted')),
  setting('max.partition.fetch.bytes', 'int', '1048576', from(0)),
  setting('max.poll.interval.ms', 'int', '300000', from(1)),
  setting('partition.assignment.strategy', 'list', 'org.apache.kafka.clients.consumer.RangeAssignor,org.apache.kafka.clients.consumer.CooperativeStickyAssignor'),
  setting('session.timeout.ms', 'int', '45000'),
]);
