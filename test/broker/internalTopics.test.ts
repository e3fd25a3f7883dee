import { describe, expect, it } from 'vitest';
import { newInternalTopic } from '../../src/broker/internalTopics.ts';
import { validateBrokerConfig } from '../../src/config/brokerConfig.ts';
import { resolveTopicConfig, validateTopicConfigs } from '../../src/config/topicConfig.ts';
import { createLoopbackNetwork } from '../../src/net/index.ts';
import { startNode } from '../../src/node/index.ts';
import { MemoryDisk } from '../../src/storage/disk/memory.ts';
import { seededRandom } from '../storage/support/ports.ts';
import { FindCoordinator } from './support/apis.ts';
import { send } from './support/node.ts';
import type { TestNode } from './support/node.ts';

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

  it('are there in full before anybody is told who coordinates: also for those who ask while they are being made', async () => {
    const disk = new MemoryDisk({ random: seededRandom(1) });
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { makeDirectory } = disk;
    disk.makeDirectory = async (path) => {
      if (path.includes('__consumer_offsets')) await gate;
      return makeDirectory.call(disk, path);
    };
    const settings = { 'listeners': 'PLAINTEXT://127.0.0.1:0', 'log.dirs': '/data', 'offsets.topic.num.partitions': '3' };
    const entries = Object.entries(settings).map(([key, value]) => ({ key, value, origin: 'test' }));
    const node = await startNode({ config: validateBrokerConfig(entries).config, network: createLoopbackNetwork(), disk });
    const asked = { broker: node.broker } as TestNode;
    const ask = () => send(asked, FindCoordinator, 4, { key: '', keyType: 0, coordinatorKeys: ['g'] });
    const { partitions } = node.broker.services;
    const first = ask();
    await expect.poll(() => partitions.topic('__consumer_offsets')).toBeDefined();
    const second = ask();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([first.response(), second.response()]).toEqual([null, null]);
    open();
    await expect.poll(() => [first, second].map((each) => each.response()?.coordinators[0]!.errorCode)).toEqual([0, 0]);
    expect(partitions.topic('__consumer_offsets')!.partitions.map(({ log }) => log === null)).toEqual([false, false, false]);
    await node.close(0);
  });
});
