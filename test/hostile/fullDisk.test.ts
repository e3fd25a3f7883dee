/** A disk without room: appends are refused with an error code, everything else goes on, and what was acknowledged stays. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeCreatableTopic, makeCreateTopicsRequest } from '../../src/protocol/generated/createTopics.ts';
import { makeDeleteRecordsRequest } from '../../src/protocol/generated/deleteRecords.ts';
import { makeDeleteTopicsRequest } from '../../src/protocol/generated/deleteTopics.ts';
import { makeFetchPartition, makeFetchRequest, makeFetchTopic } from '../../src/protocol/generated/fetch.ts';
import { makeFindCoordinatorRequest } from '../../src/protocol/generated/findCoordinator.ts';
import { makeOffsetCommitRequest, makeOffsetCommitRequestPartition, makeOffsetCommitRequestTopic } from '../../src/protocol/generated/offsetCommit.ts';
import { makeOffsetFetchRequest, makeOffsetFetchRequestGroup } from '../../src/protocol/generated/offsetFetch.ts';
import { baseOffsetOf, nextBatch } from '../../src/record/batchHeader.ts';
import { CreateTopics, DeleteRecords, DeleteTopics, Fetch, FindCoordinator, OffsetCommit, OffsetFetch } from '../broker/support/apis.ts';
import { startBroker, temporaryFolder, type BrokerProcess } from '../support/brokerProcess.ts';
import { createTopic } from './support/arena.ts';
import { goodBatch } from './support/batches.ts';
import { MountNamespace, skipLoudly } from './support/mountedFolder.ts';
import { MemoryWatch } from './support/processMemory.ts';
import { produce } from './support/producing.ts';
import { connect, type RawClient } from './support/rawClient.ts';

const { COORDINATOR_NOT_AVAILABLE, KAFKA_STORAGE_ERROR, NONE, NOT_COORDINATOR } = ErrorCode;
const DISK_KIB = 24 * 1024;
const SEGMENT_BYTES = 1 << 20;
const batch = (): Buffer => goodBatch(['x'.repeat(100_000)]);

let mounts: MountNamespace | null;
let folder: string;
let broker: BrokerProcess;
let client: RawClient;

beforeAll(async () => {
  folder = await temporaryFolder('full');
  mounts = await MountNamespace.open();
  if (mounts === null) return skipLoudly('a full disk', 'this user may not mount');
  await mkdir(path.join(folder, 'disk'));
  mounts.mountMemory(path.join(folder, 'disk'), DISK_KIB);
  await start();
});
afterAll(async () => {
  await broker?.kill('SIGKILL');
  mounts?.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  broker = await startBroker({
    dataFolder: path.join(folder, 'disk'),
    prefix: mounts!.prefix,
    overrides: {
      'offsets.topic.num.partitions': 1, 'log.segment.bytes': SEGMENT_BYTES, 'log.retention.check.interval.ms': 300, 'log.segment.delete.delay.ms': 100,
      'log.initial.task.delay.ms': 100,
    },
  });
  client = await connect(broker.port);
}

const needsMounts = (context: TestContext): void => {
  if (mounts === null) context.skip();
};

/** Works while all the room that was left is taken, to the last block. */
async function withoutRoom(work: () => Promise<void>): Promise<void> {
  const ballast = path.join(folder, 'disk', 'ballast');
  mounts!.run('sh', '-c', `cat /dev/zero > ${ballast} 2>/dev/null || true`);
  try {
    await work();
  } finally {
    mounts!.run('rm', '-f', ballast);
  }
}

const GROWTH_MIB_MAX = 64;
const READS_MIN = 10;

/** As withoutRoom, for work that does not restart the broker: somebody else reads all the while, and memory stays within bounds. */
async function withReader(work: () => Promise<void>): Promise<void> {
  const memory = new MemoryWatch(broker.pid);
  const reader = await connect(broker.port);
  let reads = 0;
  let isOver = false;
  const reading = (async () => {
    while (!isOver) {
      expect((await fetchFrom(reader, 'other', 0)).length).toBeGreaterThan(0);
      reads += 1;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  try {
    await withoutRoom(async () => {
      await Promise.race([work(), reading]);
      while (reads < READS_MIN) await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 2))]);
    });
  } finally {
    isOver = true;
    await reading;
    await reader.close();
    memory.stop();
  }
  expect(memory.grownMib).toBeLessThan(GROWTH_MIB_MAX);
}

