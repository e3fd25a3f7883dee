import { describe, expect, it } from 'vitest';
import { brokerTable, describeBrokerConfigs, describeDynamicDefaults, describeTopicConfigs, NO_SETTINGS, staticLayers, topicTable, type DescribedConfig } from '../../src/config/index.ts';

const settings = (object: Record<string, string>) => new Map(Object.entries(object));
const sources = (described: DescribedConfig) => described.synonyms.map(({ name, value, source }) => `${source} ${name}=${value}`);
const only = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1);
  return list[0] as T;
};

describe('describing a topic', () => {
  const layers = {
    dynamicBroker: NO_SETTINGS,
    dynamicDefault: settings({ 'log.segment.bytes': '2000000' }),
    static: settings({ 'log.segment.bytes': '1100000', 'log.retention.hours': '1', 'log.roll.ms': '9', 'log.roll.hours': '2' }),
  };
  const one = (name: string, topic: Record<string, string> = {}) => only(describeTopicConfigs(settings(topic), layers, [name]));

  it('lists all public keys by name', () => {
    const names = describeTopicConfigs(NO_SETTINGS, layers, null).map(({ name }) => name);
    expect(names).toEqual([...topicTable.values()].filter(({ internal }) => !internal).map(({ name }) => name).sort());
    expect(names).not.toContain('internal.segment.bytes');
  });

  it('lists an internal key once it is set', () => {
    const described = describeTopicConfigs(settings({ 'internal.segment.bytes': '2000' }), layers, null).find(({ name }) => name === 'internal.segment.bytes');
    expect(described).toMatchObject({ value: '2000', source: 1, synonyms: [{ name: 'internal.segment.bytes', value: '2000', source: 1 }] });
    const broker = describeBrokerConfigs(staticLayers(settings({ 'unstable.api.versions.enable': 'true' })), null).find(({ name }) => name === 'unstable.api.versions.enable');
    expect(broker).toMatchObject({ value: 'true', source: 4 });
  });

  it('names only keys that exist', () => {
    expect(describeTopicConfigs(NO_SETTINGS, layers, ['no.such'])).toEqual([]);
  });

  it('tells the whole of a long', () => {
    expect(one('flush.messages')).toMatchObject({ value: '9223372036854775807', source: 5, typeCode: 5, readOnly: false, isSensitive: false });
  });

  it('tells where a value comes from and what lies below it', () => {
    const described = one('segment.bytes', { 'segment.bytes': '3000000' });
    expect(described).toMatchObject({ value: '3000000', source: 1, typeCode: 3 });
    expect(sources(described)).toEqual(['1 segment.bytes=3000000', '3 log.segment.bytes=2000000', '4 log.segment.bytes=1100000', '5 log.segment.bytes=1073741824']);
    expect(one('segment.bytes')).toMatchObject({ value: '2000000', source: 3 });
  });

  it('leaves out, as Kafka does, synonyms before the key itself', () => {
    expect(one('retention.ms')).toMatchObject({ value: '3600000', source: 5, synonyms: [] });
    expect(sources(one('segment.ms'))).toEqual(['4 log.roll.ms=9', '4 log.roll.hours=2', '5 log.roll.hours=168']);
  });

  it('shows values as Kafka prints them', () => {
    expect(one('cleanup.policy', { 'cleanup.policy': 'compact , delete' }).value).toBe('compact,delete');
    expect(one('preallocate', { preallocate: ' TRUE ' }).value).toBe('true');
    expect(one('retention.ms', { 'retention.ms': '+5' }).value).toBe('5');
  });
});

describe('describing a broker', () => {
  const layers = staticLayers(settings({ 'ssl.key.password': 'hunter2', 'num.partitions': '3', 'my.plugin.key': 'swordfish' }));
  const described = describeBrokerConfigs(layers, null);
  const one = (name: string) => only(described.filter((entry) => entry.name === name));

  it('lists every public key, and what else was set', () => {
    expect(described).toHaveLength([...brokerTable.values()].filter(({ internal }) => !internal).length + 1);
    expect(one('num.partitions')).toMatchObject({ value: '3', source: 4, readOnly: true });
    expect(one('max.connections')).toMatchObject({ value: '2147483647', source: 5, readOnly: false });
  });

  it('hides passwords and what it does not know', () => {
    expect(one('ssl.key.password')).toMatchObject({ value: null, isSensitive: true, typeCode: 9 });
    expect(one('my.plugin.key')).toMatchObject({ value: null, isSensitive: true, typeCode: 0 });
    const text = JSON.stringify(described);
    expect(['hunter2', 'swordfish'].filter((word) => text.includes(word))).toEqual([]);
  });

  it('tells of names that nobody knows that they are set, and no more', () => {
    const set = describeDynamicDefaults(settings({ invalid: '2' }), null);
    expect(set).toMatchObject([{ name: 'invalid', value: null, isSensitive: true, source: 3 }]);
    expect(only(describeBrokerConfigs({ ...layers, dynamicBroker: settings({ invalid: '2' }) }, ['invalid']))).toMatchObject({ value: null, isSensitive: true, source: 2 });
  });

  it("tells a listener's setting above the key alone", () => {
    const name = 'listener.name.a.ssl.client.auth';
    const described = only(describeBrokerConfigs({ ...layers, dynamicBroker: settings({ [name]: 'required' }) }, [name]));
    expect(sources(described)).toEqual([`2 ${name}=required`, '5 ssl.client.auth=none']);
  });

  it('for all brokers tells only what was set while running', () => {
    expect(describeDynamicDefaults(settings({ 'max.connections': '7' }), null)).toMatchObject([{ name: 'max.connections', value: '7', source: 3 }]);
  });
});
