/**
 * Another client, who minds his own business: he produces all the while, one request after the other with a short rest between, and counts
 * his acks. An attack that makes the broker pause shows in the count. He runs in a thread of his own.
 */
import { Worker } from 'node:worker_threads';
import { Produce } from '../../broker/support/apis.ts';
import { goodBatch } from './batches.ts';
import { produceRequest } from './producing.ts';
import { encode } from './rawClient.ts';

const REST_MS = 2;
/** Where a Produce reply of version 9 for one partition has its error code: after correlation id, tags, topics, partitions, index. */
const errorAt = (topic: string): number => 4 + 1 + 1 + 1 + topic.length + 1 + 4;

const Place = { acks: 0, longestWaitUs: 1, failed: 2, stop: 3, paused: 4 } as const;

export class Bystander {
  readonly #shared = new Int32Array(new SharedArrayBuffer(20));
  readonly #thread: Worker;
  readonly #ended: Promise<unknown>;

  private constructor(port: number, topic: string) {
    const frame = encode(Produce, 9, produceRequest(topic, goodBatch(['calm']), 1), 1);
    const workerData = { port, frame, restMs: REST_MS, errorAt: errorAt(topic), counters: this.#shared.buffer };
    this.#thread = new Worker(new URL('./bystanderThread.mjs', import.meta.url), { workerData });
    this.#ended = new Promise((resolve) => this.#thread.once('exit', resolve));
  }

  static async start(port: number, topic: string): Promise<Bystander> {
    const bystander = new Bystander(port, topic);
    await bystander.moreAcks(3);
    return bystander;
  }

  /** Of which every one was acknowledged, in order and without an error. */
  get acks(): number {
    return Atomics.load(this.#shared, Place.acks);
  }

  /** Since it was asked last. */
  takeLongestWaitMs(): number {
    return Atomics.exchange(this.#shared, Place.longestWaitUs, 0) / 1000;
  }

  /** Waits for so many acks from now on. Rejects when one of them is an error, or the connection ends. */
  async moreAcks(count: number): Promise<void> {
    const wanted = this.acks + count;
    while (this.acks < wanted) {
      this.#check();
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
    }
  }

  /** Says nothing until `goOn`. */
  async pause(): Promise<void> {
    Atomics.store(this.#shared, Place.paused, 1);
    for (let acks = -1; acks !== this.acks; ) {
      acks = this.acks;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  goOn(): void {
    Atomics.store(this.#shared, Place.paused, 0);
  }

  /** Resolves with the number of acks; rejects when the bystander was hurt. */
  async stop(): Promise<number> {
    Atomics.store(this.#shared, Place.stop, 1);
    await Promise.race([this.#ended, new Promise((resolve) => setTimeout(resolve, 2000))]);
    await this.#thread.terminate();
    this.#check();
    return this.acks;
  }

  #check(): void {
    const failed = Atomics.load(this.#shared, Place.failed);
    if (failed === 1) throw new Error('the bystander was hurt: his connection was closed');
    if (failed !== 0) throw new Error(`the bystander was hurt: error ${failed - 1000}`);
  }
}
