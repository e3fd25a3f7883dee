/** Bytes that are no request, or one that nobody serves. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeApiVersionsRequest, readApiVersionsResponse } from '../../src/protocol/generated/apiVersions.ts';
import { ApiKey, apis } from '../../src/protocol/generated/apis.ts';
import { makeMetadataRequest } from '../../src/protocol/generated/metadata.ts';
import { makeProduceRequest } from '../../src/protocol/generated/produce.ts';
import { makeListOffsetsRequest } from '../../src/protocol/generated/listOffsets.ts';
import { Reader } from '../../src/protocol/reader.ts';
import { ApiVersions, ListOffsets, Metadata, Produce } from '../broker/support/apis.ts';
import { Arena } from './support/arena.ts';
import { goodBatch } from './support/batches.ts';
import { encode, header, lengthOf } from './support/rawClient.ts';

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.open();
});
afterAll(() => arena.close());

describe('bytes that are no frame', () => {
  test('garbage closes its connection', async () => {
    await arena.attack(async () => {
      for (let round = 0; round < 50; round += 1) {
        const client = await arena.connect();
        const garbage = randomBytes(2000);
        // Random bytes make a length that is awaited in one case of some hundred; here it is never one.
        garbage.writeUInt8(0xff, 0);
        client.sendBytes(garbage);
        await client.closed;
      }
    });
  });

  test('garbage in a frame of its own closes its connection', async () => {
    await arena.attack(async () => {
      for (let round = 0; round < 50; round += 1) {
        const client = await arena.connect();
        const garbage = randomBytes(500);
        garbage.writeInt16BE(1000 + round, 0);
        client.sendFrame(garbage);
        await client.closed;
      }
    });
  });

  test('garbage behind a good header of each API closes its connection or is refused', async () => {
    await arena.attack(async () => {
      for (const { key, min, max, flexibleFrom } of apis.filter((api) => api !== undefined)) {
        for (let version = min; version <= max; version += 1) {
          const client = await arena.connect();
          const noTags = version >= flexibleFrom ? Buffer.alloc(1) : Buffer.alloc(0);
          client.sendFrame(Buffer.concat([header(key, version), noTags, Buffer.alloc(64, 0xfe)]));
          // Some have no body, and what is behind a body is let pass.
          await Promise.race([client.closed, client.nextFrame().catch(() => {})]);
        }
      }
    });
  });

  test.each([2 ** 31 - 1, 104_857_601, -1, -(2 ** 31)])('a length of %i closes the connection and takes no memory', async (length) => {
    await arena.attack(async () => {
      for (let round = 0; round < 20; round += 1) {
        const client = await arena.connect();
        client.sendBytes(Buffer.concat([lengthOf(length), Buffer.alloc(1000)]));
        await client.closed;
      }
    }, { growthMibMax: 32 });
  });

  test('a frame too short for a header closes the connection', async () => {
    await arena.attack(async () => {
      for (let size = 0; size < 8; size += 1) {
        const client = await arena.connect();
        client.sendFrame(Buffer.alloc(size));
        await client.closed;
      }
    });
  });
});

describe('frames that never end', () => {
  test('half frames wait, each in little memory, and their end is a whole request', async () => {
    const whole = encode(ApiVersions, 0, makeApiVersionsRequest(), 5);
    await arena.attack(async () => {
      const clients = await Promise.all(Array.from({ length: 500 }, () => arena.connect()));
      for (const client of clients) client.sendBytes(whole.subarray(0, whole.length - 1));
      await arena.bystander.moreAcks(5);
      for (const client of clients) client.sendBytes(whole.subarray(whole.length - 1));
      for (const client of clients) expect((await client.nextFrame()).readInt32BE(0)).toBe(5);
    });
  });

  test('a claim of 100 MiB costs nothing before its bytes come', async () => {
    await arena.attack(async () => {
      const clients = await Promise.all(Array.from({ length: 500 }, () => arena.connect()));
      for (const client of clients) client.sendBytes(Buffer.concat([lengthOf(104_857_600), header(ApiKey.Produce, 9)]));
      await arena.bystander.moreAcks(20);
      expect(clients.filter(({ isClosed }) => isClosed)).toEqual([]);
    });
  });

  test('a byte at a time is a request in the end', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      for (const byte of encode(ApiVersions, 3, makeApiVersionsRequest({ clientSoftwareName: 'slow', clientSoftwareVersion: '1' }), 6)) {
        client.sendBytes(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect((await client.nextFrame()).readInt32BE(0)).toBe(6);
    });
  });

  test('connections that die amid a produce leave nothing behind', async () => {
    const produce = makeProduceRequest({ acks: -1, timeoutMs: 1000, topicData: [{ name: 'calm', topicId: '', partitionData: [{ index: 0, records: goodBatch(['x'.repeat(500_000)]) }] }] });
    const whole = encode(Produce, 9, produce, 8);
    const client = await arena.connect();
    const end = async () => {
      const asked = makeListOffsetsRequest({ replicaId: -1, topics: [{ name: 'calm', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1, maxNumOffsets: 1 }] }] });
      return (await client.call(ListOffsets, 6, asked)).topics[0]!.partitions[0]!.offset as number;
    };
    await arena.attack(async () => {
      const ackedBefore = arena.bystander.acks;
      const before = await end();
      for (let round = 0; round < 60; round += 1) {
        const victim = await arena.connect();
        victim.sendBytes(whole.subarray(0, 4 + Math.floor(((whole.length - 5) * round) / 60)));
        await new Promise((resolve) => setImmediate(resolve));
        await victim.kill();
      }
      // Only the bystander has written: one more of his may be on its way.
      expect((await end()) - before).toBeLessThanOrEqual(arena.bystander.acks - ackedBefore + 2);
    }, { growthMibMax: 96 });
  });
});

describe('requests that nobody serves', () => {
  test.each([
    ['an API that does not exist', 999, 0],
    ['a negative API', -1, 0],
    ['an API between controllers', ApiKey.Vote, 0],
    ['a version that was dropped', ApiKey.Produce, 2],
    ['a version yet to come', ApiKey.Fetch, 99],
    ['a negative version', ApiKey.Metadata, -1],
  ])('%s closes the connection, after what was asked before it', async (_name, apiKey, version) => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const asked = client.send(ApiVersions, 0, makeApiVersionsRequest());
      client.sendFrame(header(apiKey, version));
      expect((await client.nextFrame()).readInt32BE(0)).toBe(asked);
      await client.closed;
    });
  });

  test.each([5, 99, 32_767, -1])('ApiVersions %i is answered in version 0 with UNSUPPORTED_VERSION and what there is', async (version) => {
    await arena.attack(async () => {
      const client = await arena.connect();
      client.sendFrame(Buffer.concat([header(ApiKey.ApiVersions, version), Buffer.from([0])]));
      const frame = await client.nextFrame();
      expect(frame.readInt32BE(0)).toBe(77);
      const response = readApiVersionsResponse(new Reader(frame, 4), 0);
      expect(response.errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
      expect(response.apiKeys.find((api) => api.apiKey === ApiKey.ApiVersions)).toMatchObject({ minVersion: 0 });
      // The client may go on with a version that there is.
      expect((await client.call(ApiVersions, 0, makeApiVersionsRequest())).errorCode).toBe(0);
    });
  });

  test('a version of ApiVersions with a name that is none is INVALID_REQUEST', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const response = await client.call(ApiVersions, 3, makeApiVersionsRequest({ clientSoftwareName: 'no\nname', clientSoftwareVersion: '' }));
      expect(response.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    });
  });

  test('Metadata that claims more topics than there are bytes closes the connection', async () => {
    await arena.attack(async () => {
      for (const count of [2 ** 31 - 1, 1_000_000, 100, -2]) {
        const client = await arena.connect();
        const bytes = encode(Metadata, 4, makeMetadataRequest({ topics: [], allowAutoTopicCreation: false }), 9);
        bytes.writeInt32BE(count, bytes.length - 5);
        client.sendBytes(bytes);
        await client.closed;
      }
    });
  });
});
