import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignRanges } from '../../../src/broker/groups/consumer/assignors/range.ts';
import { assignUniformly } from '../../../src/broker/groups/consumer/assignors/uniform.ts';
import type { AssignorInput } from '../../../src/broker/groups/consumer/assignors/assignor.ts';
import type { DescribedGroup } from '../../../src/protocol/generated/consumerGroupDescribe.ts';
import { Consumer, consumerSettings, settle } from './consumerSupport.ts';
import { Harness } from './support.ts';

const MEMBERS = 5;
const TOPICS = ['a', 'b'];

type Step =
  | { readonly kind: 'join' | 'beat' | 'lag' | 'leave' | 'pause'; readonly member: number }
  | { readonly kind: 'subscribe'; readonly member: number; readonly topics: string[] }
  | { readonly kind: 'grow'; readonly topic: string }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'fail' }
  | { readonly kind: 'restart' };

/** A group in motion. */
const OPENING: readonly Step[] = [{ kind: 'join', member: 0 }, { kind: 'wait', ms: 1_000 }, { kind: 'join', member: 1 }, { kind: 'wait', ms: 1_000 }, { kind: 'join', member: 4 }];

const member = fc.nat(MEMBERS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('join', 'leave', 'pause'), member }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('beat', 'lag'), member }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), member, topics: fc.subarray(TOPICS, { minLength: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('grow' as const), topic: fc.constantFrom(...TOPICS) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(100, 1_000, 20_000, 46_000) }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'fail' }, { kind: 'restart' }) },
);

/** A world of some consumers, the last two of them static, and one coordinator. */
class World {
  harness: Harness;
  readonly consumers: (Consumer | null)[] = Array.from({ length: MEMBERS }, () => null);
  readonly counts = new Map(TOPICS.map((topic) => [topic, 3]));
  #runs = 0;
  readonly #settings = consumerSettings({ assignmentIntervalMs: { value: 1_000, min: 0, max: 15_000 } });

  constructor(harness: Harness) {
    this.harness = harness;
    this.#spread();
  }

  static async start(): Promise<World> {
    return new World(await Harness.start(consumerSettings({ assignmentIntervalMs: { value: 1_000, min: 0, max: 15_000 } })));
  }

  #spread(): void {
    for (const [topic, count] of this.counts) this.harness.partitionCounts.set(topic, count);
  }

  async take(action: Step): Promise<void> {
    if (action.kind === 'wait') return this.harness.advance(action.ms);
    if (action.kind === 'fail') return void this.harness.log.failures.push(19);
    if (action.kind === 'restart') return this.#restart();
    if (action.kind === 'grow') return this.#grow(action.topic);
    this.#act(action);
  }

  async #restart(): Promise<void> {
    const version = this.harness.version;
    this.harness = await this.harness.restart(this.#settings);
    this.harness.version = version;
    this.#spread();
    this.consumers.forEach((consumer, index) => {
      if (consumer === null) return;
      const moved = new Consumer(this.harness, consumer.memberId, consumer.options);
      this.consumers[index] = Object.assign(moved, { epoch: consumer.epoch, owned: consumer.owned, isUnsure: true, topics: consumer.topics });
    });
  }

  #grow(topic: string): void {
    this.counts.set(topic, this.counts.get(topic)! + 1);
    this.harness.version++;
    this.#spread();
  }

  #act(action: Step & { readonly member: number }): void {
    const consumer = this.consumers[action.member] ?? null;
    if (consumer === null) {
      if (action.kind === 'join') this.#join(action.member);
      return;
    }
    if (action.kind === 'beat') this.#heard(consumer, consumer.beat().errorCode);
    if (action.kind === 'lag') consumer.beatUnheard();
    if (action.kind === 'subscribe') this.#heard(consumer, consumer.beat({ subscribedTopicNames: action.topics }).errorCode);
    if (action.kind === 'leave' || action.kind === 'pause') this.#leave(action.member, consumer, action.kind === 'pause');
  }

  #join(index: number): void {
    const instanceId = index >= MEMBERS - 2 ? `i${index}` : null;
    const consumer = new Consumer(this.harness, `m${index}-${this.#runs++}`, { instanceId, subscribedTopicNames: TOPICS });
    if (consumer.join().errorCode === 0) this.consumers[index] = consumer;
  }

  #leave(index: number, consumer: Consumer, isPause: boolean): void {
    if (isPause && (consumer.options.instanceId ?? null) === null) return;
    if (consumer.send({ memberEpoch: isPause ? -2 : -1 }).errorCode === 0) this.consumers[index] = null;
  }

  /** Who is fenced has lost everything, and joins anew. */
  #heard(consumer: Consumer, errorCode: number): void {
    if (errorCode === 0 || errorCode === 15) return;
    consumer.owned = {};
    if (consumer.join().errorCode !== 0) this.consumers[this.consumers.indexOf(consumer)] = null;
  }

  get alive(): Consumer[] {
    return this.consumers.filter((consumer) => consumer !== null);
  }

  /** What the coordinator thinks each member may consume. */
  get described(): DescribedGroup {
    return this.harness.coordinator.describeConsumer('g') as DescribedGroup;
  }

  /** No partition is with two: not by what members were told, nor by what the coordinator knows. */
  check(): void {
    const known = this.described.members ?? [];
    const known2 = known.flatMap(({ assignment }) => assignment.topicPartitions.flatMap(({ topicId, partitions }) => partitions.map((partition) => `${topicId}/${partition}`)));
    expect(new Set(known2).size).toBe(known2.length);
    const inGroup = new Set(known.map(({ memberId }) => memberId));
    const told = this.alive.filter(({ memberId }) => inGroup.has(memberId)).flatMap((consumer) => consumer.partitions);
    expect(new Set(told).size).toBe(told.length);
  }

  converge(): void {
    this.harness.log.failures = [];
    for (let i = 0; i < 12; i++) {
      this.harness.advance(5_000);
      for (const consumer of this.alive) this.#heard(consumer, consumer.beat().errorCode);
    }
    settle(this.alive);
  }
}

