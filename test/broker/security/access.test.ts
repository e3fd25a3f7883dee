import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { canonicalAddress } from '../../../src/base/ipAddress.ts';
import { authorize, authorizeAny } from '../../../src/broker/security/acl/authorizer.ts';
import { AclOperation, AclPermission, AclSet, PatternType, ResourceType, matchesFilter } from '../../../src/metadata/acls.ts';
import type { AclBinding } from '../../../src/metadata/acls.ts';
import { makeAclCreation } from '../../../src/protocol/generated/createAcls.ts';
import { callOf } from './accessRunner.ts';
import { fetchBody, produceBody, batch, createTopic } from '../support/work.ts';
import { Fetch, Metadata, Produce } from '../support/apis.ts';
import { call, send, settle, startNode, TestConnection } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';

const { allow, deny } = AclPermission;
const { read, write, describe: describing, describeConfigs, alterConfigs, all, alter } = AclOperation;
const ANN = { principal: 'User:ann', host: '10.0.0.1' };

let ids = 0;
function acl(fields: Partial<AclBinding>): AclBinding {
  return { resourceType: ResourceType.topic, resourceName: 'a', patternType: PatternType.literal, principal: 'User:ann', host: '*', operation: read, permission: allow, ...fields };
}
function setOf(...acls: Partial<AclBinding>[]): AclSet {
  const set = new AclSet();
  for (const one of acls) set.add(`id${ids++}`, acl(one));
  return set;
}
const may = (set: AclSet, operation: number = read, name = 'a', who = ANN, allowIfNone = false): boolean => authorize(set, who, operation, ResourceType.topic, name, allowIfNone);

describe('the authorizer', () => {
  it('allows what a list allows, by name, prefix or for all', () => {
    expect(may(setOf())).toBe(false);
    expect(may(setOf({}))).toBe(true);
    expect(may(setOf({ resourceName: '*' }))).toBe(true);
    expect(may(setOf({ resourceName: 'ab' }), read, 'abc')).toBe(false);
    const prefixed = setOf({ resourceName: 'ab', patternType: PatternType.prefixed });
    expect([may(prefixed, read, 'abc'), may(prefixed, read, 'ab'), may(prefixed, read, 'a')]).toEqual([true, true, false]);
  });

  it('goes by principal and host', () => {
    expect(may(setOf({ principal: 'User:bob' }))).toBe(false);
    expect(may(setOf({ principal: 'User:*' }))).toBe(true);
    expect(may(setOf({ host: '10.0.0.2' }))).toBe(false);
    expect(may(setOf({ host: '10.0.0.1' }))).toBe(true);
  });

  it('lets one list that denies outweigh all that allow', () => {
    expect(may(setOf({}, { resourceName: '*', operation: all, permission: deny, principal: 'User:*' }))).toBe(false);
    expect(may(setOf({ operation: all }, { operation: write, permission: deny }))).toBe(true);
    expect(may(setOf({ operation: all }, { resourceName: '', permission: deny, patternType: PatternType.prefixed }))).toBe(false);
  });

  it('implies describing, but not in denials', () => {
    for (const operation of [read, write, alter, AclOperation.delete, all]) expect(may(setOf({ operation }), describing)).toBe(true);
    expect(may(setOf({ operation: AclOperation.create }), describing)).toBe(false);
    expect(may(setOf({ operation: alterConfigs }), describeConfigs)).toBe(true);
    expect(may(setOf({ operation: describing }, { operation: read, permission: deny }), describing)).toBe(true);
  });

  it('allows where there is no list only if it is set so', () => {
    expect(may(setOf(), read, 'a', ANN, true)).toBe(true);
    expect(may(setOf({ principal: 'User:bob' }), read, 'a', ANN, true)).toBe(false);
    expect(may(setOf({ principal: 'User:bob' }), read, 'b', ANN, true)).toBe(true);
  });

  it('knows whether there is any resource', () => {
    const any = (set: AclSet): boolean => authorizeAny(set, ANN, write, ResourceType.topic, false);
    expect(any(setOf({ operation: read }))).toBe(false);
    expect(any(setOf({ operation: write }))).toBe(true);
    expect(any(setOf({ operation: write }, { operation: write, permission: deny }))).toBe(false);
    expect(any(setOf({ operation: write }, { resourceName: 'other', operation: write, permission: deny }))).toBe(true);
    expect(any(setOf({ resourceName: 'abc', operation: write }, { resourceName: 'ab', patternType: PatternType.prefixed, operation: all, permission: deny }))).toBe(false);
    expect(any(setOf({ operation: write }, { resourceName: '*', operation: all, permission: deny }))).toBe(false);
  });

  it('finds by its index what a look at every list finds', () => {
    const names = fc.array(fc.constantFrom('a', 'b'), { maxLength: 4 }).map((letters) => letters.join(''));
    const anyAcl = fc.record({
      resourceName: fc.oneof(names.filter((name) => name !== ''), fc.constant('*')), patternType: fc.constantFrom(PatternType.literal, PatternType.prefixed),
      permission: fc.constantFrom(allow, deny), operation: fc.constantFrom(read, write, all, describing),
    });
    fc.assert(fc.property(fc.array(anyAcl, { maxLength: 12 }), fc.array(fc.nat(11)), names, (acls, removed, name) => {
      const set = new AclSet();
      acls.forEach((one, index) => set.add(`i${index}`, acl(one)));
      for (const index of removed) set.remove(`i${index}`);
      const seen: AclBinding[] = [];
      set.visit(ResourceType.topic, name, (one) => seen.push(one) > 0);
      const filter = { resourceType: ResourceType.topic, resourceName: name, patternType: PatternType.match, principal: null, host: null, operation: 1, permission: 1 };
      const wanted = [...set.all()].filter((one) => matchesFilter(filter, one));
      expect(new Set(seen)).toEqual(new Set(wanted));
      expect(seen.length).toBe(wanted.length);
    }));
  });
});

