/**
 * How a request walks through the broker: server hands a frame and a reply slot to `RequestSink`; dispatch reads the header, picks the handler,
 * reads the body; the handler answers through its `RequestContext` exactly once, now or later.
 */
import type { SecurityProtocol } from '../base/securityProtocol.ts';
import type { Reader } from '../protocol/reader.ts';
import type { Writer } from '../protocol/writer.ts';
import type { ConnectionLogin } from './security/login.ts';
import type { Verification } from '../storage/types.ts';

/** One client connection as handlers see it; made by `server`. */
export interface ClientConnection {
  /** Unique in this process's life. */
  readonly id: number;
  readonly listenerName: string;
  readonly remoteAddress: string;
  /** `User:ANONYMOUS` until authenticated. */
  readonly principal: string;
  /** Came in by a delegation token, which can make no other tokens. */
  readonly isTokenAuthenticated: boolean;
  readonly securityProtocol: SecurityProtocol;
  /** On a listener with SASL. */
  readonly login: ConnectionLogin | null;
  readonly clientSoftwareName: string;
  readonly clientSoftwareVersion: string;
  /** Called by the ApiVersions handler. */
  setClientSoftware(name: string, version: string): void;
  /** Over a quota: nothing more is read for so long. Replies that are due still go out. */
  throttle(durationMs: number): void;
  /** Runs `listener` once the connection is gone (to drop parked fetches, sessions); at once when it already is. */
  onClose(listener: () => void): void;
  offClose(listener: () => void): void;
}

/** The place of one reply in its connection's order. Exactly one method is called, exactly once. */
export interface ReplySlot {
  /** Whole reply frame, length prefix included. Chunks are borrowed until `onSent` (which also runs when the connection dies first). */
  send(chunks: readonly Uint8Array[], onSent?: () => void): void;
  /** There is no reply (acks=0). */
  none(): void;
  /** The request can't be answered: close the connection after the replies before it. */
  close(reason: string): void;
}

/** Where the server puts whole request frames (length prefix removed). */
export interface RequestSink {
  /**
   * `frame` is BORROWED until this returns when its API key is Produce (0), and owned by the receiver otherwise.
   * Never throws.
   */
  onRequest(frame: Buffer, connection: ClientConnection, slot: ReplySlot): void;
}

/** What a handler gets beside the request. */
export interface RequestContext<Response> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string;
  readonly connection: ClientConnection;
  /** Clock.monotonicMs when the frame was complete. */
  readonly receivedMs: number;
  /**
   * Encodes and sends; never throws: a response that cannot be written closes the connection. `onSent` runs in any case, when the bytes have left, could not
   * be written or the connection has died: release leases there. Of several answers only the first counts.
   */
  reply(response: Response, onSent?: () => void): void;
  replyNothing(): void;
  closeConnection(reason: string): void;
}

/**
 * One per API, in handlers/<api>.ts. `services` is typed by the broker. A handler that throws or rejects is answered by `errorResponse` with the
 * thrown KafkaError's code, or UNKNOWN_SERVER_ERROR and a logged stack.
 */
export interface ApiHandler<Services, Request, Response> {
  readonly apiKey: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  read(reader: Reader, version: number): Request;
  write(writer: Writer, response: Response, version: number): void;
  handle(request: Request, context: RequestContext<Response>, services: Services): void | Promise<void>;
  /** A reply that says `errorCode` wherever the request asked for something. */
  errorResponse(request: Request, errorCode: number, message: string | null, version: number): Response;
}

/**
 * The log of a coordinator (`__consumer_offsets`, later `__transaction_state`) as its runtime sees it. The broker implements it over
 * ordinary partitions; tests over an array.
 */
export interface CoordinatorLog {
  readonly topic: string;
  readonly partitionCount: number;
  /** Creates the internal topic when it is missing. Rejects with KafkaError when it can't be. */
  ensureTopic(): Promise<void>;
  /** True when this node leads the partition. */
  leads(partition: number): boolean;
  /**
   * Appends one batch of key/value records atomically; `done` after they are below the high watermark, with a Kafka error code (0: fine). With a `transaction`
   * it is a batch of that transaction, or the marker that ends it, which has no records.
   */
  append(partition: number, records: readonly CoordinatorRecord[], done: (errorCode: number) => void, transaction?: BatchTransaction): void;
  /**
   * Replays every record of the partition in order, in slices that leave the event loop room; markers in their place among them. `producerId` is there for
   * records of a transaction only.
   */
  load(partition: number, visit: (record: LoadedRecord) => void, onMarker?: (producerId: number, isCommit: boolean) => void): Promise<void>;
}

export interface LoadedRecord {
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly timestampMs: number;
  readonly offset: number;
  readonly producerId?: number;
}

/** The transaction of a client's that a coordinator writes for. */
export interface BatchTransaction {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** As AppendOptions has it. */
  readonly transactionVersion: number;
  readonly verification?: Verification;
  /** Not null: the batch ends the transaction. */
  readonly marker: { readonly isCommit: boolean; readonly coordinatorEpoch: number } | null;
}

export interface CoordinatorRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}
