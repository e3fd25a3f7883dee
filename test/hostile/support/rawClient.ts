/** A connection that may say anything: bytes as they are, and requests by the generated codecs. */
import net from 'node:net';
import { decodeResponse, encodeRequest } from '../../../src/protocol/framing.ts';
import { Writer } from '../../../src/protocol/writer.ts';
import type { ClientApi } from '../../broker/support/node.ts';

const PATIENCE_MS = 60_000;

interface Waiting {
  take(frame: Buffer): void;
  fail(error: Error): void;
}

let correlationIds = 0;

export class RawClient {
  readonly socket: net.Socket;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  isClosed = false;
  receivedBytes = 0;
  #received: Buffer[] = [];
  #receivedLength = 0;
  /** Frames that nobody asked for yet. */
  readonly #frames: Buffer[] = [];
  readonly #waiting: Waiting[] = [];

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (bytes) => this.#take(bytes));
    // A server that ends its side has closed: nobody here has more to say then.
    socket.on('end', () => socket.end());
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true;
        for (const { fail } of this.#waiting.splice(0)) fail(new Error('the connection was closed'));
        resolve();
      });
    });
  }

  /** Bytes as they are. */
  sendBytes(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** A frame around any bytes. */
  sendFrame(bytes: Uint8Array): void {
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes.length);
    this.socket.write(Buffer.concat([length, bytes]));
  }

  /** The next frame without its length; rejects when the connection ends before. */
  nextFrame(): Promise<Buffer> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    if (this.isClosed) return Promise.reject(new Error('the connection was closed'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no reply')), PATIENCE_MS);
      this.#waiting.push({
        take: (bytes) => (clearTimeout(timer), resolve(bytes)),
        fail: (error) => (clearTimeout(timer), reject(error)),
      });
    });
  }

  /** Asks and reads the answer, which has to come before anything else does. */
  async call<Request, Response>(api: ClientApi<Request, Response>, version: number, body: Request): Promise<Response> {
    const { apiKey, read } = api;
    const correlationId = this.send(api, version, body);
    return decodeResponse(await this.nextFrame(), { apiKey, apiVersion: version, correlationId }, read);
  }

  /** Asks without waiting; returns the correlation id. */
  send<Request, Response>(api: ClientApi<Request, Response>, version: number, body: Request): number {
    correlationIds += 1;
    this.sendBytes(encode(api, version, body, correlationIds));
    return correlationIds;
  }

  /** Ends the connection as a process that dies would: with a reset. */
  async kill(): Promise<void> {
    this.socket.resetAndDestroy();
    await this.closed;
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  #take(bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    this.#received.push(bytes);
    this.#receivedLength += bytes.length;
    if (this.#receivedLength < 4) return;
    let rest = this.#received.length === 1 ? bytes : this.#joinWhenDue();
    if (rest === null) return;
    while (rest.length >= 4 && rest.length - 4 >= rest.readInt32BE(0)) {
      const end: number = 4 + rest.readInt32BE(0);
      this.#hand(rest.subarray(4, end));
      rest = rest.subarray(end);
    }
    this.#received = rest.length === 0 ? [] : [rest];
    this.#receivedLength = rest.length;
  }

  /** A large frame is joined once, not once for each piece of it. */
  #joinWhenDue(): Buffer | null {
    const first = this.#received[0] as Buffer;
    if (first.length >= 4 && this.#receivedLength - 4 < first.readInt32BE(0)) return null;
    return Buffer.concat(this.#received);
  }

  #hand(frame: Buffer): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#frames.push(frame);
    else waiting.take(frame);
  }
}

export function encode<Request, Response>(api: ClientApi<Request, Response>, version: number, body: Request, correlationId: number): Buffer {
  const writer = new Writer();
  encodeRequest(writer, { apiKey: api.apiKey, apiVersion: version, correlationId, clientId: 'hostile', body, write: api.write });
  return Buffer.from(writer.takeBuffer());
}

export function connect(port: number): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(new RawClient(socket));
    });
  });
}

/** A request's header without a client id; a flexible version has a byte of tags behind it. */
export function header(apiKey: number, apiVersion: number): Buffer {
  const bytes = Buffer.alloc(10);
  bytes.writeInt16BE(apiKey, 0);
  bytes.writeInt16BE(apiVersion, 2);
  bytes.writeInt32BE(77, 4);
  bytes.writeInt16BE(-1, 8);
  return bytes;
}

/** What stands before a frame. */
export function lengthOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
