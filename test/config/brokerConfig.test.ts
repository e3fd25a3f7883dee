import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { brokerTable, readPropertiesFile, systemEnvironment, validateBrokerConfig, withDynamicSettings } from '../../src/config/index.ts';
import { NO_SETTINGS } from '../../src/config/layers.ts';
import { resolveTopicConfig } from '../../src/config/topicConfig.ts';
import type { BrokerConfig } from '../../src/config/types.ts';
import { environment, refusal, validate } from './helpers.ts';

const topicDefaults = (config: BrokerConfig) => resolveTopicConfig(NO_SETTINGS, config.layers);

const fixture = (name: string) => readPropertiesFile(path.join(import.meta.dirname, 'fixtures', name));

describe('a broker without settings', () => {
  const { config, warnings } = validate();

  it('listens on both loopback addresses and advertises localhost', () => {
    expect(config.listeners).toEqual([
      { name: 'PLAINTEXT', hosts: ['127.0.0.1', '::1'], port: 9092, securityProtocol: 'PLAINTEXT', advertisedHost: 'localhost', advertisedPort: 9092 },
    ]);
  });

  it('has Kafka\'s defaults', () => {
    expect(config).toMatchObject({
      nodeId: 1, rack: null, logDirs: ['/data/of/user'], socketRequestMaxBytes: 104857600, connectionsMaxIdleMs: 600000, numPartitions: 1,
      offsetsRetentionMs: 604800000, offsetsTopicNumPartitions: 50, offsetsTopicReplicationFactor: 1, fetchMaxBytes: 57671680,
    });
    expect(topicDefaults(config)).toMatchObject({ retentionMs: 604800000, segmentBytes: 1073741824, flushMessages: Number.MAX_SAFE_INTEGER });
  });

  it('has nothing to say', () => {
    expect(warnings).toEqual([]);
  });

  it('keeps its data where a reboot leaves it', () => {
    expect(systemEnvironment({ XDG_DATA_HOME: '/x' }).defaultLogDir).toBe('/x/tidelog');
    expect(systemEnvironment({}).defaultLogDir).toMatch(/\.local\/share\/tidelog\/data$/);
    expect(systemEnvironment({ XDG_DATA_HOME: 'relative' }).defaultLogDir).toMatch(/\.local\/share\/tidelog\/data$/);
  });
});

describe('the files that ship with Kafka', () => {
  it('of 3.9 with ZooKeeper starts', () => {
    const { config, warnings } = validateBrokerConfig(fixture('kafka-3.9-zookeeper.properties'), environment);
    expect(config).toMatchObject({ nodeId: 0, logDirs: ['/tmp/kafka-logs'], groupInitialRebalanceDelayMs: 0, numRecoveryThreadsPerDataDir: 1 });
    expect(warnings).toEqual(['known, without effect here: transaction.state.log.replication.factor, zookeeper.connect, zookeeper.connection.timeout.ms']);
  });

  it.each(['kafka-3.9-kraft.properties', 'kafka-4.3.properties'])('%s starts', (name) => {
    const { config, warnings } = validateBrokerConfig(fixture(name), environment);
    expect(config.listeners).toEqual([
      { name: 'PLAINTEXT', hosts: ['::'], port: 9092, securityProtocol: 'PLAINTEXT', advertisedHost: 'localhost', advertisedPort: 9092 },
    ]);
    expect(warnings).toContain('controller listener CONTROLLER (port 9093) is not opened: this node keeps its own metadata');
    expect(warnings.filter((warning) => warning.startsWith('unknown'))).toEqual([]);
  });

  it('and our own, which sets nothing but defaults', () => {
    const own = readPropertiesFile(path.resolve(import.meta.dirname, '../../config/server.properties'));
    const { config, warnings } = validateBrokerConfig(own, environment);
    expect(warnings).toEqual([]);
    const { layers: _, ...rest } = config;
    const { layers: __, ...defaults } = validate().config;
    expect(rest).toEqual(defaults);
  });
});

