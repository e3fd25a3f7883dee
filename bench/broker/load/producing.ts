/** Connections that send prebuilt produce requests. */
import { performance } from 'node:perf_hooks';
import type { LoadConnection } from './connection.ts';
import { openAs } from './entry.ts';
import { Frames } from './frames.ts';
import type { LoadOrder } from './order.ts';
import { commitFrame, committed, introduce, transactionalIdOf } from './producer.ts';
import type { ProducerIdentity } from './producer.ts';
import type { Tally } from './tally.ts';

export { buildBatch } from './frames.ts';

/** Correlation id, length of the topics, length of the topic's name: then the name. Length of the partitions and the index follow it. */
const BYTES_BEFORE_NAME = 4 + 4 + 2;
const BYTES_AFTER_NAME = 4 + 4;
/** The same where lengths are varints and the header has tags. */
const FLEXIBLE_BYTES_BEFORE_NAME = 4 + 1 + 1 + 1;
const FLEXIBLE_BYTES_AFTER_NAME = 1 + 4;
const FLEXIBLE_NAME_BYTES_MAX = 126;

/** Unknown topic, no leader, not the leader: a topic just made is not ready everywhere at once. */
const NOT_READY = new Set([3, 5, 6]);
/** Not enough replicas, concurrent transactions: the markers of the transaction before are still on their way. */
const NOT_ENDED = new Set([19, 51]);
/** What comes behind a batch that was refused. */
const OUT_OF_ORDER = 45;
const RETRY_MS = 20;