describe('addresses', () => {
  it('have one form', () => {
    expect(canonicalAddress('::1')).toBe('0:0:0:0:0:0:0:1');
    expect(canonicalAddress('[2001:DB8::0a]')).toBe('2001:db8:0:0:0:0:0:a');
    expect(canonicalAddress('::ffff:10.1.2.3')).toBe('10.1.2.3');
    expect(canonicalAddress('10.1.2.3')).toBe('10.1.2.3');
    for (const bad of ['', '1.2.3', '1.2.3.400', '01.2.3.4', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', 'a.b.c.d', 'g::1', '::1.2.3']) expect(canonicalAddress(bad), bad).toBeNull();
  });
});

class Ann extends TestConnection {
  override readonly principal = 'User:ann';
}

class Root extends TestConnection {
  override readonly principal = 'User:root';
}

async function askAs(node: TestNode, connection: TestConnection, api: string, version: number, fields: object): Promise<Record<string, unknown>> {
  const { apiKey, body, request, response } = callOf(api, version, fields);
  return await call(node, { apiKey, write: (writer, value: object, v) => request.write(writer, value, v), read: (reader, v) => response.read(reader, v) as Record<string, unknown> }, version, body, connection);
}

const settings = { 'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer', 'super.users': 'User:root;User:other', 'group.initial.rebalance.delay.ms': '0' };

describe('a broker with lists', () => {
  it('lets a new list hold at once, and a removed one no longer, also in a fetch session', async () => {
    const node = await startNode({ settings });
    const [ann, root] = [new Ann(), new Root()];
    await askAs(node, root, 'CreateTopics', 7, { topics: [{ name: 'a', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }], timeoutMs: 1000, validateOnly: false });
    const creation = makeAclCreation({ resourceType: ResourceType.topic, resourceName: 'a', principal: 'User:ann', host: '*', operation: all, permissionType: allow });
    const produceAs = async () => (await call(node, Produce, 11, produceBody('a', 0, batch(['v'])), ann)).responses[0]!.partitionResponses[0]!.errorCode;
    expect(await produceAs()).toBe(29);
    await askAs(node, root, 'CreateAcls', 3, { creations: [creation] });
    expect(await produceAs()).toBe(0);
    const opened = await call(node, Fetch, 12, fetchBody('a', [{ partition: 0, fetchOffset: 0 }], { sessionEpoch: 0 }), ann);
    expect(opened.responses[0]!.partitions[0]!.errorCode).toBe(0);
    const parked = send(node, Fetch, 12, fetchBody('a', [{ partition: 0, fetchOffset: 1 }], { maxWaitMs: 500, sessionId: 0, sessionEpoch: -1 }), ann);
    const deleted = await askAs(node, root, 'DeleteAcls', 3, {
      filters: [{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: 'User:ann', hostFilter: null, operation: 1, permissionType: 1 }],
    });
    expect((deleted['filterResults'] as { matchingAcls: unknown[] }[])[0]!.matchingAcls.length).toBe(1);
    const next = await call(node, Fetch, 12, { ...fetchBody('a', []), topics: [], sessionId: opened.sessionId, sessionEpoch: 1 }, ann);
    expect(next.responses[0]!.partitions[0]!.errorCode).toBe(29);
    await node.ports.clock.advance(600);
    expect(parked.response()!.responses[0]!.partitions[0]!.errorCode).toBe(29);
    expect(await produceAs()).toBe(29);
    await node.stop();
  });

  it('forgets verdicts before they become many, and goes on deciding rightly', async () => {
    const node = await startNode({ settings });
    const [ann, root] = [new Ann(), new Root()];
    await askAs(node, root, 'CreateAcls', 3, { creations: [makeAclCreation({ resourceType: ResourceType.topic, resourceName: 'good-', resourcePatternType: PatternType.prefixed, principal: 'User:ann', host: '*', operation: read, permissionType: allow })] });
    const access = node.broker.services.access!;
    for (let index = 0; index < 110_000; index++) {
      const isGood = index % 1000 === 0;
      if (access.allows(ann, read, ResourceType.topic, `${isGood ? 'good' : 'bad'}-${index}`) !== isGood) throw new Error(`wrong at ${index}`);
    }
    expect(access.allows(ann, read, ResourceType.topic, `good-${'x'.repeat(30_000)}`)).toBe(true);
    expect(access.allows(ann, write, ResourceType.topic, `good-${'x'.repeat(30_000)}`)).toBe(false);
    await node.stop();
  });

  it('closes the connection of a producer without acks', async () => {
    const node = await startNode({ settings });
    const pending = send(node, Produce, 11, { ...produceBody('a', 0, batch(['v'])), acks: 0 }, new Ann());
    await settle();
    expect(pending.outcome.closed).toContain('TOPIC_AUTHORIZATION_FAILED');
    await node.stop();
  });

  it('shows a group that subscribes by an expression only topics that its member may describe', async () => {
    const node = await startNode({ settings });
    const [ann, root] = [new Ann(), new Root()];
    const topics = ['a', 'b'].map((name) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }));
    await askAs(node, root, 'CreateTopics', 7, { topics, timeoutMs: 1000, validateOnly: false });
    const right = (resourceType: number, resourceName: string, operation: number) => makeAclCreation({ resourceType, resourceName, principal: 'User:ann', host: '*', operation, permissionType: allow });
    await askAs(node, root, 'CreateAcls', 3, { creations: [right(ResourceType.topic, 'a', describing), right(ResourceType.group, 'g', read), right(ResourceType.group, 'g', describing)] });
    const beat = (memberEpoch: number, more: object) => askAs(node, ann, 'ConsumerGroupHeartbeat', 1, {
      groupId: 'g', memberId: 'AAAAAAAAAAAAAAAAAAAAAQ', memberEpoch, instanceId: null, rackId: null, rebalanceTimeoutMs: -1, subscribedTopicNames: null, subscribedTopicRegex: null, serverAssignor: null, topicPartitions: null, ...more,
    });
    await askAs(node, root, 'FindCoordinator', 4, { keyType: 0, coordinatorKeys: ['g'] });
    const joined = await beat(0, { rebalanceTimeoutMs: 1000, subscribedTopicRegex: '[ab]', topicPartitions: [] });
    expect(joined['errorCode']).toBe(0);
    for (let round = 0; round < 5; round++) {
      await node.ports.clock.advance(100);
      await beat(joined['memberEpoch'] as number, {});
    }
    const described = await askAs(node, root, 'ConsumerGroupDescribe', 1, { groupIds: ['g'], includeAuthorizedOperations: false });
    const [group] = described['groups'] as { members: { targetAssignment: { topicPartitions: { topicName: string }[] } }[] }[];
    expect(group!.members[0]!.targetAssignment.topicPartitions.map(({ topicName }) => topicName)).toEqual(['a']);
    await node.stop();
  });

  it('keeps lists and quotas over a restart', async () => {
    const node = await startNode({ settings });
    const root = new Root();
    const creation = makeAclCreation({ resourceType: ResourceType.group, resourceName: 'g', principal: 'User:ann', host: '10.0.0.1', operation: read, permissionType: deny });
    await askAs(node, root, 'CreateAcls', 3, { creations: [creation, creation] });
    await node.metadata.controller.alterClientQuotas([{ entity: [['user', null], ['client-id', 'c']], changes: [{ key: 'request_percentage', value: 12.5 }] }], false);
    await node.stop();
    const again = await startNode({ settings, disk: node.disk });
    expect([...again.metadata.image.acls.all()]).toEqual([{
      resourceType: ResourceType.group, resourceName: 'g', patternType: PatternType.literal, principal: 'User:ann', host: '10.0.0.1', operation: read, permission: deny,
    }]);
    expect([...again.metadata.image.clientQuotas.entries()].map(({ entity, values }) => [Object.fromEntries(entity), Object.fromEntries(values)]))
      .toEqual([[{ user: null, 'client-id': 'c' }, { request_percentage: 12.5 }]]);
    await again.stop();
  });

  it('refuses to start with an authorizer that is not ours, and refuses lists without one', async () => {
    await expect(startNode({ settings: { 'authorizer.class.name': 'com.example.Mine' } })).rejects.toThrow(/com\.example\.Mine cannot be loaded/);
    await expect(startNode({ settings: { ...settings, 'super.users': 'root' } })).rejects.toThrow(/not of the form type:name/);
    await expect(startNode({ settings: { 'client.quota.callback.class': 'com.example.Quota' } })).rejects.toThrow(/com\.example\.Quota cannot be loaded/);
    const node = await startNode();
    const response = await askAs(node, new Root(), 'DescribeAcls', 3, { resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 });
    expect(response['errorCode']).toBe(54);
    await createTopic(node, 'a');
    expect((await call(node, Metadata, 12, { topics: null, allowAutoTopicCreation: false, includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false }, new Ann())).topics.length).toBe(1);
    await node.stop();
  });
});
