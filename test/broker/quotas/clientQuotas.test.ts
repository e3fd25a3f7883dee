import { afterEach, describe, expect, it } from 'vitest';
import { RateMeter } from '../../../src/base/rateMeter.ts';
import { QuotaLookup } from '../../../src/broker/quotas/limits.ts';
import { ClientQuotaSet } from '../../../src/metadata/clientQuotas.ts';
import { zeroUuid } from '../../../src/protocol/types.ts';
import { AlterClientQuotas, CreateTopics, DeleteTopics, DescribeClientQuotas, Fetch, Metadata, Produce } from '../support/apis.ts';
import { call, send, settle, startNode, TestConnection } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { batch, createTopic, fetchBody, produceBody, valuesIn } from '../support/work.ts';
import { makeCreatableTopic } from '../../../src/protocol/generated/createTopics.ts';

const THROTTLING_QUOTA_EXCEEDED = 89;
const UNKNOWN_TOPIC_OR_PARTITION = 3;

const limitFor = (quotas: ClientQuotaSet, key: string, user: string, clientId: string) => new QuotaLookup(quotas, user, clientId).limit(key);

describe('who is limited', () => {
  const names = [['user', 'ann'], ['client-id', 'app']] as const;
  const [user, client] = names;
  /** From the most to the least specific. */
  const entities: (readonly (readonly [string, string | null])[])[] = [
    [user, client], [user, ['client-id', null]], [user], [['user', null], client], [['user', null], ['client-id', null]], [['user', null]], [client], [['client-id', null]],
  ];

  it('the most specific quota decides', () => {
    const quotas = new ClientQuotaSet();
    expect(limitFor(quotas, 'producer_byte_rate', 'ann', 'app')).toBeNull();
    for (const [index, entity] of entities.toReversed().entries()) {
      quotas.set(new Map(entity), 'producer_byte_rate', index + 1);
      expect(limitFor(quotas, 'producer_byte_rate', 'ann', 'app')?.value).toBe(index + 1);
    }
    expect(limitFor(quotas, 'consumer_byte_rate', 'ann', 'app')).toBeNull();
  });

  it('clients of a user share what is set for the user, and nothing else', () => {
    const quotas = new ClientQuotaSet();
    quotas.set(new Map([['user', null]]), 'request_percentage', 10);
    const sharers = (u: string, c: string): string => limitFor(quotas, 'request_percentage', u, c)!.sharedBy;
    expect(sharers('ann', 'a')).toBe(sharers('ann', 'b'));
    expect(sharers('ann', 'a')).not.toBe(sharers('bob', 'a'));
    quotas.set(new Map([['client-id', null]]), 'consumer_byte_rate', 10);
    expect(limitFor(quotas, 'consumer_byte_rate', 'ann', 'a')!.sharedBy).toBe(limitFor(quotas, 'consumer_byte_rate', 'bob', 'a')!.sharedBy);
  });
});

describe('a rate', () => {
  it('counts windows that are not there yet, so that a first burst is spread over all of them', () => {
    const meter = new RateMeter(100, 11, 1000, 0);
    meter.record(1000, 0);
    expect(meter.rate(0)).toBe(100);
    expect(meter.throttleMs(0)).toBe(0);
    meter.record(500, 0);
    expect(meter.throttleMs(0)).toBe(5000);
    expect(meter.throttleMs(6000)).toBe(5000);
  });

  it('begins its first window with what comes first', () => {
    const meter = new RateMeter(100, 11, 1000, 0);
    meter.record(1500, 5000);
    expect(meter.throttleMs(5000)).toBe(5000);
  });

  it('forgets what lies behind its windows, and takes back', () => {
    const meter = new RateMeter(100, 3, 1000, 0);
    meter.record(900, 0);
    expect(meter.rate(2999)).toBeGreaterThan(0);
    expect(meter.rate(3000)).toBe(0);
    expect(meter.throttleMsWith(10_000, 3000)).toBeGreaterThan(0);
    expect(meter.rate(3000)).toBe(0);
  });
});

