/** A server over the loopback network with a broker of our own making, and clients that speak in frames. */
import { vi } from 'vitest';
import type { Clock, Logger, Timer } from '../../src/base/ports.ts';
import { silentLogger } from '../../src/base/systemPorts.ts';
import type { Network, Wire, WireHandler } from '../../src/base/wire.ts';
import type { ClientConnection, ReplySlot, RequestSink } from '../../src/broker/contract.ts';
import { createLoopbackNetwork } from '../../src/net/index.ts';
import { createServer, type Server, type ServerSettings } from '../../src/server/index.ts';

/** Time that moves when told. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #timers: { atMs: number; fire: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }
  monotonicMs(): number {
    return this.#nowMs;
  }
  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, fire };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((left, right) => left.atMs - right.atMs)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = next.atMs;
      next.fire();
    }
    this.#nowMs = endMs;
  }
}

export const defaultSettings: ServerSettings = {
  socketRequestMaxBytes: 100 * 1024 * 1024,
  socketListenBacklogSize: 50,
  connectionsMaxIdleMs: 600_000,
  maxConnections: 2 ** 31 - 1,
  maxConnectionsPerIp: 2 ** 31 - 1,
  maxConnectionsPerIpOverrides: new Map(),
  queuedMaxRequestBytes: -1,
};

export interface Pending {
  readonly frame: Buffer;
  readonly connection: ClientConnection;
  readonly slot: ReplySlot;
}

/** Keeps requests until a test answers them. */
export class PatientSink implements RequestSink {
  readonly pending: Pending[] = [];
  onRequest(frame: Buffer, connection: ClientConnection, slot: ReplySlot): void {
    this.pending.push({ frame: Buffer.from(frame), connection, slot });
  }
  async until(count: number): Promise<void> {
    await vi.waitUntil(() => this.pending.length >= count, { timeout: 10_000, interval: 1 });
  }
}

/** Answers each request at once with its own bytes. */
export const echoSink: RequestSink = {
  onRequest: (frame, _connection, slot) => slot.send(withLength(Buffer.from(frame))),
};

export function withLength(body: Buffer): Buffer[] {
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(body.length);
  return [prefix, body];
}

/** A request frame: header with the correlation id, then `payload`. */
export function request(correlationId: number, payload: Uint8Array = Buffer.alloc(0), apiKey = 3): Buffer {
  const header = Buffer.alloc(12);
  header.writeInt32BE(8 + payload.length, 0);
  header.writeInt16BE(apiKey, 4);
  header.writeInt32BE(correlationId, 8);
  return Buffer.concat([header, payload]);
}

/** Requests of this kind may be under way together. */
export const produce = (correlationId: number): Buffer => request(correlationId, undefined, 0);

export class Client implements WireHandler {
  readonly wire: Wire;
  closes = 0;
  #received: Buffer[] = [];

  constructor(wire: Wire) {
    this.wire = wire;
    wire.start(this);
  }
  onBytes(bytes: Buffer): void {
    this.#received.push(Buffer.from(bytes));
  }
  onDrain(): void {}
  onClose(): void {
    this.closes += 1;
  }
  get isClosed(): boolean {
    return this.closes > 0;
  }
  get bytes(): Buffer {
    return Buffer.concat(this.#received);
  }
  /** Bodies of the whole frames received. */
  frames(): Buffer[] {
    const all = this.bytes;
    const frames: Buffer[] = [];
    let position = 0;
    while (position + 4 <= all.length && position + 4 + all.readInt32BE(position) <= all.length) {
      const end = position + 4 + all.readInt32BE(position);
      frames.push(all.subarray(position + 4, end));
      position = end;
    }
    return frames;
  }
  async untilFrames(count: number): Promise<Buffer[]> {
    await vi.waitUntil(() => this.frames().length >= count, { timeout: 10_000, interval: 1 });
    return this.frames();
  }
  async untilClosed(): Promise<void> {
    await vi.waitUntil(() => this.isClosed, { timeout: 10_000, interval: 1 });
  }
}

export class RecordingLogger implements Logger {
  readonly lines: { level: string; message: string; fields: Readonly<Record<string, unknown>> | undefined }[] = [];
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'debug', message, fields });
  }
  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'info', message, fields });
  }
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'warn', message, fields });
  }
  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'error', message, fields });
  }
  child(): Logger {
    return this;
  }
  of(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
}

export interface Rig {
  readonly server: Server;
  readonly clock: FakeClock;
  readonly logger: RecordingLogger;
  readonly port: number;
  readonly network: Network;
  connect(): Promise<Client>;
}

export async function startRig(sink: RequestSink, settings: Partial<ServerSettings> = {}, network = createLoopbackNetwork()): Promise<Rig> {
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  const server = createServer({
    settings: () => ({ ...defaultSettings, ...settings }),
    listeners: [{ name: 'PLAINTEXT', hosts: ['127.0.0.1'], port: 0, advertisedHost: 'localhost', advertisedPort: 0, securityProtocol: 'PLAINTEXT' }],
    network,
    sink,
    clock,
    logger,
  });
  const [bound] = await server.open();
  server.serve();
  const port = bound?.port ?? 0;
  const connect = async () => new Client(await network.connect({ host: '127.0.0.1', port, timeoutMs: 5000 }));
  return { server, clock, logger, port, network, connect };
}

export { silentLogger };

/** Lets everything that is under way in the loopback happen. */
export async function settle(turns = 10): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