/** The bytes that one fetch gives. */
async function fetchFrom(from: RawClient, topic: string, offset: number): Promise<Buffer> {
  const partition = makeFetchPartition({ partition: 0, fetchOffset: offset, partitionMaxBytes: 1 << 22, currentLeaderEpoch: -1 });
  const request = makeFetchRequest({ maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 22, sessionEpoch: -1, topics: [makeFetchTopic({ topic, partitions: [partition] })] });
  const { errorCode, records } = (await from.call(Fetch, 11, request)).responses[0]!.partitions[0]!;
  expect(errorCode).toBe(NONE);
  return records as Buffer;
}

/** Produces until there is no room; returns how many batches were acknowledged. */
async function fill(topic: string): Promise<number> {
  for (let acknowledged = 0; ; acknowledged += 1) {
    const { errorCode } = await produce(client, topic, batch());
    if (errorCode !== NONE) {
      expect(errorCode).toBe(KAFKA_STORAGE_ERROR);
      return acknowledged;
    }
  }
}

async function produceUntilTaken(topic: string): Promise<void> {
  await expect.poll(async () => (await produce(client, topic, batch())).errorCode, { timeout: 20_000, interval: 50 }).toBe(NONE);
}

/** Offsets of all batches that can be read from `offset` on. */
async function readAll(topic: string, offset = 0): Promise<number[]> {
  const offsets: number[] = [];
  for (let at = offset; ; at = offsets.at(-1)! + 1) {
    const bytes = await fetchFrom(client, topic, at);
    const before = offsets.length;
    for (let place = 0, next = nextBatch(bytes, 0); next !== -1; place = next, next = nextBatch(bytes, place)) offsets.push(baseOffsetOf(bytes, place));
    if (offsets.length === before) return offsets;
  }
}

const upTo = (end: number, start = 0): number[] => Array.from({ length: end - start }, (_none, index) => start + index);

async function commit(offset: number): Promise<number> {
  await client.call(FindCoordinator, 1, makeFindCoordinatorRequest({ key: 'group' }));
  const partition = makeOffsetCommitRequestPartition({ partitionIndex: 0, committedOffset: offset, committedMetadata: 'x'.repeat(3000) });
  const request = makeOffsetCommitRequest({ groupId: 'group', generationIdOrMemberEpoch: -1, topics: [makeOffsetCommitRequestTopic({ name: 'filling', partitions: [partition] })] });
  return (await client.call(OffsetCommit, 7, request)).topics[0]!.partitions[0]!.errorCode;
}

async function committed(): Promise<number> {
  const request = makeOffsetFetchRequest({ groups: [makeOffsetFetchRequestGroup({ groupId: 'group', topics: null })] });
  return (await client.call(OffsetFetch, 8, request)).groups[0]!.topics[0]!.partitions[0]!.committedOffset as number;
}

async function create(name: string): Promise<number> {
  const topic = makeCreatableTopic({ name, numPartitions: 1, replicationFactor: 1 });
  return (await client.call(CreateTopics, 5, makeCreateTopicsRequest({ topics: [topic], timeoutMs: 10_000 }))).topics[0]!.errorCode;
}

const remove = async (name: string): Promise<number> =>
  (await client.call(DeleteTopics, 5, makeDeleteTopicsRequest({ topicNames: [name], timeoutMs: 10_000 }))).responses[0]!.errorCode;

