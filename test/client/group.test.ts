import { afterEach, describe, expect, it } from 'vitest';
import { Admin } from '../../src/client/admin/admin.ts';
import { Consumer } from '../../src/client/consumer/consumer.ts';
import type { ConsumerOptions } from '../../src/client/consumer/consumerOptions.ts';
import type { GroupOptions } from '../../src/client/consumer/membership.ts';
import { Producer } from '../../src/client/producer/producer.ts';
import { RealNode } from './support/realNode.ts';

const nodes: RealNode[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close();
});

async function startNode(): Promise<RealNode> {
  const node = await new RealNode().start();
  nodes.push(node);
  return node;
}

async function produce(node: RealNode, topic: string, partitions: number, count: number, from = 0): Promise<void> {
  const producer = new Producer(node.connect(), {}, ({ error }) => {
    if (error !== null) throw error;
  });
  await producer.prepare(topic);
  for (let index = 0; index < count; index++) producer.send({ topic, partition: index % partitions, key: null, value: Buffer.from(String(from + index)) });
  await producer.close();
}

const groupOptions: GroupOptions = { groupId: 'g', sessionTimeoutMs: 10_000, heartbeatIntervalMs: 50, maxPollIntervalMs: 5000 };

class Member {
  readonly consumer: Consumer;
  readonly seen: string[];

  constructor(node: RealNode, seen: string[], options: Partial<ConsumerOptions> = {}, group: Partial<GroupOptions> = {}) {
    this.consumer = new Consumer(node.connect(), { autoOffsetReset: 'earliest', fetchWaitMsMax: 20, autoCommitIntervalMs: 20, ...options, group: { ...groupOptions, ...group } });
    this.consumer.subscribe({ topics: ['t'] });
    this.seen = seen;
  }

  poll(timeoutMs = 20): Promise<number> {
    return this.consumer.poll((_topic, _partition, record) => void this.seen.push(String(record.value())), timeoutMs);
  }
}

async function until(isSo: () => boolean, step: () => Promise<unknown>): Promise<void> {
  while (!isSo()) await step();
}

describe('a group', () => {
  it('shares the partitions, passes them on when a member leaves, and resumes where it committed', async () => {
    const node = await startNode();
    await new Admin(node.connect()).createTopic({ topic: 't', partitions: 3 });
    await produce(node, 't', 3, 60);
    const seen: string[] = [];
    const first = new Member(node, seen);
    await until(() => seen.length >= 60, () => first.poll());
    expect(first.consumer.assignment).toHaveLength(3);

    const second = new Member(node, seen);
    const both = () => Promise.all([first.poll(), second.poll()]);
    await until(() => first.consumer.assignment.length + second.consumer.assignment.length === 3 && second.consumer.assignment.length > 0, both);
    await produce(node, 't', 3, 30, 60);
    await until(() => seen.length >= 90, both);

    await first.consumer.close();
    await produce(node, 't', 3, 30, 90);
    await until(() => seen.length >= 120, () => second.poll());
    expect(second.consumer.assignment).toHaveLength(3);
    await second.consumer.close();

    const third = new Member(node, seen);
    await produce(node, 't', 3, 3, 120);
    await until(() => seen.length >= 123, () => third.poll());
    expect([...seen].map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 123 }, (_, n) => n));
    await third.consumer.close();
  });

  it('goes on over a restart of the broker', async () => {
    const node = await startNode();
    await new Admin(node.connect()).createTopic({ topic: 't', partitions: 2 });
    await produce(node, 't', 2, 10);
    const seen: string[] = [];
    const member = new Member(node, seen, {}, { sessionTimeoutMs: 20_000 });
    await until(() => seen.length >= 10, () => member.poll());
    await node.stop();
    expect(await member.poll(50)).toBe(0);
    await node.start();
    await produce(node, 't', 2, 10, 10);
    await until(() => seen.length >= 20, () => member.poll());
    expect([...seen].map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    await member.consumer.close();
  });

  it('is left by a member that does not poll, who comes back with its next poll', async () => {
    const node = await startNode();
    await new Admin(node.connect()).createTopic({ topic: 't', partitions: 2 });
    const seen: string[] = [];
    const slow = new Member(node, seen, {}, { maxPollIntervalMs: 150 });
    const other = new Member(node, seen);
    await until(() => slow.consumer.assignment.length === 2, () => slow.poll());
    await until(() => other.consumer.assignment.length === 2, () => other.poll());
    await until(() => slow.consumer.assignment.length === 1 && other.consumer.assignment.length === 1, () => Promise.all([slow.poll(), other.poll()]));
    await Promise.all([slow.consumer.close(), other.consumer.close()]);
  });

  it('knows static members again, and does not wait for one that is gone for a moment', async () => {
    const node = await startNode();
    await new Admin(node.connect()).createTopic({ topic: 't', partitions: 2 });
    const seen: string[] = [];
    const before = new Member(node, seen, {}, { instanceId: 'one', sessionTimeoutMs: 20_000 });
    await until(() => before.consumer.assignment.length === 2, () => before.poll());
    await before.consumer.close();
    const after = new Member(node, seen, {}, { instanceId: 'one', sessionTimeoutMs: 20_000 });
    await produce(node, 't', 2, 4);
    await until(() => seen.length >= 4, () => after.poll());
    await after.consumer.close();
  });

  it('commits only what was handed out', async () => {
    const node = await startNode();
    await new Admin(node.connect()).createTopic({ topic: 't', partitions: 1 });
    await produce(node, 't', 1, 10);
    const first = new Consumer(node.connect(), { autoOffsetReset: 'earliest', group: groupOptions });
    first.subscribe({ topics: ['t'] });
    const taken: number[] = [];
    await until(() => taken.length === 4, () => first.poll((_topic, _partition, record) => taken.push(record.offset) < 4, 50));
    await first.close();
    const seen: string[] = [];
    const second = new Member(node, seen);
    await until(() => seen.length >= 6, () => second.poll());
    expect(seen).toEqual(['4', '5', '6', '7', '8', '9']);
    await second.consumer.close();
  });

  it('is left in time by a member whose broker does not answer', async () => {
    const node = await startNode();
    await new Admin(node.connect()).createTopic({ topic: 't', partitions: 1 });
    const member = new Member(node, []);
    await until(() => member.consumer.assignment.length === 1, () => member.poll());
    await node.stop();
    await member.consumer.close(200);
    await expect(member.poll()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