describe('consumer groups, whatever happens', () => {
  it('give no partition to two members, and settle with all partitions shared out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = await World.start();
        for (const action of [...OPENING, ...steps]) {
          await world.take(action);
          world.check();
        }
        await world.take({ kind: 'join', member: 0 });
        world.converge();
        world.check();
        const wanted = new Set(world.described.members.flatMap(({ subscribedTopicNames }) => subscribedTopicNames));
        const total = [...wanted].reduce((sum, topic) => sum + world.counts.get(topic)!, 0);
        expect(world.alive.flatMap((consumer) => consumer.partitions)).toHaveLength(world.alive.length === 0 ? 0 : total);
        if (world.alive.length > 0) expect(world.described.groupState).toBe('Stable');
      }),
      { numRuns: 150 },
    );
  });
});

const input: fc.Arbitrary<AssignorInput> = fc
  .record({
    counts: fc.dictionary(fc.constantFrom('t1', 't2', 't3', 't4'), fc.nat(9), { minKeys: 1 }),
    members: fc.uniqueArray(fc.record({ id: fc.nat(20), topics: fc.subarray(['t1', 't2', 't3', 't4']) }), { selector: ({ id }) => id, maxLength: 7, minLength: 1 }),
    isSame: fc.boolean(),
  })
  .map(({ counts, members, isSame }) => ({
    partitionCountOf: (topicId) => counts[topicId] ?? 0,
    members: members.map(({ id, topics }) => ({ memberId: `m${id}`, instanceId: null, topicIds: new Set(isSame ? Object.keys(counts) : topics), target: new Map() })),
  }));

const sizeOf = (assignment: ReadonlyMap<string, ReadonlySet<number>>): number => [...assignment.values()].reduce((sum, { size }) => sum + size, 0);

describe.each([['uniform', assignUniformly], ['range', assignRanges]] as const)('the assignor %s', (_name, assign) => {
  it('gives each partition to one of those who want it', () => {
    fc.assert(
      fc.property(input, (given) => {
        const assigned = assign(given);
        const seen = new Set<string>();
        for (const { memberId, topicIds } of given.members) {
          for (const [topicId, partitions] of assigned.get(memberId)!) {
            expect(topicIds.has(topicId)).toBe(true);
            for (const partition of partitions) {
              expect(partition).toBeLessThan(given.partitionCountOf(topicId));
              expect(seen.has(`${topicId}/${partition}`)).toBe(false);
              seen.add(`${topicId}/${partition}`);
            }
          }
        }
        const wanted = new Set(given.members.flatMap(({ topicIds }) => [...topicIds]));
        expect(seen.size).toBe([...wanted].reduce((sum, topicId) => sum + given.partitionCountOf(topicId), 0));
      }),
    );
  });
});

describe('the assignor uniform', () => {
  it('shares evenly among equals, and takes from a member only what it must when one comes', () => {
    fc.assert(
      fc.property(input, (given) => {
        const [{ topicIds }] = given.members as [AssignorInput['members'][number]];
        const members = given.members.map((one) => ({ ...one, topicIds }));
        const first = assignUniformly({ ...given, members });
        const sizes = [...first.values()].map(sizeOf);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        const grown = [...members.map((one) => ({ ...one, target: first.get(one.memberId)! })), { memberId: 'new', instanceId: null, topicIds, target: new Map() }];
        const second = assignUniformly({ ...given, members: grown });
        const moved = members.reduce((sum, { memberId }) => {
          const kept = second.get(memberId)!;
          return sum + [...first.get(memberId)!].reduce((lost, [topicId, partitions]) => lost + [...partitions].filter((partition) => !kept.get(topicId)?.has(partition)).length, 0);
        }, 0);
        expect(moved).toBe(sizeOf(second.get('new')!));
        expect(assignUniformly({ ...given, members: grown.map((one) => ({ ...one, target: second.get(one.memberId)! })) })).toEqual(second);
      }),
    );
  });
});
