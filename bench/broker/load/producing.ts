/** Connections that send the same prebuilt produce request again and again. */
import { performance } from 'node:perf_hooks';
import { BatchBuilder } from '../../../src/record/build.ts';
import { produce, produceRequest } from './calls.ts';
import { LoadConnection, encode } from './connection.ts';
import type { LoadOrder } from './order.ts';
import type { Tally } from './tally.ts';

/** Correlation id, length of the topics, length of the topic's name: then the name. Length of the partitions and the index follow it. */
const BYTES_BEFORE_NAME = 4 + 4 + 2;
const BYTES_AFTER_NAME = 4 + 4;

/** Unknown topic, no leader, not the leader: a topic just made is not ready everywhere at once. */
const NOT_READY = new Set([3, 5, 6]);
const RETRY_MS = 20;

export function buildBatch(records: number, recordBytes: number): Buffer {
  const builder = new BatchBuilder(records * (recordBytes + 12) + 64);
  const letters = Buffer.alloc(recordBytes + records);
  for (let index = 0; index < letters.length; index += 1) letters[index] = 97 + ((index * 7919) % 26);
  const now = Date.now();
  for (let index = 0; index < records; index += 1) builder.append(null, letters.subarray(index, index + recordBytes), null, now);
  return builder.close();
}

/** Sends by itself: after each answer the next request, or at the order's pace. */
export class Producing {
  readonly #connection: LoadConnection;
  readonly #order: LoadOrder;
  readonly #index: number;
  readonly #tally: Tally;
  readonly #frame: Buffer;
  readonly #batchBytes: number;
  readonly #errorAt: number;
  readonly #fail: (error: Error) => void;
  /** When the requests in flight were sent, oldest first. */
  readonly #sentAt: number[] = [];
  /** Requests that may still be sent. */
  #left = Infinity;
  #pace: NodeJS.Timeout | null = null;
  #onIdle: () => void = () => {};

  private constructor(connection: LoadConnection, order: LoadOrder, index: number, batch: Buffer, tally: Tally, fail: (error: Error) => void) {
    this.#connection = connection;
    this.#order = order;
    this.#index = index;
    this.#tally = tally;
    this.#fail = fail;
    this.#frame = encode(produce, produceRequest(order.topic, index % order.partitions, batch));
    this.#batchBytes = batch.length;
    this.#errorAt = BYTES_BEFORE_NAME + Buffer.byteLength(order.topic) + BYTES_AFTER_NAME;
    connection.onFrame = (frame) => this.#answered(frame);
    connection.onClose = fail;
  }

  /** `index` is the connection's number; `fail` hears the first thing that goes wrong. */
  static async open(order: LoadOrder, index: number, batch: Buffer, tally: Tally, fail: (error: Error) => void): Promise<Producing> {
    return new Producing(await LoadConnection.open(order.host, order.port), order, index, batch, tally, fail);
  }

  start(): void {
    const { requestsPerSecond, connections, inFlight } = this.#order;
    if (requestsPerSecond === 0) {
      while (this.#sentAt.length < inFlight && this.#left > 0) this.#send();
      return;
    }
    const intervalMs = (1000 * connections) / requestsPerSecond;
    // Spread over the interval: the connections must not send all at once.
    this.#pace = setTimeout(() => {
      this.#pace = setInterval(() => {
        if (this.#sentAt.length < inFlight) this.#send();
      }, intervalMs);
    }, (intervalMs * this.#index) / connections);
  }

  #send(): void {
    this.#left -= 1;
    this.#sentAt.push(performance.now());
    this.#connection.send(this.#frame);
  }

  #answered(frame: Buffer): void {
    const sentAt = this.#sentAt.shift();
    if (sentAt === undefined || frame.length < this.#errorAt + 2) return this.#fail(new Error('the broker sent an answer that nobody asked for'));
    const error = frame.readInt16BE(this.#errorAt);
    if (error !== 0) return this.#refused(error);
    this.#tally.note(sentAt, this.#order.batchRecords, this.#batchBytes);
    if (this.#left > 0 && this.#pace === null) this.#send();
    else if (this.#sentAt.length === 0) this.#onIdle();
  }

  #refused(error: number): void {
    if (!NOT_READY.has(error) || this.#tally.isMeasuring) return this.#fail(new Error(`Produce failed with error code ${error}`));
    this.#left += 1;
    setTimeout(() => {
      if (this.#left > 0) this.#send();
    }, RETRY_MS);
  }

  /** Resolves when everything sent was answered. */
  async stop(): Promise<void> {
    this.#left = 0;
    if (this.#pace !== null) clearInterval(this.#pace);
    await this.#idle();
    this.#connection.close();
  }

  /** Sends `count` requests and resolves when all were answered. */
  async sendSome(count: number): Promise<void> {
    this.#left = count;
    this.start();
    await this.#idle();
    this.#connection.close();
  }

  async #idle(): Promise<void> {
    if (this.#sentAt.length > 0 || this.#left > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }
}
