/**
 * A random history: producers that commit, abort, vanish and come back, readers of committed records, and a broker whose power goes at any moment. The same
 * seed makes the same history.
 */
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { MemoryDisk } from '../../../src/storage/disk/memory.ts';
import { FakeClock, TurnsClock, fakePorts, seededRandom, settle } from '../../storage/support/ports.ts';
import type { FakePorts } from '../../storage/support/ports.ts';
import { startNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { createTopic } from '../support/work.ts';
import { TransactionalProducer, committedOffset, readCommitted } from './support.ts';
import type { Style } from './support.ts';

const TOPIC = 't';
const PARTITIONS = 2;
/** Turns of the event loop; a broker's answer takes a few, too. */
const SYNC_TURNS_MAX = 8;
const TIMEOUT_MS = 2_000;
/** Committed by those who must not. */
const ZOMBIE_OFFSET = 666;
const SETTINGS = {
  'transaction.state.log.num.partitions': '2',
  'offsets.topic.num.partitions': '2',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
  // what is acknowledged outlives the power
  'log.flush.interval.messages': '1',
  'log.roll.ms': '700',
};

/** What a producer meant, and what it knows of how that ended. */
interface Attempt {
  readonly name: string;
  readonly group: string;
  readonly values: Map<number, string[]>;
  offset: number | null;
  /** 'private': nobody asked for a commit; it must never be seen. 'unknown': a commit was asked for. 'committed': and confirmed. */
  fate: 'private' | 'unknown' | 'committed';
}

export class World {
  readonly #random;
  readonly #ports: FakePorts;
  readonly #turns: TurnsClock;
  #node!: TestNode;
  #life = 0;
  #isUp: Promise<void> = Promise.resolve();
  readonly attempts: Attempt[] = [];
  readonly #seen: string[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly #positions: number[] = Array.from({ length: PARTITIONS }, () => 0);
  #producersLeft = 0;
  /** What was found to be wrong. */
  readonly faults: string[] = [];
  restarts = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#ports = fakePorts(seed + 1);
    this.#turns = new TurnsClock(seededRandom(seed + 2));
  }

  async run(): Promise<void> {
    const disk = new MemoryDisk({ random: this.#ports.random, clock: this.#turns });
    disk.syncDelayMs = SYNC_TURNS_MAX;
    this.#node = await startNode({ settings: SETTINGS, ports: this.#ports, disk });
    await createTopic(this.#node, TOPIC, PARTITIONS);
    const producers = Array.from({ length: 3 }, (_, index) => this.#produce(index, this.#random.next() < 0.6 ? 'new' : 'old'));
    this.#producersLeft = producers.length;
    const ended = Promise.all(producers);
    ended.catch(() => {});
    while (this.#producersLeft > 0) await this.#somethingHappens();
    await ended;
    await this.#conclude();
    await this.#node.stop();
  }

  // What happens around the producers.

  async #somethingHappens(): Promise<void> {
    const dice = this.#random.next();
    if (dice < 0.02) await this.#restart(true);
    else if (dice < 0.025) await this.#restart(false);
    else if (dice < 0.3) await this.#node.ports.clock.advance(this.#random.below(200));
    else if (dice < 0.32) await this.#node.ports.clock.advance(TIMEOUT_MS);
    else if (dice < 0.5) await this.#poll();
    else await settle();
  }

  async #restart(isCrash: boolean): Promise<void> {
    this.restarts++;
    const before = this.#node;
    this.#life++;
    let release!: () => void;
    this.#isUp = new Promise((resolve) => (release = resolve));
    let disk: MemoryDisk = before.disk;
    if (isCrash) disk = disk.crash();
    else await before.stop();
    disk.syncDelayMs = SYNC_TURNS_MAX;
    // timers of the one that died never fire
    const ports = { ...this.#ports, clock: new FakeClock(before.ports.clock.now() + 10) };
    this.#node = await startNode({ settings: SETTINGS, ports, disk });
    release();
  }

  async #poll(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { values, nextOffset } = await readCommitted(this.#node, TOPIC, partition, this.#positions[partition]);
      this.#positions[partition] = nextOffset;
      this.#seen[partition]!.push(...values);
      for (const value of values) if (this.#attemptOf(value).fate === 'private') this.faults.push(`${value} is seen before its commit`);
    }
  }

  #attemptOf(value: string): Attempt {
    const name = value.slice(0, value.indexOf('/'));
    return this.attempts.find((attempt) => attempt.name === name)!;
  }

  // Producers.

  /** Runs a request until it has an answer of a broker that lived through it. */
  async #ask(producer: TransactionalProducer, request: () => Promise<number>): Promise<number> {
    for (let attempt = 0; attempt < 12; attempt++) {
      // Another restart may have begun before this turn.
      for (let isUp = null; isUp !== this.#isUp; ) await (isUp = this.#isUp);
      const life = this.#life;
      Object.assign(producer, { node: this.#node });
      try {
        const errorCode = await request();
        // an answer is an answer, whatever became of the broker since; what a dying one refuses is asked again
        if (life === this.#life || errorCode === ErrorCode.NONE) return errorCode;
      } catch (error) {
        if (life === this.#life) throw error;
      }
    }
    throw new Error('a request was never answered');
  }

  async #produce(index: number, style: Style): Promise<void> {
    try {
      let producer = new TransactionalProducer(this.#node, `tx${index}`, style);
      let zombie: TransactionalProducer | null = null;
      let mustInit = true;
      for (let round = 0; round < 7; round++) {
        if (mustInit) {
          const before = producer;
          producer = new TransactionalProducer(this.#node, `tx${index}`, style);
          const errorCode = await this.#ask(producer, () => producer.init(TIMEOUT_MS));
          zombie = round > 0 && errorCode === ErrorCode.NONE ? before : null;
        }
        const transaction = this.#transact(producer, `p${index}.${round}`, `g${index}`, round + 1);
        await Promise.all([transaction, zombie === null ? null : this.#haunt(zombie, `z${index}.${round}`, `g${index}`)]);
        mustInit = !(await transaction);
      }
    } finally {
      this.#producersLeft--;
    }
  }

  /** True when the producer may go on with its next transaction. */
  async #transact(producer: TransactionalProducer, name: string, group: string, offset: number): Promise<boolean> {
    const attempt: Attempt = { name, group, values: new Map(), offset: null, fate: 'private' };
    this.attempts.push(attempt);
    const isWritten = await this.#write(producer, attempt, offset);
    const dice = this.#random.next();
    if (!isWritten || dice < 0.12) return false;
    if (dice < 0.35) return (await this.#ask(producer, () => producer.abort())) === ErrorCode.NONE;
    attempt.fate = 'unknown';
    const errorCode = await this.#ask(producer, () => producer.commit());
    if (errorCode === ErrorCode.NONE) attempt.fate = 'committed';
    return errorCode === ErrorCode.NONE;
  }

  async #write(producer: TransactionalProducer, attempt: Attempt, offset: number): Promise<boolean> {
    const batches = 1 + this.#random.below(3);
    for (let at = 0; at < batches; at++) {
      const partition = this.#random.below(PARTITIONS);
      const values = Array.from({ length: 1 + this.#random.below(3) }, (_, index) => `${attempt.name}/${at}.${index}`);
      attempt.values.set(partition, [...(attempt.values.get(partition) ?? []), ...values]);
      const errorCode = await this.#ask(producer, () => producer.produce(TOPIC, partition, values));
      if (errorCode !== ErrorCode.NONE) return false;
    }
    if (this.#random.next() < 0.5) return true;
    attempt.offset = offset;
    return (await this.#ask(producer, () => producer.commitOffset(TOPIC, 0, offset, attempt.group))) === ErrorCode.NONE;
  }

  /** Whom a successor has fenced goes on as if nothing had happened: nothing of it may be seen, and it ends no transaction of its successor. */
  async #haunt(zombie: TransactionalProducer, name: string, group: string): Promise<void> {
    const attempt: Attempt = { name, group, values: new Map(), offset: null, fate: 'private' };
    this.attempts.push(attempt);
    for (let turn = this.#random.below(30); turn > 0; turn--) await settle();
    await this.#write(zombie, attempt, ZOMBIE_OFFSET);
    if ((await this.#ask(zombie, () => zombie.commit())) === ErrorCode.NONE) this.faults.push(`${name} was fenced, and could end a transaction`);
  }

  // What must be so in the end.

  async #conclude(): Promise<void> {
    for (let step = 0; step < 12; step++) await this.#node.ports.clock.advance(500);
    await this.#poll();
    for (let partition = 0; partition < PARTITIONS; partition++) await this.#checkPartition(partition);
    for (const attempt of this.attempts) this.#checkAttempt(attempt);
    for (const group of new Set(this.attempts.map((attempt) => attempt.group))) await this.#checkOffset(group);
  }

  /** Whoever starts at the beginning now reads what the others have read bit by bit. */
  async #checkPartition(partition: number): Promise<void> {
    const { values } = await readCommitted(this.#node, TOPIC, partition);
    const seen = this.#seen[partition]!;
    if (values.join() !== seen.join()) this.faults.push(`partition ${partition} is read as ${values.join()}, and was read as ${seen.join()}`);
    if (new Set(values).size !== values.length) this.faults.push(`partition ${partition} has duplicates: ${values.join()}`);
  }

  #isSeen(attempt: Attempt): boolean {
    return [...attempt.values].some(([partition, values]) => values.some((value) => this.#seen[partition]!.includes(value)));
  }

  #checkAttempt(attempt: Attempt): void {
    const isSeen = this.#isSeen(attempt);
    if (attempt.fate === 'committed' && !isSeen) this.faults.push(`${attempt.name} was committed and is not seen`);
    if (!isSeen) return;
    for (const [partition, values] of attempt.values) {
      const found = this.#seen[partition]!.filter((value) => value.startsWith(`${attempt.name}/`));
      if (found.join() !== values.join()) this.faults.push(`${attempt.name} wrote ${values.join()} to partition ${partition}, seen is ${found.join()}`);
    }
  }

  /** Offsets are as atomic as records: the last transaction of the group that is seen decides. */
  async #checkOffset(group: string): Promise<void> {
    const last = this.attempts.filter((attempt) => attempt.group === group && attempt.offset !== null && this.#isSeen(attempt)).at(-1);
    const found = await committedOffset(this.#node, TOPIC, 0, true, group);
    if (found !== (last?.offset ?? -1)) this.faults.push(`the offset of ${group} is ${found}, not ${last?.offset ?? -1}`);
  }
}
