/**
 * A random history of idempotent producers that send again what they have no answer to (and sometimes what they have), of groups that commit offsets, and of readers, while
 * the broker stops, dies and loses its power. The same seed makes the same history.
 */
import { makeOffsetCommitRequest, makeOffsetCommitRequestPartition, makeOffsetCommitRequestTopic } from '../../../src/protocol/generated/offsetCommit.ts';
import { makeFindCoordinatorRequest } from '../../../src/protocol/generated/findCoordinator.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { zeroUuid } from '../../../src/protocol/types.ts';
import { MemoryDisk } from '../../../src/storage/disk/memory.ts';
import { FindCoordinator, InitProducerId, OffsetCommit, Produce } from '../../broker/support/apis.ts';
import { call, startNode } from '../../broker/support/node.ts';
import type { TestNode } from '../../broker/support/node.ts';
import { batch, createTopic, produceBody } from '../../broker/support/work.ts';
import { committedOffset, readCommitted } from '../../broker/transactions/support.ts';
import { FakeClock, TurnsClock, fakePorts, seededRandom, settle } from '../../storage/support/ports.ts';
import type { FakePorts } from '../../storage/support/ports.ts';

const TOPIC = 't';
const PARTITIONS = 2;
/** Turns of the event loop; a broker's answer takes a few, too. */
const SYNC_TURNS_MAX = 8;
const PRODUCERS = 3;
const GROUPS = 2;
const SETTINGS = {
  'offsets.topic.num.partitions': '2',
  // what is acknowledged outlives the power
  'log.flush.interval.messages': '1',
  'log.roll.ms': '700',
};
const RETRIABLE = new Set<number>([ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR, ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.REQUEST_TIMED_OUT]);

export interface TrafficTally {
  acknowledged: number;
  repeated: number;
  commits: number;
  restarts: number;
  crashes: number;
}

interface Acknowledged {
  readonly offset: number;
  readonly values: readonly string[];
}

/** The values of one producer in one partition, in the order in which they were sent. */
class Lane {
  readonly sent: string[] = [];
  readonly acknowledged: Acknowledged[] = [];
}

export class Traffic {
  readonly #random;
  readonly #ports: FakePorts;
  readonly #turns: TurnsClock;
  readonly #tally: TrafficTally;
  readonly #lanes = new Map<string, Lane>();
  readonly #seen: string[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly #positions: number[] = Array.from({ length: PARTITIONS }, () => 0);
  /** Of each group: what was acknowledged last, and what was asked for since. */
  readonly #commits = Array.from({ length: GROUPS }, () => ({ acknowledged: -1, asked: -1 }));
  #node!: TestNode;
  #life = 0;
  #isUp: Promise<void> = Promise.resolve();
  #left = PRODUCERS + GROUPS;
  /** What was found to be wrong. */
  readonly faults: string[] = [];

  constructor(seed: number, tally: TrafficTally) {
    this.#random = seededRandom(seed);
    this.#ports = fakePorts(seed + 1);
    this.#turns = new TurnsClock(seededRandom(seed + 2));
    this.#tally = tally;
  }

