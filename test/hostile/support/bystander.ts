/**
 * Another client, who minds his own business: he produces all the while, one request after the other with a short rest between, and counts
 * his acks. An attack that makes the broker pause shows in the count.
 */
import { makeProduceRequest } from '../../../src/protocol/generated/produce.ts';
import { Produce } from '../../broker/support/apis.ts';
import { goodBatch } from './batches.ts';
import { connect, type RawClient } from './rawClient.ts';

const REST_MS = 2;

export class Bystander {
  /** Of which every one was acknowledged, in order and without an error. */
  acks = 0;
  longestWaitMs = 0;
  #client: RawClient;
  #isStopped = false;
  #failure: Error | null = null;
  readonly #done: Promise<void>;

  private constructor(client: RawClient, topic: string) {
    this.#client = client;
    this.#done = this.#run(topic).catch((error: Error) => {
      if (!this.#isStopped) this.#failure = error;
    });
  }

  static async start(port: number, topic: string): Promise<Bystander> {
    const bystander = new Bystander(await connect(port), topic);
    await bystander.moreAcks(3);
    return bystander;
  }

  /** Waits for so many acks from now on. Rejects when one of them is an error, or the connection ends. */
  async moreAcks(count: number): Promise<void> {
    const wanted = this.acks + count;
    while (this.acks < wanted) {
      if (this.#failure !== null) throw new Error('the bystander was hurt', { cause: this.#failure });
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#client.close();
    await this.#done;
    if (this.#failure !== null) throw new Error('the bystander was hurt', { cause: this.#failure });
  }

  async #run(topic: string): Promise<void> {
    let baseOffset = -1;
    while (!this.#isStopped) {
      const begun = performance.now();
      const request = makeProduceRequest({ acks: 1, timeoutMs: 10_000, topicData: [{ name: topic, topicId: '', partitionData: [{ index: 0, records: goodBatch(['calm']) }] }] });
      const response = await this.#client.call(Produce, 9, request);
      const partition = response.responses[0]?.partitionResponses[0];
      if (partition?.errorCode !== 0) throw new Error(`error ${partition?.errorCode}: ${partition?.errorMessage}`);
      if ((partition.baseOffset as number) <= baseOffset) throw new Error(`offset ${partition.baseOffset} after ${baseOffset}`);
      baseOffset = partition.baseOffset as number;
      this.acks += 1;
      this.longestWaitMs = Math.max(this.longestWaitMs, performance.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
    }
  }
}
