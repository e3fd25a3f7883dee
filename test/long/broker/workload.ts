/** Clients of one broker that may be gone at any moment, and what must be so when they have ended. */
import { createClient, runExactlyOnce, serdes } from '../../../src/client/index.ts';
import type { Client } from '../../../src/client/index.ts';
import { partitionKey } from '../../../src/client/consumer/partitionState.ts';
import type { Random } from '../../../src/base/ports.ts';

const PARTITIONS = 3;
const PRODUCERS = 2;
const TRANSACTORS = 2;
const COPIERS = 2;
const END_MS_MAX = 120_000;
const text = { key: serdes.nullable(serdes.string), value: serdes.string } as const;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** 'private': nobody asked for a commit. 'unknown': one was asked for. */
interface Attempt {
  readonly name: string;
  readonly values: string[][];
  fate: 'private' | 'unknown' | 'committed' | 'aborted';
}

const perPartition = (): string[][] => Array.from({ length: PARTITIONS }, () => []);

export class Workload {
  readonly tally = { sent: 0, transactions: 0, aborted: 0, unknown: 0, copied: 0, memberChanges: 0 };
  readonly #client: Client;
  readonly #random: Random;
  readonly #faults: string[] = [];
  readonly #sent = new Map<string, string[][]>();
  readonly #attempts = new Map<string, Attempt>();
  /** What readers saw bit by bit, by topic. */
  readonly #seen = new Map<string, string[][]>();
  readonly #stopReading = new AbortController();
  readonly #stopCopying = new AbortController();
  #isOver = false;
  #sending: Promise<unknown> = Promise.resolve();
  #following: Promise<unknown> = Promise.resolve();
  #copying: Promise<unknown> = Promise.resolve();

  constructor(bootstrap: string, random: Random) {
    this.#client = createClient({ bootstrap, retryBackoffMs: 20, retryBackoffMaxMs: 300, reconnectBackoffMaxMs: 300, requestTimeoutMs: 5000 });
    this.#random = random;
  }