describe('keys', () => {
  it('of Kafka 3.9 and 4.x are known', () => {
    // Those of Kafka, and ours: three that Kafka names elsewhere or nowhere, and two for the HTTP listener and slow requests.
    expect(brokerTable.size).toBe(379 + 44 + 5);
    for (const name of ['zookeeper.connect', 'inter.broker.protocol.version', 'password.encoder.secret', 'process.roles']) expect(brokerTable.has(name)).toBe(true);
  });

  it('that are not known are named with the nearest', () => {
    expect(validate({ 'log.retention.hors': '1' }).warnings).toEqual(['unknown key log.retention.hors (test:1); did you mean log.retention.hours?']);
    expect(validate({ 'suites.cluster.id': 'x' }).warnings).toEqual(['unknown key suites.cluster.id (test:1)']);
  });

  it('of one listener are taken', () => {
    expect(validate({ 'listener.name.external.max.connections': '5' }).warnings).toEqual(['known, without effect here: listener.name.external.max.connections']);
  });

  it('without effect are named once away from their default', () => {
    expect(validate({ 'num.io.threads': ' 8 ' }).warnings).toEqual([]);
    expect(validate({ 'num.io.threads': '9', 'background.threads': '3' }).warnings).toEqual(['known, without effect here: background.threads, num.io.threads']);
  });
});

describe('a bad value', () => {
  it('is named with its key, place, and what is allowed; all of them at once', () => {
    const error = refusal({ 'num.partitions': '0', 'auto.create.topics.enable': 'maybe', 'log.cleanup.policy': 'shred', 'socket.request.max.bytes': '3000000000' });
    expect(error.problems.map(({ key }) => key)).toEqual(['num.partitions', 'auto.create.topics.enable', 'log.cleanup.policy', 'socket.request.max.bytes']);
    expect(error.message.split('\n')).toEqual([
      'num.partitions=0 (test:1): Value must be at least 1; allowed: a whole number, 1 or more',
      'auto.create.topics.enable=maybe (test:2): Expected value to be either true or false; allowed: true or false',
      'log.cleanup.policy=shred (test:3): String must be one of: compact, delete; allowed: any of compact, delete',
      'socket.request.max.bytes=3000000000 (test:4): Not a number of type INT; allowed: a whole number, 1 or more',
    ]);
  });

  it('in a key without effect stops the start as well', () => {
    expect(refusal({ 'num.io.threads': 'many' }).message).toContain('num.io.threads=many');
  });

  it.each([
    [{ 'log.retention.ms': '0' }, 'log.retention.ms'],
    [{ 'log.dirs': '' }, 'log.dirs'],
    [{ 'log.dirs': '/a,/b,/a/' }, 'log.dirs'],
    [{ 'node.id': '1', 'broker.id': '2' }, 'broker.id'],
    [{ 'broker.id': '-2' }, 'broker.id'],
    [{ 'process.roles': 'controller' }, 'process.roles'],
    [{ 'process.roles': 'king' }, 'process.roles'],
    [{ 'controller.quorum.voters': '1@a:1,2@b:2' }, 'controller.quorum.voters'],
    [{ 'controller.quorum.voters': 'a:1' }, 'controller.quorum.voters'],
    [{ 'controller.quorum.bootstrap.servers': 'a:1,b:2' }, 'controller.quorum.bootstrap.servers'],
    [{ 'default.replication.factor': '0' }, 'default.replication.factor'],
    [{ 'authorizer.class.name': 'org.example.Authorizer' }, 'authorizer.class.name'],
    [{ 'security.inter.broker.protocol': 'PLAINTEXT', 'inter.broker.listener.name': 'A' }, 'security.inter.broker.protocol'],
    [{ 'max.connections.per.ip.overrides': '127.0.0.1' }, 'max.connections.per.ip.overrides'],
    [{ 'log.cleaner.min.compaction.lag.ms': '5', 'log.cleaner.max.compaction.lag.ms': '4' }, 'log.cleaner.min.compaction.lag.ms'],
  ])('%j is refused by its key', (settings, key) => {
    expect(refusal(settings as Record<string, string>).problems.map((problem) => problem.key)).toContain(key);
  });

  it('of a password is never shown', () => {
    const error = refusal({ 'ssl.key.password': 'hunter2', 'num.partitions': 'x' });
    expect(error.message).not.toContain('hunter2');
    expect(validate({ 'ssl.key.password': 'hunter2' }).warnings.join()).not.toContain('hunter2');
  });
});

