import { describe, expect, it } from 'vitest';
import { alterBrokerConfigs, alterTopicConfigs, AlterOperation, brokerTable, NO_SETTINGS, staticLayers, validateDynamicBrokerConfigs, type ConfigAlteration } from '../../src/config/index.ts';

const none = staticLayers(NO_SETTINGS);
const { set, delete: remove, append, subtract } = AlterOperation;
const alteration = (name: string, operation: number, value: string | null): ConfigAlteration => ({ name, operation, value });
const alter = (current: Record<string, string>, ...alterations: ConfigAlteration[]) => {
  const result = alterTopicConfigs(new Map(Object.entries(current)), alterations, none);
  return result.ok ? Object.fromEntries(result.settings) : `${result.error}: ${result.message}`;
};

describe('altering a topic', () => {
  it('sets, deletes, appends and subtracts', () => {
    expect(alter({ 'retention.ms': '1' }, alteration('retention.ms', set, '2'))).toEqual({ 'retention.ms': '2' });
    expect(alter({ 'retention.ms': '1' }, alteration('retention.ms', remove, null))).toEqual({});
    expect(alter({}, alteration('retention.ms', remove, null))).toEqual({});
    expect(alter({}, alteration('cleanup.policy', append, 'compact'))).toEqual({ 'cleanup.policy': 'delete,compact' });
    expect(alter({ 'cleanup.policy': 'compact' }, alteration('cleanup.policy', append, 'compact,delete'))).toEqual({ 'cleanup.policy': 'compact,delete' });
    expect(alter({ 'cleanup.policy': 'compact,delete' }, alteration('cleanup.policy', subtract, 'delete'))).toEqual({ 'cleanup.policy': 'compact' });
  });

  it('leaves what it was given as it is', () => {
    const current = new Map([['retention.ms', '1']]);
    alterTopicConfigs(current, [alteration('retention.ms', set, '2')], none);
    expect(current.get('retention.ms')).toBe('1');
  });

  it.each([
    [alteration('retention.ms', append, '1'), "INVALID_CONFIG: Can't APPEND to key retention.ms because its type is not LIST."],
    [alteration('no.such', subtract, '1'), "INVALID_CONFIG: Can't SUBTRACT to key no.such because its type is not LIST."],
    [alteration('no.such', set, '1'), 'INVALID_CONFIG: Unknown topic config name: no.such'],
    [alteration('retention.ms', set, null), 'INVALID_REQUEST: Null value not supported for : retention.ms'],
    [alteration('retention.ms', 9, '1'), 'INVALID_REQUEST: Unknown operation code 9 for config key retention.ms'],
  ])('refuses %j', (asked, message) => {
    expect(alter({}, asked)).toBe(message);
  });

  it('refuses a key twice', () => {
    expect(alter({}, alteration('retention.ms', set, '1'), alteration('retention.ms', set, '2'))).toBe('INVALID_REQUEST: Error due to duplicate config keys');
  });
});

const wrapped = (problem: string) => `Invalid value org.apache.kafka.common.config.ConfigException: ${problem} for configuration Invalid dynamic configuration`;

/** Kafka lets them change for one listener only. */
const OF_ONE_LISTENER = /^ssl\.(?:keystore|truststore|key)\./;
/** A plug-in in Java, which there cannot be here. */
const OF_JAVA = 'ssl.engine.factory.class';

describe('altering a broker', () => {
  const check = (name: string, value: string, isDefault = false) => validateDynamicBrokerConfigs(new Map([[name, value]]), isDefault, none);

  it.each([
    ['log.retention.ms', '5', false, null],
    ['log.retention.ms', '5', true, null],
    ['ssl.client.auth', 'none', false, null],
    ['unknown.key', 'x', false, null],
    ['ssl.client.auth', 'none', true, 'Cannot update these configs at default cluster level, broker id must be specified: [ssl.client.auth]'],
    ['ssl.keystore.location', '/a', false, 'These security configs can be dynamically updated only per-listener using the listener prefix: [ssl.keystore.location]'],
    ['listener.name.a.ssl.keystore.location', '/a', false, null],
    ['listener.name.a.ssl.keystore.location', '/a', true, 'Cannot update these configs at default cluster level, broker id must be specified: [listener.name.a.ssl.keystore.location]'],
    ['listener.name.a.max.connections', '9', true, null],
    ['log.dirs', '/a', false, 'Cannot update these configs dynamically: [log.dirs]'],
    ['log.cleaner.threads', '200', false, 'requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.'],
    ['log.cleaner.threads', '3', false, wrapped('Log cleaner threads cannot be increased to more than double the current value 1')],
    ['num.io.threads', '3', false, wrapped('Dynamic thread count update validation failed for num.io.threads=3, value should be at least half the current value 8')],
    ['log.retention.ms', '0', true, 'requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1'],
    ['cordoned.log.dirs', '/nope', false, 'requirement failed: All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : /nope'],
    ['max.connections', '-1', true, 'Invalid value -1 for configuration max.connections: Value must be at least 0'],
    ['max.connections.per.ip.overrides', 'x', true, "Error parsing configuration property 'max.connections.per.ip.overrides': x is not of the form host:count"],
  ])('%s=%s (all: %s): %s', (name, value, isDefault, message) => {
    expect(check(name, value, isDefault)).toBe(message);
  });

  it('takes every key that may change, at the level where it may', () => {
    const refused = [...brokerTable.values()].filter(({ dynamic, name }) => dynamic !== 'no' && name !== OF_JAVA && !OF_ONE_LISTENER.test(name)).flatMap(({ name, dynamic, defaultText }) => {
      const problem = check(name, defaultText ?? '1', dynamic === 'cluster');
      return problem === null ? [] : [`${name}: ${problem}`];
    });
    expect(refused).toEqual([]);
  });

  it('does not let what an older release stored stand in the way', () => {
    const result = alterBrokerConfigs(new Map([['ssl.key.password', 'x']]), [alteration('log.retention.ms', set, '7')], false, none);
    expect(result).toMatchObject({ ok: true });
  });

  it.each([
    ['message.max.bytes', append, '1', 'INVALID_CONFIG', 'Config value append is not allowed for config key: message.max.bytes'],
    ['unknown.key', subtract, '1', 'INVALID_CONFIG', 'Unknown config name: unknown.key'],
    ['message.max.bytes', 7, '1', 'INVALID_REQUEST', 'Unknown operations type 7'],
    ['node.id', set, '1', 'INVALID_REQUEST', 'Cannot update these configs dynamically: [node.id]'],
  ])('%s by operation %s: %s %s', (name, operation, value, error, message) => {
    expect(alterBrokerConfigs(NO_SETTINGS, [alteration(name, operation, value)], false, none)).toEqual({ ok: false, error, message });
  });

  it('keeps what was set before', () => {
    const result = alterBrokerConfigs(new Map([['max.connections', '5']]), [alteration('log.retention.ms', set, '7')], true, none);
    expect(result.ok && Object.fromEntries(result.settings)).toEqual({ 'max.connections': '5', 'log.retention.ms': '7' });
  });
});
