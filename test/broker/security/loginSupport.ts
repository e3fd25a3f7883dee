/** A broker in the process with SASL listeners, and clients that say whatever a test wants. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { vi } from 'vitest';
import type { Wire } from '../../../src/base/wire.ts';
import { clientFinalWithoutProof, clientProof, encodeClientFirstBare, parseServerFirst, saltedPasswordSync, scramByName, type ScramMechanism } from '../../../src/base/sasl/index.ts';
import { validateBrokerConfig } from '../../../src/config/brokerConfig.ts';
import { createLoopbackNetwork, FrameReader } from '../../../src/net/index.ts';
import { startNode, type Node, type NodeOptions } from '../../../src/node/index.ts';
import { decodeResponse, encodeRequest } from '../../../src/protocol/framing.ts';
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import { makeSaslAuthenticateRequest, readSaslAuthenticateResponse, writeSaslAuthenticateRequest, type SaslAuthenticateResponse } from '../../../src/protocol/generated/saslAuthenticate.ts';
import { readSaslHandshakeResponse, writeSaslHandshakeRequest, type SaslHandshakeResponse } from '../../../src/protocol/generated/saslHandshake.ts';
import type { Reader } from '../../../src/protocol/reader.ts';
import { Writer } from '../../../src/protocol/writer.ts';
import { RecordingLogger } from '../../server/support.ts';

export const JAAS = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="alice-secret" user_bob="bob-secret";';

export class SaslBroker {
  readonly network = createLoopbackNetwork();
  readonly logger = new RecordingLogger();
  folder = '';
  #node: Node | null = null;

  get node(): Node {
    return this.#node as Node;
  }

  static async start(settings: Readonly<Record<string, string>> = {}, options: Partial<NodeOptions> = {}): Promise<SaslBroker> {
    const broker = new SaslBroker();
    broker.folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-sasl-'));
    const all = {
      listeners: 'SASL_PLAINTEXT://127.0.0.1:0', 'log.dirs': broker.folder, 'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512', 'connection.failed.authentication.delay.ms': '0',
      'listener.name.sasl_plaintext.plain.sasl.jaas.config': JAAS, ...settings,
    };
    const { config } = validateBrokerConfig(Object.entries(all).map(([key, value]) => ({ key, value, origin: 'test' })));
    broker.#node = await startNode({ config, network: broker.network, ports: { logger: broker.logger }, ...options });
    return broker;
  }

  async connect(listener = 0): Promise<RawClient> {
    return new RawClient(await this.network.connect({ host: 'localhost', port: this.node.listeners[listener]!.port, timeoutMs: 5000 }));
  }

  async close(): Promise<void> {
    await this.node.close(0);
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface Api<Request, Response> {
  readonly apiKey: number;
  readonly write: (writer: Writer, body: Request, version: number) => void;
  readonly read: (reader: Reader, version: number) => Response;
}

export const handshakeApi = { apiKey: ApiKey.SaslHandshake, write: writeSaslHandshakeRequest, read: readSaslHandshakeResponse };
export const authenticateApi = { apiKey: ApiKey.SaslAuthenticate, write: writeSaslAuthenticateRequest, read: readSaslAuthenticateResponse };

export class RawClient {
  readonly wire: Wire;
  readonly frames: Buffer[] = [];
  isClosed = false;
  #correlationId = 0;
  #taken = 0;

  constructor(wire: Wire) {
    this.wire = wire;
    const reader = new FrameReader(1 << 24, {
      onFrame: (frame) => {
        this.frames.push(Buffer.from(frame));
        return false;
      },
      onBadLength: () => wire.destroy(),
    });
    wire.start({ onBytes: (bytes) => reader.onBytes(bytes), onDrain() {}, onClose: () => (this.isClosed = true) });
  }

  /** One frame of these bytes. */
  sendRaw(body: Uint8Array): void {
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(body.length);
    this.wire.write([prefix, body]);
  }

  send<Request, Response>(api: Api<Request, Response>, version: number, body: Request): number {
    const writer = new Writer();
    this.#correlationId += 1;
    encodeRequest(writer, { apiKey: api.apiKey, apiVersion: version, correlationId: this.#correlationId, clientId: 'raw', body, write: api.write });
    this.wire.write(writer.take());
    return this.#correlationId;
  }

  /** The next frame; null when the connection was closed instead. */
  async next(): Promise<Buffer | null> {
    await vi.waitUntil(() => this.frames.length > this.#taken || this.isClosed, { timeout: 10_000, interval: 1 });
    return this.frames[this.#taken++] ?? null;
  }

  /** Null when the connection was closed in place of an answer. */
  async ask<Request, Response>(api: Api<Request, Response>, version: number, body: Request): Promise<Response | null> {
    const correlationId = this.send(api, version, body);
    const frame = await this.next();
    return frame === null ? null : decodeResponse(frame, { apiKey: api.apiKey, apiVersion: version, correlationId }, api.read);
  }

  handshake(mechanism: string, version = 1): Promise<SaslHandshakeResponse | null> {
    return this.ask(handshakeApi, version, { mechanism });
  }

  authenticate(token: string | Buffer, version = 2): Promise<SaslAuthenticateResponse | null> {
    return this.ask(authenticateApi, version, makeSaslAuthenticateRequest({ authBytes: Buffer.from(token) }));
  }

  async untilClosed(): Promise<void> {
    await vi.waitUntil(() => this.isClosed, { timeout: 10_000, interval: 1 });
  }

  /** A whole SCRAM exchange after the handshake. Returns the last answer and what was sent. */
  async scram(username: string, password: string, options: { mechanism?: string; extensions?: ReadonlyMap<string, string>; nonce?: string; spoil?: (final: string) => string } = {}) {
    const mechanism = scramByName(options.mechanism ?? 'SCRAM-SHA-256') as ScramMechanism;
    const first = encodeClientFirstBare(username, options.nonce ?? 'clientnonce', options.extensions ?? new Map());
    const answer = await this.authenticate(`n,,${first}`);
    if (answer === null || answer.errorCode !== 0) return { answer, final: '' };
    const server = parseServerFirst(answer.authBytes);
    const withoutProof = clientFinalWithoutProof(server.nonce);
    const proof = clientProof(mechanism, saltedPasswordSync(mechanism, password, server.salt, server.iterations), `${first},${server.text},${withoutProof}`);
    const final = `${withoutProof},p=${proof.toString('base64')}`;
    return { answer: await this.authenticate(options.spoil?.(final) ?? final), final };
  }
}
