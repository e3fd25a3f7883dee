import { describe, expect, it } from 'vitest';
import { makeMetadataRequest } from '../../src/protocol/generated/metadata.ts';
import { Fetch, Metadata } from './support/apis.ts';
import { call, composeNode, send, startNode } from './support/node.ts';
import { batch, createTopic, fetchBody, fetchOne, produce, valuesIn } from './support/work.ts';

describe('a broker', () => {
  it('has everything again after a clean stop', async () => {
    const first = await startNode();
    const topicId = await createTopic(first, 'a', 2, { configs: [{ name: 'retention.ms', value: '-1' }] });
    await produce(first, 'a', 1, batch(['x', 'y']));
    const { clusterId } = await call(first, Metadata, 9, makeMetadataRequest());
    await first.stop();
    const second = await startNode({ disk: first.disk, ports: first.ports });
    const answer = await call(second, Metadata, 12, makeMetadataRequest({ topics: null }));
    expect(answer.clusterId).toBe(clusterId);
    expect(answer.topics).toMatchObject([{ name: 'a', topicId, partitions: [{ leaderEpoch: 1 }, { leaderEpoch: 1 }] }]);
    expect(valuesIn((await fetchOne(second, 'a', 1, 0)).records)).toEqual(['x', 'y']);
    expect(second.broker.services.partitions.topic('a')!.config.retentionMs).toBe(-1);
    await second.stop();
  });

  it('serves what was in the log when it was killed', async () => {
    const first = await startNode();
    await createTopic(first, 'a');
    await produce(first, 'a', 0, batch(['x']));
    const second = await startNode({ disk: killed(first), ports: first.ports });
    expect(await fetchOne(second, 'a', 0, 0)).toMatchObject({ errorCode: 0, highWatermark: 1 });
    await second.stop();
  });

  it('makes folders that a crash kept from being made, and deletes those of deleted topics', async () => {
    const first = await startNode();
    await createTopic(first, 'a', 2);
    await first.stop();
    await first.disk.remove('/data/a-1');
    const second = await startNode({ disk: first.disk, ports: first.ports });
    expect(await produce(second, 'a', 1, batch(['x']))).toMatchObject({ errorCode: 0 });
    await second.stop();
  });

  it('sets folders of unknown topics aside and never deletes them', async () => {
    const first = await startNode();
    await createTopic(first, 'a');
    await produce(first, 'a', 0, batch(['x']));
    await first.stop();
    await copyFolder(first, '/data/a-0', '/data/lost-0');
    await copyFolder(first, '/data/a-0', '/data/a-9');
    const second = await startNode({ disk: first.disk, ports: first.ports });
    const names = (await second.disk.list('/data')).map(({ name }) => name);
    expect(names.filter((name) => /^lost-0\..*-stray$/.test(name))).toHaveLength(1);
    expect(names.filter((name) => /^a-9\..*-stray$/.test(name))).toHaveLength(1);
    expect(names).toContain('a-0');
    expect(valuesIn((await fetchOne(second, 'a', 0, 0)).records)).toEqual(['x']);
    await second.stop();
  });

  it('does not start over partitions whose metadata is gone', async () => {
    const first = await startNode();
    await createTopic(first, 'a');
    await first.stop();
    await first.disk.remove('/data/__tidelog_metadata');
    const second = await composeNode({ disk: first.disk, ports: first.ports });
    await expect(second.broker.start()).rejects.toMatchObject({ kind: 'corrupt', message: expect.stringContaining('/data/a-0') });
    expect((await first.disk.list('/data')).map(({ name }) => name)).toContain('a-0');
  });

  it('goes on with its other directories when one fails', async () => {
    const node = await startNode({ settings: { 'log.dirs': '/one,/two' } });
    await createTopic(node, 'a', 4);
    const pending = send(node, Fetch, 11, fetchBody('a', [0, 1, 2, 3].map((partition) => ({ partition })), { maxWaitMs: 60_000 }));
    const places = [0, 1, 2, 3].map((index) => node.broker.services.partitions.find('a', index)!.log!.logDirectory);
    const bad = places.indexOf('/two');
    node.disk.failNextWrite(`/two/a-${bad}`);
    expect((await produce(node, 'a', bad, batch(['x']))).errorCode).toBe(56);
    const good = places.indexOf('/one');
    expect((await produce(node, 'a', good, batch(['x']))).errorCode).toBe(0);
    expect(pending.response()!.responses[0]!.partitions.filter(({ errorCode }) => errorCode === 56).map(({ partitionIndex }) => partitionIndex))
      .toEqual([0, 1, 2, 3].filter((index) => places[index] === '/two'));
    const { topics } = await call(node, Metadata, 9, makeMetadataRequest({ topics: null }));
    expect(topics[0]!.partitions.filter(({ offlineReplicas }) => offlineReplicas.length > 0)).toHaveLength(2);
  });

  it('ends even while requests wait', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    const waiting = send(node, Fetch, 11, fetchBody('a', [{}], { maxWaitMs: 60_000 }));
    node.broker.drain();
    expect(waiting.response()).toMatchObject({ errorCode: 0 });
    expect(send(node, Fetch, 11, fetchBody('a', [{}], { maxWaitMs: 60_000 })).outcome.frame).not.toBeNull();
    await node.stop();
    await node.stop();
  });
});

type Node = Awaited<ReturnType<typeof startNode>>;

/** The process died, the machine did not. */
function killed(node: Node) {
  return new (node.disk.constructor as new (options: object, files: unknown) => Node['disk'])({ random: node.ports.random }, node.disk.files);
}

async function copyFolder(node: Node, from: string, to: string): Promise<void> {
  await node.disk.makeDirectory(to);
  for (const { name } of await node.disk.list(from)) await node.disk.writeFileAtomic(`${to}/${name}`, (await node.disk.readFile(`${from}/${name}`, 1 << 24))!);
}