describe.sequential('a full disk', () => {
  /** What must never be lost. */
  let acknowledged = 0;
  let lastCommit = 0;

  test('refuses appends, and is read all the while', async (context) => {
    needsMounts(context);
    await createTopic(client, 'filling');
    await createTopic(client, 'other');
    await createTopic(client, 'spare');
    await produce(client, 'other', batch());
    while ((await commit(1)) !== NONE) await new Promise((resolve) => setTimeout(resolve, 20));
    for (let round = 0; round < 20; round += 1) await produce(client, 'spare', batch());
    acknowledged = await fill('filling');
    expect(acknowledged).toBeGreaterThan(100);
    expect((await produce(client, 'other', batch())).errorCode).toBe(KAFKA_STORAGE_ERROR);
    expect(await readAll('filling')).toEqual(upTo(acknowledged));
    expect(await readAll('other')).toEqual([0]);
  });

  test('refuses offset commits and metadata writes, and goes on', async (context) => {
    needsMounts(context);
    await withReader(async () => {
      for (lastCommit = 1; ; lastCommit += 1) {
        const errorCode = await commit(lastCommit + 1);
        if (errorCode === NONE) continue;
        expect([NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE]).toContain(errorCode);
        break;
      }
      expect(await committed()).toBe(lastCommit);
      let created = 0;
      for (; ; created += 1) {
        const errorCode = await create(`extra-${created}`);
        if (errorCode === NONE) continue;
        expect(errorCode).toBe(KAFKA_STORAGE_ERROR);
        break;
      }
      for (let index = 0; index < created; index += 1) expect(await remove(`extra-${index}`)).toBe(NONE);
      expect(await readAll('filling')).toEqual(upTo(acknowledged));
    });
    await expect.poll(() => commit(lastCommit + 1), { timeout: 20_000 }).toBe(NONE);
    lastCommit += 1;
    await expect.poll(() => create('made-later'), { timeout: 20_000 }).toBe(NONE);
  });

  test('can be freed by deleting a topic, to the last block full as it is', async (context) => {
    needsMounts(context);
    acknowledged += await fill('filling');
    await withoutRoom(async () => {
      expect(await remove('spare')).toBe(NONE);
      await produceUntilTaken('filling');
      acknowledged += 1;
    });
    acknowledged += await fill('filling');
    expect(await readAll('filling')).toEqual(upTo(acknowledged));
  });

  test('stops in order, starts again, and has lost nothing', async (context) => {
    needsMounts(context);
    await withoutRoom(async () => {
      expect(await broker.kill('SIGTERM')).toBe(0);
      await start();
      expect(await readAll('filling')).toEqual(upTo(acknowledged));
      await expect.poll(() => committed(), { timeout: 20_000 }).toBe(lastCommit);
    });
  });

  test('survives kill -9, starts again, and has lost nothing', async (context) => {
    needsMounts(context);
    acknowledged += await fill('filling');
    await withoutRoom(async () => {
      await broker.kill('SIGKILL');
      await start();
      expect(await readAll('filling')).toEqual(upTo(acknowledged));
      await expect.poll(() => committed(), { timeout: 20_000 }).toBe(lastCommit);
    });
  });

  test('can be freed by deleting records', async (context) => {
    needsMounts(context);
    acknowledged += await fill('filling');
    const offset = acknowledged - 30;
    const request = makeDeleteRecordsRequest({ timeoutMs: 10_000, topics: [{ name: 'filling', partitions: [{ partitionIndex: 0, offset }] }] });
    const deleteRecords = async () => (await client.call(DeleteRecords, 2, request)).topics[0]!.partitions[0]!;
    await withoutRoom(async () => {
      // Until segments have gone there is not even room to note where the log begins.
      expect([NONE, KAFKA_STORAGE_ERROR]).toContain((await deleteRecords()).errorCode);
      await expect.poll(async () => (await deleteRecords()).errorCode, { timeout: 20_000 }).toBe(NONE);
      expect((await deleteRecords()).lowWatermark).toBe(offset);
      await produceUntilTaken('filling');
      acknowledged += 1;
      expect(await readAll('filling', offset)).toEqual(upTo(acknowledged, offset));
    });
  });

  test('is freed by retention', async (context) => {
    needsMounts(context);
    await createTopic(client, 'aging', { 'retention.ms': '1000' });
    await fill('aging');
    await withoutRoom(() => produceUntilTaken('aging'));
    await produceUntilTaken('other');
    expect(broker.output()).not.toMatch(/ERROR/);
  });

  test('does not fill the log with the same line', async (context) => {
    needsMounts(context);
    const linesBefore = broker.output().split('\n').length;
    await withReader(async () => {
      for (let round = 0; round < 300; round += 1) await produce(client, 'other', batch());
      for (let round = 0; round < 300; round += 1) await commit(1_000_000);
    });
    expect(broker.output().split('\n').length - linesBefore).toBeLessThan(100);
  });
});
