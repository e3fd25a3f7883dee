/** One connection of the load: frames out, frames in. */
import type { Network, Wire } from '../../../src/base/wire.ts';
import { FrameReader, createTcpNetwork } from '../../../src/net/index.ts';
import { decodeResponse, encodeRequest } from '../../../src/protocol/framing.ts';
import type { Reader } from '../../../src/protocol/reader.ts';
import { Writer } from '../../../src/protocol/writer.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const FRAME_BYTES_MAX = 2 ** 27;
const CLIENT_ID = 'tidelog-bench';
const plainNetwork = createTcpNetwork();

/** One API in one version. */
export interface Call<Request, Response> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly write: (writer: Writer, body: Request, version: number) => void;
  readonly read: (reader: Reader, version: number) => Response;
}

export function encode<Request>(call: Call<Request, unknown>, body: Request, correlationId = 1): Buffer {
  const writer = new Writer();
  encodeRequest(writer, { apiKey: call.apiKey, apiVersion: call.apiVersion, correlationId, clientId: CLIENT_ID, body, write: call.write });
  return writer.takeBuffer();
}

export function decode<Response>(call: Call<never, Response>, frame: Buffer, correlationId = 1): Response {
  return decodeResponse(frame, { apiKey: call.apiKey, apiVersion: call.apiVersion, correlationId }, call.read);
}

export class LoadConnection {
  /** The frame is borrowed until it returns. */
  onFrame: (frame: Buffer) => void = () => {};
  onClose: (error: Error) => void = () => {};
  readonly #wire: Wire;
  #isEnding = false;

  private constructor(wire: Wire) {
    this.#wire = wire;
  }

  static async open(host: string, port: number, network: Network = plainNetwork): Promise<LoadConnection> {
    const connection = new LoadConnection(await network.connect({ host, port, timeoutMs: CONNECT_TIMEOUT_MS }));
    connection.#start();
    return connection;
  }

  #start(): void {
    const reader = new FrameReader(FRAME_BYTES_MAX, {
      onFrame: (frame) => {
        this.onFrame(frame);
        return false;
      },
      onBadLength: (length) => this.#wire.destroy(new Error(`the broker sent a frame of ${length} bytes`)),
    });
    this.#wire.start({
      onBytes: (bytes) => reader.onBytes(bytes),
      nextReadBuffer: () => reader.nextReadBuffer(),
      onDrain: () => {},
      onClose: (error) => {
        reader.close();
        if (!this.#isEnding) this.onClose(error ?? new Error('the broker closed the connection'));
      },
    });
  }

  send(frame: Uint8Array): void {
    this.#wire.write([frame]);
  }

  /** One request and its answer; nothing else may be in flight. */
  call<Request, Response>(call: Call<Request, Response>, body: Request): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.onClose = reject;
      this.onFrame = (frame) => {
        try {
          resolve(decode(call as Call<never, Response>, Buffer.from(frame)));
        } catch (error) {
          reject(error as Error);
        }
      };
      this.send(encode(call, body));
    });
  }

  close(): void {
    this.#isEnding = true;
    this.#wire.destroy();
  }
}
