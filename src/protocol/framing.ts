import type { ApiSpec } from './apiSpec.ts';
import { ApiKey, apis } from './generated/apis.ts';
import { ProtocolError } from './protocolError.ts';
import { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** Bytes in front of a frame that say how long it is (int32, itself not counted). */
export const frameLengthBytes = 4;

/**
 * What a request's header says about whether it can be served.
 * - `ok`: known API, served version, well-formed header.
 * - `unknownApi`: no such API, or one that is not served.
 * - `unsupportedVersion`: a version outside of the span served. (ApiVersions: answer in version 0 with UNSUPPORTED_VERSION
 *   and the list, so that the client can choose; others: Kafka closes the connection.)
 * - `malformed`: the bytes are no header.
 */
export type HeaderVerdict = 'ok' | 'unknownApi' | 'unsupportedVersion' | 'malformed';

export interface RequestHeader {
  readonly verdict: HeaderVerdict;
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

/** What is known about an API, or undefined. */
export function apiSpec(apiKey: number): ApiSpec | undefined {
  return apis[apiKey];
}

/** 2 for flexible versions, else 1; only ControlledShutdown version 0 knows header version 0, which has no client id. */
export function requestHeaderVersion(apiKey: number, apiVersion: number): 0 | 1 | 2 {
  if (apiKey === ApiKey.ControlledShutdown && apiVersion === 0) return 0;
  return isFlexible(apiKey, apiVersion) ? 2 : 1;
}

/** 1 for flexible versions, else 0. ApiVersions stays at 0: its reader cannot know yet what the broker speaks (KIP-511). */
export function responseHeaderVersion(apiKey: number, apiVersion: number): 0 | 1 {
  return apiKey !== ApiKey.ApiVersions && isFlexible(apiKey, apiVersion) ? 1 : 0;
}

export function isFlexible(apiKey: number, apiVersion: number): boolean {
  const api = apis[apiKey];
  return api !== undefined && apiVersion >= api.flexibleFrom;
}

/**
 * Reads a request's header and leaves the reader at the body. `table` is what is served, indexed by API key; Kafka's own
 * spans when absent. The header of an unknown API is read as version 1, so that a log line can name the client.
 */
export function readRequestHeader(reader: Reader, table: readonly (ApiSpec | undefined)[] = apis): RequestHeader {
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  const headerVersion = requestHeaderVersion(apiKey, apiVersion);
  const clientId = headerVersion === 0 ? null : reader.nullableString(false);
  if (headerVersion === 2) skipTags(reader);
  return { verdict: judge(reader, table[apiKey], apiVersion), apiKey, apiVersion, correlationId, clientId };
}

function judge(reader: Reader, api: ApiSpec | undefined, apiVersion: number): HeaderVerdict {
  if (reader.failure !== null) return 'malformed';
  if (api === undefined || api.max < api.min) return 'unknownApi';
  return apiVersion >= api.min && apiVersion <= api.max ? 'ok' : 'unsupportedVersion';
}

function skipTags(reader: Reader): void {
  for (let left = reader.tagCount(); left > 0 && reader.ok; left--) {
    const tagEnd = reader.beginTag();
    if (tagEnd >= 0) reader.position = tagEnd;
  }
}

/** Opens a request's frame: length, header. The caller writes the body, then calls `writer.endFrame()`. */
export function beginRequest(writer: Writer, apiKey: number, apiVersion: number, correlationId: number, clientId: string | null): void {
  const headerVersion = requestHeaderVersion(apiKey, apiVersion);
  writer.beginFrame();
  writer.int16(apiKey);
  writer.int16(apiVersion);
  writer.int32(correlationId);
  if (headerVersion >= 1) writer.nullableString(clientId, false);
  if (headerVersion === 2) writer.unknownTags(undefined);
}

/** Opens a response's frame: length, header. The caller writes the body, then calls `writer.endFrame()`. */
export function beginResponse(writer: Writer, apiKey: number, apiVersion: number, correlationId: number): void {
  writer.beginFrame();
  writer.int32(correlationId);
  if (responseHeaderVersion(apiKey, apiVersion) === 1) writer.unknownTags(undefined);
}

export interface RequestOptions<T> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  readonly body: T;
  /** The generated writer of the body. */
  readonly write: (writer: Writer, body: T, version: number) => void;
}

/** Writes a whole request. On an error nothing of it stays in the writer. Returns the size of the frame in bytes. */
export function encodeRequest<T>(writer: Writer, request: RequestOptions<T>): number {
  const { apiKey, apiVersion } = request;
  const api = apis[apiKey];
  if (api === undefined || apiVersion < api.codecMin || apiVersion > api.codecMax) {
    throw new ProtocolError('UNSUPPORTED_VERSION', `no codec for version ${apiVersion} of API ${api?.name ?? apiKey}`);
  }
  beginRequest(writer, apiKey, apiVersion, request.correlationId, request.clientId);
  return writeBody(writer, request.write, request.body, apiVersion);
}

/** Writes a whole response. On an error nothing of it stays in the writer. Returns the size of the frame in bytes. */
export function encodeResponse<T>(
  writer: Writer,
  header: { readonly apiKey: number; readonly apiVersion: number; readonly correlationId: number },
  body: T,
  write: (writer: Writer, body: T, version: number) => void,
): number {
  beginResponse(writer, header.apiKey, header.apiVersion, header.correlationId);
  return writeBody(writer, write, body, header.apiVersion);
}

function writeBody<T>(writer: Writer, write: (writer: Writer, body: T, version: number) => void, body: T, version: number): number {
  try {
    write(writer, body, version);
    return writer.endFrame();
  } catch (error) {
    writer.abortFrame();
    throw error;
  }
}

/** The correlation id of a response: its first four bytes, before it is known which API it answers. */
export function correlationIdOf(frame: Buffer): number {
  if (frame.length < 4) throw new ProtocolError('TRUNCATED', `a response of ${frame.length} bytes`);
  return frame.readInt32BE(0);
}

/**
 * Reads a whole response (the frame without its length). Bytes behind the body are allowed, as in Kafka's clients.
 * Records and bytes in the result are views of `frame`.
 */
export function decodeResponse<T>(
  frame: Buffer,
  request: { readonly apiKey: number; readonly apiVersion: number; readonly correlationId: number },
  read: (reader: Reader, version: number) => T,
): T {
  const reader = new Reader(frame);
  const correlationId = reader.int32();
  if (reader.ok && correlationId !== request.correlationId) {
    throw new ProtocolError('WRONG_CORRELATION', `response ${correlationId} where ${request.correlationId} was due`);
  }
  if (responseHeaderVersion(request.apiKey, request.apiVersion) === 1) skipTags(reader);
  const body = read(reader, request.apiVersion);
  reader.finish(true);
  return body;
}
