import type { Network, Wire } from '../../../src/base/wire.ts';
import { FrameReader } from '../../../src/net/frameReader.ts';
import { apiSpec, encodeResponse, readRequestHeader } from '../../../src/protocol/framing.ts';
import { allMessages } from '../../../src/protocol/generated/allMessages.ts';
import { apis } from '../../../src/protocol/generated/apis.ts';
import type { makeApiVersionsResponse } from '../../../src/protocol/generated/apiVersions.ts';
import { Reader } from '../../../src/protocol/reader.ts';
import { Writer } from '../../../src/protocol/writer.ts';

type Message = Record<string, unknown>;

export interface Request {
  readonly api: string;
  readonly version: number;
  readonly body: Message;
  readonly connection: number;
}

/** What to do with a request: answer with these fields (in another version than was asked), send these bytes, go on without an answer, say nothing from then on, or hang up. May take its time. */
export type Reaction = { readonly answer: Message; readonly version?: number } | { readonly raw: Buffer } | 'noAnswer' | 'silence' | 'hangUp';
export type Handler = (request: Request) => Reaction | Promise<Reaction>;

interface Codec {
  readonly make: (fields: Message) => Message;
  readonly read: (reader: Reader, version: number) => Message;
  readonly write: (writer: Writer, body: Message, version: number) => void;
}

const codecOf = (name: string): Codec => (allMessages as unknown as Record<string, Codec>)[name] as Codec;

const NOT_OFFERED = new Set(['ConsumerGroupHeartbeat']);
/** Offered only by a fake that answers them: clients ask for these without being told to. */
const ONLY_IF_ANSWERED = new Set(['GetTelemetrySubscriptions', 'PushTelemetry']);

/** A broker that does what its script says. Requests are kept in `requests`. */
export class FakeBroker {
  readonly requests: Request[] = [];
  readonly handlers = new Map<string, Handler>();
  /** API names that it does not offer. */
  readonly missing = new Set<string>(NOT_OFFERED);
  #wires = new Set<Wire>();
  #connections = 0;
  #close: (() => Promise<void>) | null = null;
  port = 0;

  async listen(network: Network, port = 0): Promise<this> {
    const listener = await network.listen({ host: '127.0.0.1', port }, (wire) => this.#accept(wire));
    this.port = listener.port;
    this.#close = () => listener.close();
    return this;
  }

  on(api: string, handler: Handler): this {
    this.handlers.set(api, handler);
    return this;
  }

  /** The bodies of the requests of one kind. */
  asked(api: string): Message[] {
    return this.requests.filter((request) => request.api === api).map(({ body }) => body);
  }

  get connectionsMade(): number {
    return this.#connections;
  }

  /** Cuts every connection; new ones are taken. */
  cut(): void {
    for (const wire of this.#wires) wire.destroy();
    this.#wires.clear();
  }

  /** Gone, until it listens again. */
  async stop(): Promise<void> {
    await this.#close?.();
    this.cut();
  }

  #accept(wire: Wire): void {
    const connection = ++this.#connections;
    this.#wires.add(wire);
    let tail: Promise<void> = Promise.resolve();
    const frames = new FrameReader(1 << 28, {
      onFrame: (frame) => {
        const copy = Buffer.from(frame);
        // in order, as a broker answers
        tail = tail.then(() => this.#serve(wire, copy, connection));
        return false;
      },
      onBadLength: () => wire.destroy(),
    });
    wire.start({ onBytes: (bytes) => frames.onBytes(bytes), onDrain() {}, onClose: () => this.#wires.delete(wire) });
  }

  async #serve(wire: Wire, frame: Buffer, connection: number): Promise<void> {
    const reader = new Reader(frame);
    const { apiKey, apiVersion, correlationId } = readRequestHeader(reader);
    const api = apiSpec(apiKey)?.name ?? '';
    const body = codecOf(`${api}Request`).read(reader, apiVersion);
    const request = { api, version: apiVersion, body, connection };
    this.requests.push(request);
    const handler: Handler | undefined = this.handlers.get(api) ?? (api === 'ApiVersions' ? () => ({ answer: this.#versions() as unknown as Message }) : undefined);
    if (handler === undefined) throw new Error(`no handler for ${api}`);
    const reaction: Reaction = await handler(request);
    if (reaction === 'silence') return new Promise(() => {});
    if (reaction === 'noAnswer' || !this.#wires.has(wire)) return;
    if (reaction === 'hangUp') {
      this.#wires.delete(wire);
      wire.destroy();
      return;
    }
    if ('raw' in reaction) {
      wire.write([reaction.raw]);
      return;
    }
    const { make, write } = codecOf(`${api}Response`);
    const writer = new Writer();
    encodeResponse(writer, { apiKey, apiVersion: reaction.version ?? apiVersion, correlationId }, make(reaction.answer), write);
    wire.write(writer.take());
  }

  #versions(): Partial<ReturnType<typeof makeApiVersionsResponse>> {
    const offered = apis.filter((spec) => spec !== undefined && spec.max >= 0 && !this.missing.has(spec.name) && (!ONLY_IF_ANSWERED.has(spec.name) || this.handlers.has(spec.name)));
    return { apiKeys: offered.map((spec) => ({ apiKey: spec!.key, minVersion: spec!.min, maxVersion: spec!.max })) };
  }
}
