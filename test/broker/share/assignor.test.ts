import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignSimply } from '../../../src/broker/groups/share/assignor.ts';

const TOPICS = ['t0', 't1', 't2'];
const member = fc.record({ topics: fc.uniqueArray(fc.constantFrom(...TOPICS), { minLength: 1 }) });
const counts = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 6 }));

describe('the simple assignor', () => {
  test('gives every partition that is wanted, something to everybody, nothing that is not wanted, and stays as it is', () => {
    fc.assert(fc.property(fc.array(member, { minLength: 1, maxLength: 12 }), counts, (wishes, sizes) => {
      const assignable = new Map(TOPICS.map((topic, i) => [topic, new Set(Array.from({ length: sizes[i]! }, (_, partition) => partition))]));
      const membersWith = (targets: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<number>>>) =>
        wishes.map(({ topics }, i) => ({ memberId: `m${i}`, topicIds: new Set(topics), target: targets.get(`m${i}`) ?? new Map<string, ReadonlySet<number>>() }));
      const first = assignSimply(membersWith(new Map()), assignable);
      const shared = new Map<string, number>();
      for (const { memberId, topicIds } of membersWith(new Map())) {
        const wanted = [...topicIds].reduce((sum, topic) => sum + assignable.get(topic)!.size, 0);
        let count = 0;
        for (const [topic, partitions] of first.get(memberId)!) {
          expect(topicIds.has(topic)).toBe(true);
          for (const partition of partitions) {
            shared.set(`${partition}/${topic}`, (shared.get(`${partition}/${topic}`) ?? 0) + 1);
            count++;
          }
        }
        expect(count > 0).toBe(wanted > 0);
      }
      for (const [topic, partitions] of assignable) {
        if (!wishes.some(({ topics }) => topics.includes(topic))) continue;
        for (const partition of partitions) expect(shared.get(`${partition}/${topic}`) ?? 0).toBeGreaterThan(0);
      }
    }));
  });

  test('members that want the same have an even share, and keep it', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 20 }), (memberCount, partitionCount) => {
      const assignable = new Map([['t', new Set(Array.from({ length: partitionCount }, (_, i) => i))]]);
      const members = (targets: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<number>>>) =>
        Array.from({ length: memberCount }, (_, i) => ({ memberId: `m${i}`, topicIds: new Set(['t']), target: targets.get(`m${i}`) ?? new Map<string, ReadonlySet<number>>() }));
      const first = assignSimply(members(new Map()), assignable);
      const loads = [...first.values()].map((target) => target.get('t')?.size ?? 0);
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      expect(assignSimply(members(first), assignable)).toEqual(first);
    }));
  });
});