describe('precedence', () => {
  it('the last of several entries wins', () => {
    const entries = ['1', '2'].map((value) => ({ key: 'num.partitions', value, origin: '' }));
    expect(validateBrokerConfig(entries, environment).config.numPartitions).toBe(2);
  });

  it.each([
    [{ 'log.retention.hours': '1' }, { retentionMs: 3600000 }],
    [{ 'log.retention.hours': '1', 'log.retention.minutes': '2' }, { retentionMs: 120000 }],
    [{ 'log.retention.hours': '1', 'log.retention.minutes': '2', 'log.retention.ms': '3' }, { retentionMs: 3 }],
    [{ 'log.retention.hours': '-1' }, { retentionMs: -1 }],
    [{ 'log.roll.hours': '2', 'log.roll.jitter.hours': '1' }, { segmentMs: 7200000, segmentJitterMs: 3600000 }],
    [{ 'log.roll.hours': '2', 'log.roll.ms': '5' }, { segmentMs: 5 }],
    [{ 'log.flush.scheduler.interval.ms': '7' }, { flushMs: 7 }],
    [{ 'log.flush.scheduler.interval.ms': '7', 'log.flush.interval.ms': '9' }, { flushMs: 9 }],
  ])('%j gives %j', (settings, expected) => {
    expect(topicDefaults(validate(settings as Record<string, string>).config)).toMatchObject(expected);
  });

  it('log.dirs comes before log.dir', () => {
    expect(validate({ 'log.dir': '/a' }).config.logDirs).toEqual(['/a']);
    expect(validate({ 'log.dir': '/a', 'log.dirs': '/b, /c' }).config.logDirs).toEqual(['/b', '/c']);
  });

  it('of the two names of the id, either does; -1 leaves it to us', () => {
    expect(validate({ 'broker.id': '7' }).config.nodeId).toBe(7);
    expect(validate({ 'node.id': '8', 'broker.id': '8' }).config.nodeId).toBe(8);
    expect(validate({ 'broker.id': '-1' }).config.nodeId).toBe(1);
  });

  it('settings made while running come before the file', () => {
    const { config } = validate({ 'max.connections': '5', 'log.retention.ms': '100' });
    const changed = withDynamicSettings(config, new Map([['log.retention.ms', '300']]), new Map([['max.connections', '6'], ['log.retention.ms', '200']]));
    expect(changed.maxConnections).toBe(6);
    expect(topicDefaults(changed).retentionMs).toBe(300);
    expect(config.maxConnections).toBe(5);
  });
});

describe('one node', () => {
  it('lowers counts of replicas and says so', () => {
    const { config, warnings } = validate({ 'offsets.topic.replication.factor': '3', 'default.replication.factor': '2' });
    expect(config).toMatchObject({ offsetsTopicReplicationFactor: 1, defaultReplicationFactor: 1 });
    expect(warnings).toEqual(['default.replication.factor=2 is lowered to 1: there is one broker', 'offsets.topic.replication.factor=3 is lowered to 1: there is one broker']);
  });

  it('is its own controller', () => {
    expect(validate({ 'process.roles': 'broker' }).warnings).toContain('process.roles=broker: this node is its own controller as well');
  });

  it('reads limits for single addresses', () => {
    const { config } = validate({ 'max.connections.per.ip.overrides': '10.0.0.1:5,::1:7,[fe80::1]:9' });
    expect([...config.maxConnectionsPerIpOverrides]).toEqual([['10.0.0.1', 5], ['::1', 7], ['fe80::1', 9]]);
  });
});
