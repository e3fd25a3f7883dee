/** A whole broker in one thread on a memory disk and a clock that stands still: requests go in as frames, replies come out as frames. */
import { createBroker } from '../../../src/broker/index.ts';
import type { Broker, ClientConnection, ReplySlot } from '../../../src/broker/index.ts';
import { validateBrokerConfig } from '../../../src/config/index.ts';
import { openEmbeddedMetadata } from '../../../src/metadata/index.ts';
import type { EmbeddedMetadata } from '../../../src/metadata/index.ts';
import { encodeRequest, decodeResponse } from '../../../src/protocol/framing.ts';
import type { Reader } from '../../../src/protocol/reader.ts';
import { Writer } from '../../../src/protocol/writer.ts';
import { InlineInflater } from '../../../src/record/inlineInflater.ts';
import { createStore } from '../../../src/storage/index.ts';
import type { StoreManager } from '../../../src/storage/index.ts';
import { MemoryDisk } from '../../../src/storage/disk/memory.ts';
import { fakePorts, settle } from '../../storage/support/ports.ts';
import type { FakePorts } from '../../storage/support/ports.ts';

export { settle };

export const NODE_ID = 7;

export interface NodeOptions {
  readonly disk?: MemoryDisk;
  readonly ports?: FakePorts;
  readonly settings?: Readonly<Record<string, string>>;
  readonly announce?: boolean;
}

export interface TestNode {
  readonly disk: MemoryDisk;
  readonly ports: FakePorts;
  readonly store: StoreManager;
  readonly metadata: EmbeddedMetadata;
  readonly broker: Broker;
  stop(): Promise<void>;
}

/** Metadata, store and broker, put together but not started. */
export async function composeNode(options: NodeOptions = {}): Promise<TestNode> {
  const ports = options.ports ?? fakePorts();
  const disk = options.disk ?? new MemoryDisk({ random: ports.random });
  const settings = { 'node.id': String(NODE_ID), 'log.dirs': '/data', 'offsets.topic.num.partitions': '3', ...options.settings };
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value, origin: 'test' }));
  const { config } = validateBrokerConfig(entries);
  const store = createStore({ disk, ports, directories: config.logDirs, nodeId: config.nodeId, inflater: new InlineInflater() });
  const metadata = await openEmbeddedMetadata({
    disk, ...ports, directory: config.logDirs[0]!, clusterId: () => store.clusterId, nodeId: config.nodeId,
    defaults: { partitions: config.numPartitions, replicationFactor: config.defaultReplicationFactor }, staticSettings: config.layers.static,
  });
  const broker = await createBroker({ config, ports, disk, logs: store, metadata, metadataIsNew: metadata.isNew });
  return { disk, ports, store, metadata, broker, stop: () => broker.stop() };
}

export async function startNode(options: NodeOptions = {}): Promise<TestNode> {
  const node = await composeNode(options);
  await node.broker.start();
  if (options.announce !== false) {
    await node.broker.announce([{ listener: 'PLAINTEXT', host: 'broker.example', port: 9092, securityProtocol: 'PLAINTEXT' }]);
  }
  return node;
}

/** What happened to one request. */
export interface Outcome {
  frame: Buffer | null;
  none: boolean;
  closed: string | null;
}

let connectionIds = 0;

export class TestConnection implements ClientConnection {
  readonly id = ++connectionIds;
  readonly listenerName: string;
  readonly remoteAddress = '127.0.0.1';
  readonly principal: string = 'User:ANONYMOUS';
  readonly isTokenAuthenticated = false;
  readonly securityProtocol = 'PLAINTEXT';
  readonly login = null;
  clientSoftwareName = '';
  clientSoftwareVersion = '';
  /** Replies whose bytes are on their way: `onSent` of each. */
  readonly unsent: (() => void)[] = [];
  /** Keeps replies borrowed until `sendAll`. */
  holdsReplies = false;
  readonly #closeListeners = new Set<() => void>();

  constructor(listenerName = 'PLAINTEXT') {
    this.listenerName = listenerName;
  }

  setClientSoftware(name: string, version: string): void {
    this.clientSoftwareName = name;
    this.clientSoftwareVersion = version;
  }

  onClose(listener: () => void): void {
    this.#closeListeners.add(listener);
  }

  /** How long the broker wanted nothing more to be read, in ms. */
  readonly throttles: number[] = [];

  throttle(durationMs: number): void {
    this.throttles.push(durationMs);
  }

  offClose(listener: () => void): void {
    this.#closeListeners.delete(listener);
  }

  get closeListeners(): number {
    return this.#closeListeners.size;
  }

  close(): void {
    for (const listener of this.#closeListeners) listener();
    this.#closeListeners.clear();
  }

  sendAll(): void {
    for (const sent of this.unsent.splice(0)) sent();
  }

  /** Sends a frame (without its length) and returns what becomes of it, now or later. */
  send(broker: Broker, frame: Buffer): Outcome {
    const outcome: Outcome = { frame: null, none: false, closed: null };
    broker.onRequest(frame, this, this.#slot(outcome));
    return outcome;
  }

  #slot(outcome: Outcome): ReplySlot {
    const once = (): void => {
      if (outcome.frame !== null || outcome.none || outcome.closed !== null) throw new Error('a slot was answered twice');
    };
    return {
      send: (chunks, onSent) => {
        once();
        outcome.frame = Buffer.concat(chunks);
        if (onSent === undefined) return;
        if (this.holdsReplies) this.unsent.push(onSent);
        else onSent();
      },
      none: () => {
        once();
        outcome.none = true;
      },
      close: (reason) => {
        once();
        outcome.closed = reason;
      },
    };
  }
}

/** The codec of one API as a client sees it. */
export interface ClientApi<Request, Response> {
  readonly apiKey: number;
  readonly write: (writer: Writer, request: Request, version: number) => void;
  readonly read: (reader: Reader, version: number) => Response;
}

let correlationIds = 0;

/** One request that is on its way. */
export interface Pending<Response> {
  readonly outcome: Outcome;
  /** Null until there is a reply. */
  response(): Response | null;
}

export function send<Request, Response>(
  node: TestNode, api: ClientApi<Request, Response>, version: number, body: Request, connection = new TestConnection(), clientId = 'tester',
): Pending<Response> {
  const correlationId = ++correlationIds;
  const writer = new Writer();
  encodeRequest(writer, { apiKey: api.apiKey, apiVersion: version, correlationId, clientId, body, write: api.write });
  const outcome = connection.send(node.broker, writer.takeBuffer().subarray(4));
  return {
    outcome,
    response: () => (outcome.frame === null ? null : decodeResponse(outcome.frame.subarray(4), { apiKey: api.apiKey, apiVersion: version, correlationId }, api.read)),
  };
}

/** Sends and waits for the reply; time stands still meanwhile. */
export async function call<Request, Response>(
  node: TestNode, api: ClientApi<Request, Response>, version: number, body: Request, connection?: TestConnection, clientId?: string,
): Promise<Response> {
  const pending = send(node, api, version, body, connection, clientId);
  for (let turn = 0; turn < 50 && pending.outcome.frame === null && pending.outcome.closed === null; turn++) await settle();
  const response = pending.response();
  if (response === null) throw new Error(`no reply: ${JSON.stringify(pending.outcome)}`);
  return response;
}