  async begin(): Promise<void> {
    for (const topic of ['plain', 'tx', 'copy']) await this.#client.admin.createTopic({ topic, partitions: PARTITIONS });
    this.#sending = Promise.all([
      ...Array.from({ length: PRODUCERS }, (_, index) => this.#produce(`p${index}`)),
      ...Array.from({ length: TRANSACTORS }, (_, index) => this.#transact(`t${index}`)),
    ]);
    this.#following = Promise.all(['plain', 'tx', 'copy'].map((topic) => this.#follow(topic)));
    this.#copying = Promise.all(Array.from({ length: COPIERS }, (_, index) => this.#copy(index)));
    for (const work of [this.#sending, this.#following, this.#copying]) work.catch((error: unknown) => this.#faults.push(`a client ended: ${String(error)}`));
  }

  async #produce(name: string): Promise<void> {
    const producer = this.#client.producer(text);
    const sent = perPartition();
    this.#sent.set(name, sent);
    for (let number = 0; !this.#isOver; ) {
      const deliveries: Promise<unknown>[] = [];
      for (let left = 1 + this.#random.below(30); left > 0; left -= 1, number += 1) {
        const partition = this.#random.below(PARTITIONS);
        const value = `${name}/${number}`.padEnd(10 + this.#random.below(200), '.');
        sent[partition]!.push(value);
        deliveries.push(producer.send({ topic: 'plain', partition, value }));
      }
      this.tally.sent += deliveries.length;
      if (this.#random.below(3) === 0) await Promise.all(deliveries);
      else for (const delivery of deliveries) delivery.catch((error: unknown) => this.#faults.push(`${name}: ${String(error)}`));
      await pause(this.#random.below(40));
    }
    await producer.flush();
    await producer.close();
  }

  async #transact(name: string): Promise<void> {
    let producer = this.#client.producer({ ...text, transactionalId: name, transactionTimeoutMs: 10_000 });
    for (let round = 0; !this.#isOver; round += 1) {
      const attempt: Attempt = { name: `${name}.${round}`, values: perPartition(), fate: 'private' };
      this.#attempts.set(attempt.name, attempt);
      this.tally.transactions += 1;
      const isClean = await this.#attempt(producer, attempt).catch(() => false);
      // Whatever is not settled is left to its successor, which aborts or finishes it.
      if (isClean) continue;
      await producer.close(0).catch(() => {});
      producer = this.#client.producer({ ...text, transactionalId: name, transactionTimeoutMs: 10_000 });
    }
    // Ends what an attempt has left open: it would hold back the readers of committed records.
    await producer.begin();
    await producer.abort();
    await producer.close();
  }

  /** True when the producer may go on. */
  async #attempt(producer: ReturnType<Client['producer']>, attempt: Attempt): Promise<boolean> {
    await producer.begin();
    const deliveries: Promise<unknown>[] = [];
    for (let left = 1 + this.#random.below(6); left > 0; left -= 1) {
      const partition = this.#random.below(PARTITIONS);
      const value = `${attempt.name}/${left}`;
      attempt.values[partition]!.push(value);
      deliveries.push(producer.send({ topic: 'tx', partition, value: value as never }));
    }
    await Promise.all(deliveries);
    const dice = this.#random.below(10);
    if (dice === 0) return false;
    if (dice < 3) {
      await producer.abort();
      attempt.fate = 'aborted';
      this.tally.aborted += 1;
      return true;
    }
    attempt.fate = 'unknown';
    await producer.commit();
    attempt.fate = 'committed';
    return true;
  }

  /** Reads committed records of one topic as they come. */
  async #follow(topic: string): Promise<void> {
    const consumer = this.#client.consumer({ ...text, isolationLevel: 'read_committed', autoOffsetReset: 'earliest' });
    const seen = perPartition();
    this.#seen.set(topic, seen);
    consumer.assign(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })));
    while (!this.#stopReading.signal.aborted) {
      const batch = await consumer.nextBatch(200);
      if (batch === null) continue;
      for (const { partition, value } of batch) {
        seen[partition]!.push(value);
        if (topic === 'tx') this.#checkVisible(value);
      }
      consumer.done(batch);
    }
    await consumer.close();
  }

  #checkVisible(value: string): void {
    const fate = this.#attempts.get(value.slice(0, value.indexOf('/')))?.fate;
    if (fate === 'private' || fate === 'aborted') this.#faults.push(`${value} is seen, and its transaction is ${fate}`);
  }

  /** A member of a group that copies `plain` to `copy`, exactly once; it leaves and comes back. */
  async #copy(index: number): Promise<void> {
    while (!this.#stopCopying.signal.aborted) {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), 3000 + this.#random.below(9000));
      const signal = AbortSignal.any([stop.signal, this.#stopCopying.signal]);
      const consumer = this.#client.consumer({
        ...text, groupId: 'copiers', autoCommit: false, isolationLevel: 'read_committed', autoOffsetReset: 'earliest', sessionTimeoutMs: 6000, heartbeatIntervalMs: 300, maxPartitionFetchBytes: 20_000,
      });
      const producer = this.#client.producer({ ...text, transactionalId: `copier-${index}`, transactionTimeoutMs: 10_000 });
      const transform: Parameters<typeof runExactlyOnce<string | null, string, string | null, string>>[0]['transform'] = (batch, scope) => {
        for (const { partition, value } of batch) {
          scope.push({ topic: 'copy', partition, value });
          this.tally.copied += 1;
        }
        
      };
      await runExactlyOnce({ consumer, producer, topics: ['plain'], signal, transform }).catch(() => {});
      clearTimeout(timer);
      await producer.close(0).catch(() => {});
      await consumer.close(1000).catch(() => {});
      this.tally.memberChanges += 1;
    }
  }

  // The end.

  /** Lets everything come to rest; returns what is wrong. */
  async conclude(): Promise<string[]> {
    this.#isOver = true;
    await this.#orFault('producers end', this.#sending);
    const plain = await this.#readAll('plain');
    await this.#orFault('all is copied', this.#untilCopied(plain));
    this.#stopCopying.abort();
    await this.#orFault('copiers end', this.#copying);
    const tx = await this.#readAll('tx');
    const copy = await this.#readAll('copy');
    await this.#orFault('readers catch up', this.#untilSeen({ plain, tx, copy }));
    this.#stopReading.abort();
    await this.#orFault('readers end', this.#following);
    this.#check(plain, tx, copy);
    return this.#faults.slice(0, 20);
  }

  async #orFault(what: string, work: Promise<unknown>): Promise<void> {
    let timer!: NodeJS.Timeout;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#faults.push(`it took too long: ${what}`);
        resolve();
      }, END_MS_MAX);
    });
    await Promise.race([work.catch((error: unknown) => void this.#faults.push(`${what}: ${String(error)}`)), late]);
    clearTimeout(timer);
  }

  async #untilCopied(plain: readonly string[][]): Promise<void> {
    const wanted = plain.reduce((sum, values) => sum + values.length, 0);
    const count = (): number => this.#seen.get('copy')!.reduce((sum, values) => sum + values.length, 0);
    for (const untilMs = Date.now() + END_MS_MAX; count() < wanted && Date.now() < untilMs; ) await pause(50);
  }

  async #untilSeen(all: Readonly<Record<string, string[][]>>): Promise<void> {
    const isBehind = (topic: string): boolean => this.#seen.get(topic)!.some((values, partition) => values.length < all[topic]![partition]!.length);
    for (const untilMs = Date.now() + END_MS_MAX; Object.keys(all).some(isBehind) && Date.now() < untilMs; ) await pause(50);
  }

  /** Committed records from the beginning to the end, by somebody who comes now. */
  async #readAll(topic: string): Promise<string[][]> {
    const consumer = this.#client.consumer({ ...text, isolationLevel: 'read_committed', autoOffsetReset: 'earliest' });
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));
    const values = perPartition();
    try {
      const ends = await this.#endsOf(partitions);
      consumer.assign(partitions);
      const endOf = (partition: number): number => ends.get(partitionKey(topic, partition)) ?? 0;
      for (const untilMs = Date.now() + END_MS_MAX; Date.now() < untilMs; ) {
        const batch = await consumer.nextBatch(500);
        if (batch !== null) {
          for (const { partition, value } of batch) values[partition]!.push(value);
          consumer.done(batch);
        } else if (partitions.every(({ partition }) => consumer.position(topic, partition) >= endOf(partition))) {
          return values;
        }
      }
      this.#faults.push(`${topic} could not be read to its end`);
      return values;
    } finally {
      await consumer.close().catch(() => {});
    }
  }

  /** Of all records, committed or not: whoever reads committed ones gets there when the last transaction has ended. */
  async #endsOf(partitions: readonly { topic: string; partition: number }[]): Promise<Map<string, number>> {
    const consumer = this.#client.consumer({ ...text });
    try {
      return await consumer.offsetsAt(partitions, 'latest');
    } finally {
      await consumer.close().catch(() => {});
    }
  }

  #check(plain: readonly string[][], tx: readonly string[][], copy: readonly string[][]): void {
    for (const [topic, now] of Object.entries({ plain, tx, copy })) {
      for (const [partition, values] of now.entries()) this.#same(`${topic}-${partition}, seen bit by bit,`, this.#seen.get(topic)![partition]!, values);
    }
    for (const [name, sent] of this.#sent) {
      for (const [partition, values] of sent.entries()) this.#same(`what ${name} sent to ${partition}`, plain[partition]!.filter((value) => value.startsWith(`${name}/`)), values);
    }
    for (const [partition, values] of plain.entries()) this.#same(`the copy of ${partition}`, copy[partition]!, values);
    for (const attempt of this.#attempts.values()) this.#checkAttempt(attempt, tx);
  }

  #checkAttempt({ name, values, fate }: Attempt, tx: readonly string[][]): void {
    const found = tx.map((all) => all.filter((value) => value.startsWith(`${name}/`)));
    const isSeen = found.some((all) => all.length > 0);
    if (fate === 'unknown') this.tally.unknown += 1;
    if (fate === 'committed' && !isSeen) this.#faults.push(`${name} was committed and is not there`);
    if ((fate === 'private' || fate === 'aborted') && isSeen) this.#faults.push(`${name} is there and was ${fate}`);
    if (isSeen) for (const [partition, all] of found.entries()) this.#same(`${name} in ${partition}`, all, values[partition]!);
  }

  #same(what: string, found: readonly string[], wanted: readonly string[]): void {
    if (found.length === wanted.length && found.every((value, index) => value === wanted[index])) return;
    const at = wanted.findIndex((value, index) => found[index] !== value);
    this.#faults.push(`${what}: ${found.length} records, not ${wanted.length}; at ${at} is ${found.slice(at, at + 3).join()}, not ${wanted.slice(at, at + 3).join()}`);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.#stopReading.abort();
    this.#stopCopying.abort();
    await this.#client.close().catch(() => {});
  }
}
