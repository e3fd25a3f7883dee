import { describe, expect, it } from 'vitest';
import { alterBrokerConfigs, alterTopicConfigs, AlterOperation, NO_SETTINGS, staticLayers, validateDynamicBrokerConfigs, type ConfigAlteration } from '../../src/config/index.ts';

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

describe('altering a broker', () => {
  const check = (name: string, value: string, isDefault = false) => validateDynamicBrokerConfigs(new Map([[name, value]]), isDefault);

  it.each([
    ['log.retention.ms', '5', false, null],
    ['log.retention.ms', '5', true, null],
    ['ssl.client.auth', 'none', false, null],
    ['unknown.key', 'x', false, null],
    ['ssl.client.auth', 'none', true, 'Cannot update these configs at default cluster level, broker configs must be updated per broker: Set(ssl.client.auth)'],
    ['listeners', 'PLAINTEXT://a:1', false, 'Cannot update these configs dynamically: Set(listeners)'],
    ['log.dirs', '/a', false, 'Cannot update these configs dynamically: Set(log.dirs)'],
    ['max.connections', '-1', true, 'Invalid value -1 for configuration max.connections: Value must be at least 0'],
    ['max.connections.per.ip.overrides', 'x', true, 'Invalid value x for configuration max.connections.per.ip.overrides: wanted host:count, separated by commas'],
  ])('%s=%s (all: %s): %s', (name, value, isDefault, message) => {
    expect(check(name, value, isDefault)).toBe(message);
  });

  it('keeps what was set before', () => {
    const result = alterBrokerConfigs(new Map([['max.connections', '5']]), [alteration('log.retention.ms', set, '7')], true);
    expect(result.ok && Object.fromEntries(result.settings)).toEqual({ 'max.connections': '5', 'log.retention.ms': '7' });
  });
});
