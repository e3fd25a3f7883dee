import { describe, expect, it } from 'vitest';
import { decodeResponse, encodeRequest, encodeResponse, readRequestHeader, requestHeaderVersion, responseHeaderVersion } from '../../src/protocol/framing.ts';
import { makeApiVersionsRequest, makeApiVersionsResponse, readApiVersionsRequest, readApiVersionsResponse, writeApiVersionsRequest, writeApiVersionsResponse } from '../../src/protocol/generated/apiVersions.ts';
import { ApiKey, apis } from '../../src/protocol/generated/apis.ts';
import { makeFetchRequest, makeFetchTopic, writeFetchRequest } from '../../src/protocol/generated/fetch.ts';
import { writeRequestHeader, writeResponseHeader } from '../../src/protocol/generated/headers.ts';
import { makeHeartbeatRequest, makeHeartbeatResponse, readHeartbeatResponse, writeHeartbeatRequest, writeHeartbeatResponse } from '../../src/protocol/generated/heartbeat.ts';
import { Reader } from '../../src/protocol/reader.ts';
import { Writer } from '../../src/protocol/writer.ts';

const requestOf = (apiKey: number, apiVersion: number): Buffer => {
  const writer = new Writer();
  const headerVersion = requestHeaderVersion(apiKey, apiVersion);
  writeRequestHeader(writer, { requestApiKey: apiKey, requestApiVersion: apiVersion, correlationId: 9, clientId: headerVersion === 0 ? '' : 'me' }, headerVersion);
  return writer.takeBuffer();
};

describe('request headers', () => {
  it('are read as the header schema says, for every API and version', () => {
    for (const api of apis) {
      for (let version = api.codecMin; version <= api.codecMax; version++) {
        const reader = new Reader(requestOf(api.key, version));
        const header = readRequestHeader(reader);
        const served = version >= api.min && version <= api.max;
        const verdict = api.max < 0 ? 'unknownApi' : served ? 'ok' : 'unsupportedVersion';
        expect(header).toEqual({ verdict, apiKey: api.key, apiVersion: version, correlationId: 9, clientId: requestHeaderVersion(api.key, version) === 0 ? null : 'me' });
        reader.finish();
      }
    }
  });

  it('skip unknown tagged fields', () => {
    const reader = new Reader(Buffer.from('0012 0003 00000001 0001 61 02 05 02 abcd 06 00'.replaceAll(' ', ''), 'hex'));
    expect(readRequestHeader(reader)).toMatchObject({ verdict: 'ok', clientId: 'a' });
    expect(reader.remaining).toBe(0);
  });

  it('say what is wrong instead of throwing', () => {
    const judge = (hex: string): string => readRequestHeader(new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).verdict;
    expect(judge('')).toBe('malformed');
    expect(judge('0012')).toBe('malformed');
    expect(judge('0000 0003 00000001 7fff')).toBe('malformed');
    expect(judge('0012 0003 00000001 ffff 05')).toBe('malformed');
    expect(judge('7fff 0000 00000001 ffff')).toBe('unknownApi');
    expect(judge('ffff 0000 00000001 ffff')).toBe('unknownApi');
    expect(judge('0004 0000 00000001 ffff')).toBe('unknownApi');
    expect(judge('0000 0000 00000001 ffff')).toBe('unsupportedVersion');
    expect(judge('0000 ffff 00000001 ffff')).toBe('unsupportedVersion');
    expect(judge('1603 0100 00000001 ffff')).toBe('unknownApi');
  });

  it('of ApiVersions from the future still name the client, for an answer in version 0', () => {
    const reader = new Reader(requestOf(ApiKey.ApiVersions, 99));
    expect(readRequestHeader(reader)).toMatchObject({ verdict: 'unsupportedVersion', apiKey: 18, correlationId: 9, clientId: 'me' });
  });

  it('are judged by the table of what is served', () => {
    const only = [apis[0]];
    expect(readRequestHeader(new Reader(requestOf(1, 12)), only).verdict).toBe('unknownApi');
    expect(readRequestHeader(new Reader(requestOf(0, 9)), only).verdict).toBe('ok');
  });
});