  async run(): Promise<void> {
    const disk = new MemoryDisk({ random: this.#ports.random, clock: this.#turns });
    disk.syncDelayMs = SYNC_TURNS_MAX;
    this.#node = await startNode({ settings: SETTINGS, ports: this.#ports, disk });
    await createTopic(this.#node, TOPIC, PARTITIONS);
    const actors = [
      ...Array.from({ length: PRODUCERS }, (_, index) => this.#produce(`p${index}`)),
      ...Array.from({ length: GROUPS }, (_, index) => this.#commit(index)),
    ].map((actor) => actor.finally(() => (this.#left -= 1)));
    const ended = Promise.all(actors);
    ended.catch(() => {});
    while (this.#left > 0) await this.#somethingHappens();
    await ended;
    await this.#restart(true);
    await this.#conclude();
    await this.#node.stop();
  }

  async #somethingHappens(): Promise<void> {
    const dice = this.#random.next();
    if (dice < 0.03) await this.#restart(true);
    else if (dice < 0.04) await this.#restart(false);
    else if (dice < 0.3) await this.#node.ports.clock.advance(this.#random.below(300));
    else if (dice < 0.5) await this.#poll();
    else await settle();
  }

  async #restart(isCrash: boolean): Promise<void> {
    this.#tally[isCrash ? 'crashes' : 'restarts'] += 1;
    const before = this.#node;
    this.#life += 1;
    let release!: () => void;
    this.#isUp = new Promise((resolve) => (release = resolve));
    let { disk } = before;
    if (isCrash) disk = disk.crash();
    else await before.stop();
    disk.syncDelayMs = SYNC_TURNS_MAX;
    // Timers of the one that died never fire.
    this.#node = await startNode({ settings: SETTINGS, ports: { ...this.#ports, clock: new FakeClock(before.ports.clock.now() + 10) }, disk });
    release();
  }

  /** Asks until a broker that lived through it answers with something other than "again". */
  async #ask(request: () => Promise<number>): Promise<number> {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      // Another restart may have begun before this turn.
      for (let isUp = null; isUp !== this.#isUp; ) await (isUp = this.#isUp);
      const life = this.#life;
      try {
        const errorCode = await request();
        if (errorCode === ErrorCode.NONE || (life === this.#life && !RETRIABLE.has(errorCode))) return errorCode;
      } catch (error) {
        if (life === this.#life) throw error;
      }
      if (life === this.#life) await this.#node.ports.clock.advance(20);
    }
    throw new Error('a request was never answered');
  }

  // Producers.

  async #produce(name: string): Promise<void> {
    let producerId = -1;
    const errorCode = await this.#ask(async () => {
      const request = { transactionalId: null, transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1, enable2Pc: false, keepPreparedTxn: false };
      const answer = await call(this.#node, InitProducerId, 4, request);
      producerId = answer.producerId;
      return answer.errorCode;
    });
    if (errorCode !== ErrorCode.NONE) throw new Error(`InitProducerId: ${errorCode}`);
    const sequences = new Map<number, number>();
    for (let round = 0; round < 12; round += 1) {
      const partition = this.#random.below(PARTITIONS);
      const values = Array.from({ length: 1 + this.#random.below(4) }, (_, index) => `${name}/${round}.${index}`.padEnd(8 + this.#random.below(80), '.'));
      const baseSequence = sequences.get(partition) ?? 0;
      sequences.set(partition, baseSequence + values.length);
      await this.#send(name, partition, values, batch(values, { producerId, producerEpoch: 0, baseSequence }));
    }
  }

  async #send(name: string, partition: number, values: readonly string[], bytes: Buffer): Promise<void> {
    const lane = this.#lane(name, partition);
    lane.sent.push(...values);
    let offset = await this.#sendOnce(partition, bytes);
    lane.acknowledged.push({ offset, values });
    this.#tally.acknowledged += values.length;
    // The answer got lost on its way: sent again.
    for (; this.#random.below(4) === 0; this.#tally.repeated += 1) {
      const again = await this.#sendOnce(partition, bytes);
      if (again !== offset) this.faults.push(`${name} sent again what is at ${offset} of partition ${partition}, and was told ${again}`);
      offset = again;
    }
  }

  async #sendOnce(partition: number, bytes: Buffer): Promise<number> {
    let offset = -1;
    const errorCode = await this.#ask(async () => {
      const response = await call(this.#node, Produce, 9, produceBody(TOPIC, partition, bytes));
      const result = response.responses[0]!.partitionResponses[0]!;
      offset = result.baseOffset;
      return result.errorCode;
    });
    if (errorCode !== ErrorCode.NONE) throw new Error(`produce: ${errorCode}`);
    return offset;
  }

  #lane(name: string, partition: number): Lane {
    const key = `${name}-${partition}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) this.#lanes.set(key, (lane = new Lane()));
    return lane;
  }

  // Groups and readers.

  async #commit(index: number): Promise<void> {
    const groupId = `g${index}`;
    const state = this.#commits[index]!;
    for (let offset = 1; offset <= 10; offset += 1) {
      state.asked = offset;
      const partitions = [makeOffsetCommitRequestPartition({ partitionIndex: 0, committedOffset: offset, committedMetadata: '' })];
      const topics = [makeOffsetCommitRequestTopic({ name: TOPIC, topicId: zeroUuid, partitions })];
      const errorCode = await this.#ask(async () => {
        await call(this.#node, FindCoordinator, 4, makeFindCoordinatorRequest({ keyType: 0, coordinatorKeys: [groupId] }));
        const response = await call(this.#node, OffsetCommit, 8, makeOffsetCommitRequest({ groupId, topics }));
        return response.topics[0]!.partitions[0]!.errorCode;
      });
      if (errorCode !== ErrorCode.NONE) throw new Error(`commit: ${errorCode}`);
      state.acknowledged = offset;
      this.#tally.commits += 1;
      if (this.#random.below(3) === 0) await this.#checkCommit(index);
      for (let turn = this.#random.below(6); turn > 0; turn -= 1) await settle();
    }
  }

  async #checkCommit(index: number): Promise<void> {
    const { acknowledged, asked } = this.#commits[index]!;
    let found: number | null = null;
    await this.#ask(async () => {
      found = await committedOffset(this.#node, TOPIC, 0, true, `g${index}`);
      return ErrorCode.NONE;
    });
    if (found !== acknowledged && found !== asked) this.faults.push(`the offset of g${index} is ${String(found)}; ${acknowledged} was acknowledged, ${asked} asked for`);
  }

  /** What a reader has seen stays, at its place. */
  async #poll(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const { values, nextOffset } = await readCommitted(this.#node, TOPIC, partition, this.#positions[partition]);
      this.#positions[partition] = nextOffset;
      this.#seen[partition]!.push(...values);
    }
  }

  // What must be so in the end.

  async #conclude(): Promise<void> {
    await this.#poll();
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const { values } = await readCommitted(this.#node, TOPIC, partition);
      const seen = this.#seen[partition]!;
      if (values.join() !== seen.join()) this.faults.push(`partition ${partition} is read as ${values.join()}, and was read as ${seen.join()}`);
      for (let index = 0; index < PRODUCERS; index += 1) this.#checkLane(`p${index}`, partition, values);
    }
    for (let index = 0; index < GROUPS; index += 1) await this.#checkCommit(index);
  }

  #checkLane(name: string, partition: number, values: readonly string[]): void {
    const lane = this.#lane(name, partition);
    const found = values.filter((value) => value.startsWith(`${name}/`));
    if (found.join() !== lane.sent.join()) this.faults.push(`${name} wrote ${lane.sent.join()} to partition ${partition}, found is ${found.join()}`);
    for (const { offset, values: sent } of lane.acknowledged) {
      if (values.slice(offset, offset + sent.length).join() !== sent.join()) this.faults.push(`what ${name} was told to be at ${offset} of partition ${partition} is not there`);
    }
  }
}
