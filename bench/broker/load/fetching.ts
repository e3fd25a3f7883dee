/** A connection that reads one partition from its start to its end, over and over, one request at a time. */
import { performance } from 'node:perf_hooks';
import { lastOffsetOf, nextBatch, recordCountOf } from '../../../src/record/batchHeader.ts';
import { fetch, fetchRequest } from './calls.ts';
import { decode, encode } from './connection.ts';
import type { LoadConnection } from './connection.ts';
import { openAs } from './entry.ts';
import type { LoadOrder } from './order.ts';
import type { Tally } from './tally.ts';

export class Fetching {
  readonly #connection: LoadConnection;
  readonly #order: LoadOrder;
  readonly #partition: number;
  readonly #tally: Tally;
  readonly #fail: (error: Error) => void;
  #offset = 0;
  #sentAt = 0;
  #isStopped = false;
  #onIdle: () => void = () => {};

  private constructor(connection: LoadConnection, order: LoadOrder, partition: number, tally: Tally, fail: (error: Error) => void) {
    this.#connection = connection;
    this.#order = order;
    this.#partition = partition;
    this.#tally = tally;
    this.#fail = fail;
    connection.onFrame = (frame) => this.#answered(frame);
    connection.onClose = fail;
  }

  static async open(order: LoadOrder, index: number, tally: Tally, fail: (error: Error) => void): Promise<Fetching> {
    const connection = await openAs('client', order);
    return new Fetching(connection, order, index % order.partitions, tally, fail);
  }

  start(): void {
    this.#sentAt = performance.now();
    this.#connection.send(encode(fetch, fetchRequest(this.#order.topic, this.#partition, this.#offset)));
  }

  #answered(frame: Buffer): void {
    try {
      this.#take(frame);
    } catch (error) {
      return this.#fail(error as Error);
    }
    if (this.#isStopped) this.#onIdle();
    else this.start();
  }

  #take(frame: Buffer): void {
    const answer = decode(fetch, frame);
    const data = answer.responses[0]?.partitions[0];
    const error = answer.errorCode !== 0 ? answer.errorCode : data?.errorCode;
    if (data === undefined || error !== 0) throw new Error(`Fetch failed with error code ${error ?? 'none, without data'}`);
    const bytes = data.records as Buffer | null;
    let records = 0;
    let end = 0;
    if (bytes !== null) {
      for (let next = nextBatch(bytes, 0); next !== -1; end = next, next = nextBatch(bytes, end)) {
        records += recordCountOf(bytes, end);
        this.#offset = lastOffsetOf(bytes, end) + 1;
      }
    }
    this.#tally.note(this.#sentAt, records, end);
    // At the end it starts over, so that it never waits in the broker.
    if (records === 0 || this.#offset >= data.highWatermark) this.#offset = 0;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.#connection.close();
  }
}
