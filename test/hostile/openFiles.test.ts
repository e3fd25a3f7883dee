/** A process that may have few files open: connections are refused before logs are hurt. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeApiVersionsRequest } from '../../src/protocol/generated/apiVersions.ts';
import { makeCreatableTopic, makeCreateTopicsRequest } from '../../src/protocol/generated/createTopics.ts';
import { makeFetchPartition, makeFetchRequest, makeFetchTopic } from '../../src/protocol/generated/fetch.ts';
import { ApiVersions, CreateTopics, Fetch } from '../broker/support/apis.ts';
import { Arena } from './support/arena.ts';
import { goodBatch } from './support/batches.ts';
import { skipLoudly } from './support/mountedFolder.ts';
import { produce } from './support/producing.ts';
import type { RawClient } from './support/rawClient.ts';

const { NONE } = ErrorCode;

function canLimit(): boolean {
  try {
    execFileSync('prlimit', ['--nofile=64:64', 'true']);
    return true;
  } catch {
    return false;
  }
}

const isPossible = canLimit();
if (!isPossible) skipLoudly('too many open files', 'there is no prlimit');

/** A connection that is served: those of the test before may not all be closed yet. */
async function letIn(arena: Arena): Promise<RawClient> {
  let inside: RawClient | null = null;
  await expect.poll(async () => {
    const client = await arena.connect();
    const [answer] = await Promise.allSettled([client.call(ApiVersions, 0, makeApiVersionsRequest())]);
    if (answer!.status === 'fulfilled') inside = client;
    return answer!.status;
  }, { timeout: 10_000, interval: 50 }).toBe('fulfilled');
  return inside as unknown as RawClient;
}

describe.skipIf(!isPossible).each([64, 160])('with %i files', (files) => {
  let arena: Arena;
  beforeAll(async () => {
    arena = await Arena.open({ prefix: ['prlimit', `--nofile=${files}:${files}`] });
  });
  afterAll(() => arena.close());

  test('connections beyond what there is are refused, and others served as before', async () => {
    await arena.attack(async () => {
      const clients = await Promise.all(Array.from({ length: 2 * files }, () => arena.connect()));
      const answers = await Promise.allSettled(clients.map((client) => client.call(ApiVersions, 0, makeApiVersionsRequest())));
      const served = answers.filter(({ status }) => status === 'fulfilled').length;
      expect(served).toBeGreaterThan(0);
      expect(served).toBeLessThan(files);
      // The logs can still be used by those who are in.
      const [insider] = clients.filter(({ isClosed }) => !isClosed);
      expect((await produce(insider as RawClient, 'calm', goodBatch(['x']))).errorCode).toBe(NONE);
    });
  });

  test('more logs than files can be made, written and read, however many connect', async () => {
    const COUNT = 2 * files;
    await arena.attack(async () => {
      const client = await letIn(arena);
      const asked = makeCreateTopicsRequest({ timeoutMs: 30_000, topics: [makeCreatableTopic({ name: 'many', numPartitions: COUNT, replicationFactor: 1 })] });
      const { errorCode } = (await client.call(CreateTopics, 5, asked)).topics[0]!;
      expect(errorCode).toBe(NONE);
      // As many others as get in, all the while.
      await Promise.all(Array.from({ length: files }, () => arena.connect()));
      for (let index = 0; index < COUNT; index += 1) expect((await produce(client, 'many', goodBatch(['x']), 1, index)).errorCode).toBe(NONE);
      for (let index = 0; index < COUNT; index += 1) {
        const partition = makeFetchPartition({ partition: index, partitionMaxBytes: 1000, currentLeaderEpoch: -1 });
        const fetched = await client.call(Fetch, 11, makeFetchRequest({ maxWaitMs: 0, maxBytes: 1000, sessionEpoch: -1, topics: [makeFetchTopic({ topic: 'many', partitions: [partition] })] }));
        expect(fetched.responses[0]!.partitions[0]).toMatchObject({ errorCode: NONE, highWatermark: 1 });
      }
    });
  });
});
