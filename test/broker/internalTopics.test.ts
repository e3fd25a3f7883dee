import { describe, expect, it } from 'vitest';
import { newInternalTopic } from '../../src/broker/internalTopics.ts';
import { validateBrokerConfig } from '../../src/config/brokerConfig.ts';
import { resolveTopicConfig, validateTopicConfigs } from '../../src/config/topicConfig.ts';

const KEYS = { __consumer_offsets: 'offsets.topic.segment.bytes', __transaction_state: 'transaction.state.log.segment.bytes', __share_group_state: 'share.coordinator.state.topic.segment.bytes' };

describe("the broker's own topics", () => {
  it.each(Object.entries(KEYS))('%s is made with segments of %s, also below the least that others may ask for', (name, key) => {
    for (const value of ['100', '2000000']) {
      const { config } = validateBrokerConfig([{ key, value, origin: 'test' }]);
      const configs = newInternalTopic(name, config)!.configs;
      expect(validateTopicConfigs(configs, config.layers)).toBeNull();
      expect(resolveTopicConfig(configs as ReadonlyMap<string, string>, config.layers).segmentBytes).toBe(Number(value));
    }
  });
});
