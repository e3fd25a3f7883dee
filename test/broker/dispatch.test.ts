import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { ApiKey, apis } from '../../src/protocol/generated/apis.ts';
import { decodeResponse, encodeRequest } from '../../src/protocol/framing.ts';
import { makeApiVersionsRequest, readApiVersionsResponse } from '../../src/protocol/generated/apiVersions.ts';
import { makeMetadataRequest, writeMetadataRequest } from '../../src/protocol/generated/metadata.ts';
import { Writer } from '../../src/protocol/writer.ts';
import { ApiVersions, Metadata } from './support/apis.ts';
import { call, settle, startNode, TestConnection } from './support/node.ts';

function header(apiKey: number, apiVersion: number, correlationId = 5): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeInt16BE(apiKey, 0);
  bytes.writeInt16BE(apiVersion, 2);
  bytes.writeInt32BE(correlationId, 4);
  bytes.writeInt16BE(-1, 8);
  return bytes;
}

const named = makeApiVersionsRequest({ clientSoftwareName: 'franz-go', clientSoftwareVersion: 'v1.2.3' });

describe('ApiVersions', () => {
  it('tells exactly what is served, with Produce from 0', async () => {
    const node = await startNode();
    const connection = new TestConnection();
    const { errorCode, apiKeys, finalizedFeatures, supportedFeatures } = await call(node, ApiVersions, 3, named, connection);
    expect(errorCode).toBe(0);
    expect(connection.clientSoftwareName).toBe('franz-go');
    expect(supportedFeatures).toContainEqual({ name: 'transaction.version', minVersion: 0, maxVersion: 2 });
    expect(finalizedFeatures).toContainEqual({ name: 'transaction.version', minVersionLevel: 2, maxVersionLevel: 2 });
    const keys = apiKeys.map(({ apiKey }) => apiKey);
    expect(keys).toEqual(node.broker.services.servedApis.map(({ apiKey }) => apiKey));
    expect(keys).toEqual(expect.arrayContaining([0, 1, 2, 3, 8, 9, 10, 18, 22, 24, 25, 26, 27, 28, 61, 65, 66]));
    for (const { apiKey, minVersion, maxVersion } of apiKeys) {
      expect(maxVersion).toBe(apis[apiKey]!.max);
      expect(minVersion).toBe(apiKey === ApiKey.Produce ? 0 : apis[apiKey]!.min);
    }
    await node.stop();
  });

  it('works in every version', async () => {
    const node = await startNode();
    for (const version of [0, 1, 2]) expect((await call(node, ApiVersions, version, makeApiVersionsRequest())).apiKeys.length).toBeGreaterThan(20);
    expect((await call(node, ApiVersions, 4, named)).apiKeys.length).toBeGreaterThan(20);
    await node.stop();
  });

  it('answers a version of the future in version 0, with what it knows', async () => {
    const node = await startNode();
    const outcome = new TestConnection().send(node.broker, Buffer.concat([header(ApiKey.ApiVersions, 99), Buffer.from('rest')]));
    const response = decodeResponse(outcome.frame!.subarray(4), { apiKey: ApiKey.ApiVersions, apiVersion: 0, correlationId: 5 }, readApiVersionsResponse);
    expect(response.errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(response.apiKeys).toMatchObject([{ apiKey: 18, minVersion: 0, maxVersion: 4 }]);
    await node.stop();
  });

  it('refuses names of software that could break a log line', async () => {
    const node = await startNode();
    const bad = makeApiVersionsRequest({ clientSoftwareName: 'a\nb', clientSoftwareVersion: '1' });
    expect((await call(node, ApiVersions, 3, bad)).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    await node.stop();
  });
});

describe('dispatch', () => {
  it.each([
    ['an API that does not exist', 999, 0],
    ['a negative API', -1, 0],
    ['an API of controllers', ApiKey.Vote, 0],
    ['an API of a later issue', ApiKey.EndTxn, 0],
    ['a version of the past', ApiKey.Fetch, 3],
    ['a version of the future', ApiKey.Metadata, 99],
    ['a negative version', ApiKey.Metadata, -1],
    ['Produce in a version that is only advertised', ApiKey.Produce, 2],
  ])('closes the connection for %s', async (_what, apiKey, version) => {
    const node = await startNode();
    const outcome = new TestConnection().send(node.broker, header(apiKey, version));
    expect(outcome).toMatchObject({ frame: null, closed: expect.any(String) });
    expect((await call(node, Metadata, 9, makeMetadataRequest())).topics).toEqual([]);
    await node.stop();
  });

  it('closes the connection for a body that cannot be read', async () => {
    const node = await startNode();
    for (const frame of [Buffer.alloc(0), Buffer.alloc(3), header(ApiKey.Metadata, 1).subarray(0, 9), header(ApiKey.Metadata, 1), header(ApiKey.Fetch, 11)]) {
      expect(new TestConnection().send(node.broker, frame).closed).not.toBeNull();
    }
    const lying = Buffer.concat([header(ApiKey.Metadata, 1), Buffer.alloc(4)]);
    lying.writeInt32BE(0x7fffffff, 10);
    expect(new TestConnection().send(node.broker, lying).closed).toContain('Metadata');
    await node.stop();
  });

  it('lets bytes behind a body pass, as Kafka does', async () => {
    const node = await startNode();
    const writer = new Writer();
    encodeRequest(writer, { apiKey: ApiKey.Metadata, apiVersion: 4, correlationId: 1, clientId: null, body: makeMetadataRequest(), write: writeMetadataRequest });
    const frame = Buffer.concat([writer.takeBuffer().subarray(4), Buffer.from('more')]);
    expect(new TestConnection().send(node.broker, frame).frame).not.toBeNull();
    await node.stop();
  });

  it('survives any bytes, and answers or closes each time', async () => {
    const node = await startNode();
    const keys = [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 29, 30, 31, 32, 33, 35, 37, 42, 44, 47, 48, 49, 60, 75];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...keys), fc.nat(18), fc.uint8Array({ maxLength: 200 }), async (apiKey, version, rest) => {
        const outcome = new TestConnection().send(node.broker, Buffer.concat([header(apiKey, version).subarray(0, 8), Buffer.from(rest)]));
        for (let turn = 0; turn < 20 && outcome.frame === null && outcome.closed === null && !outcome.none; turn++) {
          await settle();
          await node.ports.clock.advance(1000);
        }
        const isParked = node.broker.services.waiting.parkedCount > 0;
        expect(outcome.frame !== null || outcome.closed !== null || outcome.none || isParked).toBe(true);
      }),
      { numRuns: 300 },
    );
    expect((await call(node, Metadata, 9, makeMetadataRequest())).brokers).toHaveLength(1);
    expect(node.ports.logger.lines.filter((line) => line.startsWith('error a request'))).toEqual([]);
    await node.stop();
  });
});