describe('a broker with quotas', () => {
  let node: TestNode;
  afterEach(() => node.stop());

  const limit = (entity: readonly (readonly [string, string | null])[], key: string, value: number | null) =>
    node.metadata.controller.alterClientQuotas([{ entity, changes: [{ key, value }] }], false);

  it('names types and keys in Kafka\'s order, whatever the order of the request', async () => {
    node = await startNode();
    const entity = [{ entityType: 'user', entityName: null }, { entityType: 'client-id', entityName: 'app' }];
    const ops = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage'].map((key) => ({ key, value: 1000, remove: false }));
    const answer = [{ entityType: 'client-id', entityName: 'app' }, { entityType: 'user', entityName: null }];
    const altered = await call(node, AlterClientQuotas, 1, { entries: [{ entity, ops }], validateOnly: false });
    expect(altered.entries).toEqual([{ errorCode: 0, errorMessage: null, entity: answer }]);
    const described = await call(node, DescribeClientQuotas, 1, { components: [{ entityType: 'user', matchType: 1, match: null }], strict: false });
    const keys = ['consumer_byte_rate', 'request_percentage', 'producer_byte_rate'];
    expect(described.entries).toEqual([{ entity: answer, values: keys.map((key) => ({ key, value: 1000 })) }]);
  });

  it('throttles producers by the bytes of their requests, and their connection', async () => {
    node = await startNode();
    await createTopic(node, 'a');
    await limit([['client-id', 'tester']], 'producer_byte_rate', 100);
    const connection = new TestConnection();
    const body = () => produceBody('a', 0, batch(['x'.repeat(2000)]));
    const { throttleTimeMs, responses } = await call(node, Produce, 11, body(), connection);
    expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
    expect(throttleTimeMs).toBeGreaterThan(9000);
    expect(connection.throttles).toEqual([throttleTimeMs]);
    const other = new TestConnection();
    expect((await call(node, Produce, 11, body(), other, 'somebody else')).throttleTimeMs).toBe(0);
    expect(other.throttles).toEqual([]);
    // Nobody waits for a reply to acks=0, and yet its bytes count.
    send(node, Produce, 11, { ...body(), acks: 0 }, connection);
    await settle();
    expect(connection.throttles.length).toBe(2);
    await limit([['client-id', 'tester']], 'producer_byte_rate', null);
    expect((await call(node, Produce, 11, body(), connection)).throttleTimeMs).toBe(0);
  });

  it('gives consumers above their quota nothing, and what they asked for once they have waited', async () => {
    node = await startNode();
    await createTopic(node, 'a');
    await call(node, Produce, 11, produceBody('a', 0, batch(['x'.repeat(600)])));
    await limit([['user', 'ANONYMOUS']], 'consumer_byte_rate', 100);
    const connection = new TestConnection();
    const fetch = () => call(node, Fetch, 12, fetchBody('a', [{ partition: 0, fetchOffset: 0 }]), connection);
    const first = await fetch();
    expect(valuesIn(first.responses[0]!.partitions[0]!.records)).toEqual(['x'.repeat(600)]);
    const second = await fetch();
    expect(second.responses).toEqual([]);
    expect(second.errorCode).toBe(0);
    expect(second.throttleTimeMs).toBeGreaterThan(0);
    expect(connection.throttles).toEqual([second.throttleTimeMs]);
    await node.ports.clock.advance(12_000);
    expect((await fetch()).responses.length).toBe(1);
  });

  it('lets partitions be made until there is a debt, and tells newer clients by an error', async () => {
    node = await startNode({ settings: { 'controller.quota.window.num': '2' } });
    await limit([['user', null]], 'controller_mutation_rate', 1);
    const connection = new TestConnection();
    const create = (name: string, version = 7) => call(node, CreateTopics, version, {
      topics: [makeCreatableTopic({ name, numPartitions: 5, replicationFactor: 1 })], timeoutMs: 1000, validateOnly: false,
    }, connection);
    expect((await create('a')).topics[0]!.errorCode).toBe(0);
    const refused = await create('b');
    expect(refused.topics[0]!.errorCode).toBe(THROTTLING_QUOTA_EXCEEDED);
    expect(refused.throttleTimeMs).toBe(3000);
    expect(connection.throttles).toEqual([3000]);
    expect((await create('c', 5)).topics[0]!.errorCode).toBe(0);
    const asked = await call(node, Metadata, 12, {
      topics: [{ name: 'unheard-of', topicId: zeroUuid }], allowAutoTopicCreation: true, includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false,
    }, connection);
    expect(asked.topics[0]!.errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
    expect(asked.throttleTimeMs).toBeGreaterThan(0);
    const deleted = await call(node, DeleteTopics, 5, { topicNames: ['a'], topics: [], timeoutMs: 1000 }, connection);
    expect(deleted.responses[0]!.errorCode).toBe(THROTTLING_QUOTA_EXCEEDED);
    await node.ports.clock.advance(60_000);
    expect((await create('b')).topics[0]!.errorCode).toBe(0);
  });

  it('remembers a bounded number of clients, whatever they call themselves', async () => {
    node = await startNode();
    await limit([['client-id', null]], 'producer_byte_rate', 100);
    const { quotas } = node.broker.services;
    const connection = new TestConnection();
    const long = 'x'.repeat(30_000);
    expect(quotas.produce(connection, `${long}1`, 2000)).toBeGreaterThan(0);
    expect(quotas.produce(connection, `${long}2`, 1)).toBeGreaterThan(0);
    for (let id = 0; id < 11_000; id++) quotas.produce(connection, `client-${id}`, 1);
    const entities = [...node.broker.services.metrics.gauges()].find(({ name }) => name === 'quota_entities');
    expect(entities!.value()).toBeLessThan(20_001);
    expect(quotas.produce(connection, 'client-10999', 2000)).toBeGreaterThan(0);
  });

  it('throttles by the time that requests take', async () => {
    node = await startNode();
    await createTopic(node, 'a');
    await limit([['client-id', null]], 'request_percentage', 0.5);
    const connection = new TestConnection();
    const { quotas } = node.broker.services;
    expect(quotas.request(connection, 'busy', 1000)).toBe(1000);
    expect(quotas.request(connection, 'calm', 10)).toBe(0);
  });
});
