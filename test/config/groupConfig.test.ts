import { describe, expect, test } from 'vitest';
import { AlterOperation } from '../../src/config/alter.ts';
import { ConfigSource } from '../../src/config/describe.ts';
import { alterGroupConfigs, describeGroupConfigs } from '../../src/config/groupConfig.ts';
import { staticLayers } from '../../src/config/layers.ts';

const layers = staticLayers(new Map([['group.share.session.timeout.ms', '50000'], ['group.share.max.delivery.count.limit', '6']]));

const set = (name: string, value: string) => alterGroupConfigs(new Map(), [{ name, operation: AlterOperation.set, value }], layers);

describe('settings of groups', () => {
  test.each([
    ['share.session.timeout.ms', '46000'],
    ['share.auto.offset.reset', 'earliest'],
    ['share.auto.offset.reset', 'by_duration:PT1H'],
    ['share.isolation.level', 'read_committed'],
    ['share.renew.acknowledge.enable', 'false'],
    ['consumer.heartbeat.interval.ms', '6000'],
  ])('%s=%s is taken', (name, value) => {
    expect(set(name, value)).toMatchObject({ ok: true, settings: new Map([[name, value]]) });
  });

  test.each([
    ['no.such.key', '1'],
    ['share.auto.offset.reset', 'by_duration:1h'],
    ['share.auto.offset.reset', 'none'],
    ['share.session.timeout.ms', '1'],
    ['share.delivery.count.limit', '7'],
    ['share.heartbeat.interval.ms', '60000'],
    ['share.isolation.level', 'serializable'],
    ['streams.num.standby.replicas', '3'],
  ])('%s=%s is refused', (name, value) => {
    expect(set(name, value)).toMatchObject({ ok: false, error: 'INVALID_CONFIG' });
  });

  test("are described with the broker's setting as their default", () => {
    const described = describeGroupConfigs(new Map([['share.isolation.level', 'read_committed']]), layers, null);
    expect(described.find(({ name }) => name === 'share.session.timeout.ms')).toMatchObject({
      value: '50000', source: ConfigSource.static,
      synonyms: [{ name: 'group.share.session.timeout.ms', value: '50000', source: ConfigSource.static }, { name: 'group.share.session.timeout.ms', value: '45000', source: ConfigSource.default }],
    });
    expect(described.find(({ name }) => name === 'share.isolation.level')).toMatchObject({ value: 'read_committed', source: ConfigSource.dynamicGroup });
  });
});