describe('requests and responses', () => {
  it('travel whole', () => {
    const writer = new Writer();
    const size = encodeRequest(writer, { apiKey: 18, apiVersion: 3, correlationId: 5, clientId: 'é', body: makeApiVersionsRequest({ clientSoftwareName: 'x' }), write: writeApiVersionsRequest });
    const frame = writer.takeBuffer();
    expect([frame.length, frame.readInt32BE(0) + 4]).toEqual([size, size]);
    const reader = new Reader(frame, 4);
    const header = readRequestHeader(reader);
    expect(readApiVersionsRequest(reader, header.apiVersion).clientSoftwareName).toBe('x');
    reader.finish();

    encodeResponse(writer, header, makeApiVersionsResponse({ errorCode: 35 }), writeApiVersionsResponse);
    expect(decodeResponse(writer.takeBuffer().subarray(4), header, readApiVersionsResponse).errorCode).toBe(35);
  });

  it('have the response header of the schema; that of ApiVersions stays at 0', () => {
    for (const apiVersion of [0, 4]) {
      const writer = new Writer();
      encodeResponse(writer, { apiKey: ApiKey.Heartbeat, apiVersion, correlationId: 77 }, makeHeartbeatResponse({ errorCode: 27 }), writeHeartbeatResponse);
      const expected = new Writer();
      writeResponseHeader(expected, { correlationId: 77 }, responseHeaderVersion(ApiKey.Heartbeat, apiVersion));
      const head = expected.takeBuffer();
      expect(writer.takeBuffer().subarray(4, 4 + head.length)).toEqual(head);
    }
    expect([responseHeaderVersion(ApiKey.ApiVersions, 4), responseHeaderVersion(ApiKey.Heartbeat, 4), responseHeaderVersion(ApiKey.Heartbeat, 3)]).toEqual([0, 1, 0]);
  });

  it('that cannot be encoded leave nothing behind', () => {
    const writer = new Writer();
    const heartbeat = { apiKey: 12, apiVersion: 0, correlationId: 1, clientId: null, body: makeHeartbeatRequest({ groupId: 'g' }), write: writeHeartbeatRequest };
    const size = encodeRequest(writer, heartbeat);
    expect(() => encodeRequest(writer, { ...heartbeat, body: makeHeartbeatRequest({ groupInstanceId: 'static' }) })).toThrowError(expect.objectContaining({ code: 'UNSUPPORTED_FIELD' }));
    expect(() => encodeRequest(writer, { ...heartbeat, apiVersion: 5 })).toThrowError(expect.objectContaining({ code: 'UNSUPPORTED_VERSION' }));
    const nested = makeFetchRequest({ topics: [makeFetchTopic({ topicId: 'no id' })] });
    expect(() => encodeRequest(writer, { apiKey: 1, apiVersion: 13, correlationId: 1, clientId: null, body: nested, write: writeFetchRequest })).toThrowError(expect.objectContaining({ code: 'OUT_OF_RANGE' }));
    expect(writer.length).toBe(size);
  });

  it('are refused when they answer another request or end early', () => {
    const frame = Buffer.from('000000010000', 'hex');
    const request = { apiKey: 12, apiVersion: 0, correlationId: 1 };
    expect(decodeResponse(frame, request, readHeartbeatResponse).errorCode).toBe(0);
    expect(() => decodeResponse(frame, { ...request, correlationId: 2 }, readHeartbeatResponse)).toThrowError(expect.objectContaining({ code: 'WRONG_CORRELATION' }));
    expect(() => decodeResponse(frame.subarray(0, 5), request, readHeartbeatResponse)).toThrowError(expect.objectContaining({ code: 'TRUNCATED' }));
    expect(() => decodeResponse(frame.subarray(0, 3), request, readHeartbeatResponse)).toThrowError(expect.objectContaining({ code: 'TRUNCATED' }));
  });
});