/** Sends by itself: after each answer the next request, or at the order's pace. */
export class Producing {
  readonly #connection: LoadConnection;
  readonly #order: LoadOrder;
  readonly #index: number;
  readonly #tally: Tally;
  readonly #frames: Frames;
  readonly #batchBytes: number;
  readonly #errorAt: number;
  readonly #fail: (error: Error) => void;
  /** When the requests in flight were sent, oldest first, and with which sequence. */
  readonly #sentAt: number[] = [];
  readonly #sentSequences: number[] = [];
  readonly #transactionalId: string | null;
  #identity: ProducerIdentity | null = null;
  #commitTimer: NodeJS.Timeout | null = null;
  /** What was sent has to be answered, then the transaction ends. */
  #isCommitDue = false;
  /** When EndTxn was sent; null: it is not in flight. */
  #commitSentAt: number | null = null;
  #hasOpenTransaction = false;
  /** Its partition is ready. */
  #hasSucceeded = false;
  /** Where to go on when everything in flight was refused. */
  #refusedSequence: number | null = null;
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
    this.#transactionalId = transactionalIdOf(order, index);
    this.#frames = new Frames(order, index % order.partitions, batch, this.#transactionalId);
    this.#batchBytes = batch.length;
    this.#errorAt = errorPlaceIn(order);
  }

  /** `index` is the connection's number; `fail` hears the first thing that goes wrong. */
  static async open(order: LoadOrder, index: number, batch: Buffer, tally: Tally, fail: (error: Error) => void): Promise<Producing> {
    const connection = await openAs('client', order);
    const producing = new Producing(connection, order, index, batch, tally, fail);
    const { producers = 'plain' } = order;
    if (producers === 'idempotent' || producers === 'transactional') producing.#become(await introduce(connection, producing.#transactionalId));
    connection.onFrame = (frame) => producing.#answered(frame);
    connection.onClose = fail;
    return producing;
  }

  #become(identity: ProducerIdentity): void {
    this.#identity = identity;
    this.#frames.identify(identity.producerId, identity.producerEpoch);
  }

  start(): void {
    const { requestsPerSecond, connections, inFlight, commitIntervalMs } = this.#order;
    if (this.#transactionalId !== null && commitIntervalMs !== undefined) {
      // Spread as those of many clients are.
      this.#planCommit(commitIntervalMs * (1 + this.#index / connections));
    }
    if (requestsPerSecond === 0) return this.#fill();
    const intervalMs = (1000 * connections) / requestsPerSecond;
    // Spread over the interval: the connections must not send all at once.
    this.#pace = setTimeout(() => {
      this.#pace = setInterval(() => {
        if (this.#sentAt.length < inFlight) this.#send();
      }, intervalMs);
    }, (intervalMs * this.#index) / connections);
  }

  #fill(): void {
    while (this.#sentAt.length < this.#order.inFlight && this.#left > 0) this.#send();
  }

  #send(): void {
    this.#left -= 1;
    this.#sentAt.push(performance.now());
    this.#sentSequences.push(this.#frames.sequence);
    this.#connection.send(this.#frames.next());
  }

  #answered(frame: Buffer): void {
    if (this.#commitSentAt !== null) return this.#committed(frame, this.#commitSentAt);
    const sentAt = this.#sentAt.shift();
    const sequence = this.#sentSequences.shift();
    if (sentAt === undefined || sequence === undefined || frame.length < this.#errorAt + 2) return this.#fail(new Error('the broker sent an answer that nobody asked for'));
    const error = frame.readInt16BE(this.#errorAt);
    if (error === 0) this.#succeeded(sentAt);
    else if (!this.#refused(error, sequence)) return;
    this.#goOn();
  }

  #succeeded(sentAt: number): void {
    this.#hasSucceeded = true;
    this.#hasOpenTransaction = true;
    this.#tally.note(sentAt, this.#order.batchRecords, this.#batchBytes);
  }

  #goOn(): void {
    // A transaction that nothing was written to yet cannot be committed.
    const commits = this.#isCommitDue && this.#hasOpenTransaction;
    if (this.#refusedSequence === null && !commits && this.#left > 0) {
      if (this.#pace === null) this.#send();
      return;
    }
    if (this.#sentAt.length > 0) return;
    if (this.#refusedSequence !== null) this.#sendAgain(this.#refusedSequence);
    else if (commits) this.#commit();
    else this.#onIdle();
  }

  /** False when the load has failed. */
  #refused(error: number, sequence: number): boolean {
    const isPassing = (NOT_READY.has(error) && !(this.#hasSucceeded && this.#tally.isMeasuring)) || (this.#transactionalId !== null && NOT_ENDED.has(error)) || (error === OUT_OF_ORDER && this.#refusedSequence !== null);
    if (!isPassing) {
      this.#fail(new Error(`Produce failed with error code ${error}`));
      return false;
    }
    this.#left += 1;
    this.#refusedSequence ??= sequence;
    return true;
  }

  #sendAgain(sequence: number): void {
    this.#refusedSequence = null;
    this.#frames.rewind(sequence);
    setTimeout(() => this.#fill(), RETRY_MS);
  }

  #planCommit(afterMs: number): void {
    this.#commitTimer = setTimeout(() => {
      this.#isCommitDue = true;
      if (this.#sentAt.length === 0) this.#goOn();
    }, afterMs);
  }

  #commit(): void {
    this.#isCommitDue = false;
    this.#commitSentAt = performance.now();
    this.#connection.send(commitFrame(this.#transactionalId as string, this.#identity as ProducerIdentity));
  }

  #committed(frame: Buffer, sentAt: number): void {
    this.#commitSentAt = null;
    this.#hasOpenTransaction = false;
    try {
      this.#become(committed(frame));
    } catch (error) {
      return this.#fail(error as Error);
    }
    this.#tally.noteCommit(sentAt);
    if (this.#left === 0) return this.#onIdle();
    this.#planCommit(this.#order.commitIntervalMs as number);
    this.#fill();
  }

  /** Resolves when everything sent was answered, and committed. */
  async stop(): Promise<void> {
    this.#left = 0;
    if (this.#pace !== null) clearInterval(this.#pace);
    if (this.#commitTimer !== null) clearTimeout(this.#commitTimer);
    await this.#idle();
    if (this.#transactionalId !== null && this.#hasOpenTransaction) {
      this.#commit();
      await this.#idle();
    }
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
    if (this.#sentAt.length > 0 || this.#left > 0 || this.#commitSentAt !== null) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }
}

/** Where an answer to Produce has its error code. */
function errorPlaceIn({ topic, producers = 'plain' }: LoadOrder): number {
  const nameBytes = Buffer.byteLength(topic);
  if (producers === 'plain') return BYTES_BEFORE_NAME + nameBytes + BYTES_AFTER_NAME;
  if (nameBytes > FLEXIBLE_NAME_BYTES_MAX) throw new Error('the name of the topic is too long');
  return FLEXIBLE_BYTES_BEFORE_NAME + nameBytes + FLEXIBLE_BYTES_AFTER_NAME;
}
