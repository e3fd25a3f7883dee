import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMember, encodeSubscription, roundRobinAssignor, type Assignment, type Assignor, type MemberSubscription } from '../../src/client/consumer/assignor.ts';
import { cooperativeStickyAssignor, stickyAssignor } from '../../src/client/consumer/stickyAssignor.ts';

const member = (memberId: string, topics: readonly string[], owned: Assignment = new Map(), generationId = -1): MemberSubscription => ({ memberId, instanceId: null, topics, owned, generationId, rackId: null, userData: null });

const topic = fc.constantFrom('t', 'u', 'v');
const group = fc.uniqueArray(fc.record({ memberId: fc.string({ minLength: 1, maxLength: 4 }), topics: fc.uniqueArray(topic, { minLength: 1 }) }), { selector: ({ memberId }) => memberId, minLength: 1, maxLength: 6 });
const counts = fc.dictionary(topic, fc.nat(12)).map((record) => new Map(Object.entries(record)));

const sizeOf = (assignment: Assignment | undefined): number => [...(assignment?.values() ?? [])].reduce((sum, partitions) => sum + partitions.length, 0);

function ownersOf(assigned: ReadonlyMap<string, Assignment>): Map<string, string[]> {
  const owners = new Map<string, string[]>();
  for (const [memberId, topics] of assigned) for (const [name, partitions] of topics) for (const partition of partitions) owners.set(`${name}/${partition}`, [...(owners.get(`${name}/${partition}`) ?? []), memberId]);
  return owners;
}

/** As groups do: once more while somebody had to let go of something. */
function settle(assignor: Assignor, members: readonly MemberSubscription[], partitionCounts: ReadonlyMap<string, number>): Map<string, Map<string, number[]>> {
  let current = members;
  for (let round = 1; ; round += 1) {
    const assigned = assignor.assign(current, partitionCounts);
    const next = current.map((each) => ({ ...each, owned: assigned.get(each.memberId) as Assignment, generationId: round }));
    const isSettled = current.every(({ memberId, owned }) => [...ownersOf(new Map([[memberId, owned]])).keys()].every((key) => ownersOf(new Map([[memberId, assigned.get(memberId) as Assignment]])).has(key)));
    if (isSettled || round > 10) return assigned;
    current = next;
  }
}

describe.each([['sticky', stickyAssignor], ['cooperative-sticky', cooperativeStickyAssignor], ['roundrobin', roundRobinAssignor]] as const)('the %s assignor', (_name, assignor) => {
  it('gives each partition to exactly one member that wants its topic', () => {
    fc.assert(fc.property(group, counts, (members, partitionCounts) => {
      const assigned = assignor.assign(members.map(({ memberId, topics }) => member(memberId, topics)), partitionCounts);
      for (const [key, owners] of ownersOf(assigned)) {
        expect(owners).toHaveLength(1);
        expect(members.find(({ memberId }) => memberId === owners[0])?.topics).toContain(key.split('/')[0]);
      }
      const wanted = [...partitionCounts].filter(([name]) => members.some(({ topics }) => (topics as string[]).includes(name))).reduce((sum, [, count]) => sum + count, 0);
      expect(ownersOf(assigned).size).toBe(wanted);
    }), { numRuns: 40 });
  });

  it('is even where all want the same', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), counts, (size, partitionCounts) => {
      const assigned = assignor.assign(Array.from({ length: size }, (_, n) => member(`m${n}`, ['t', 'u', 'v'])), partitionCounts);
      const sizes = [...assigned.values()].map(sizeOf);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }));
  });
});

describe.each([['sticky', stickyAssignor], ['cooperative-sticky', cooperativeStickyAssignor]] as const)('the %s assignor', (_name, assignor) => {
  it('moves nothing when nothing changed', () => {
    fc.assert(fc.property(group, counts, (members, partitionCounts) => {
      const first = settle(assignor, members.map(({ memberId, topics }) => member(memberId, topics)), partitionCounts);
      const again = assignor.assign(members.map(({ memberId, topics }) => member(memberId, topics, first.get(memberId), 1)), partitionCounts);
      expect(ownersOf(again)).toEqual(ownersOf(first));
    }));
  });

  it('moves only what must move when a member comes or goes', () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 1, max: 60 }), fc.boolean(), (size, partitions, comes) => {
      const partitionCounts = new Map([['t', partitions]]);
      const before = settle(assignor, Array.from({ length: size }, (_, n) => member(`m${n}`, ['t'])), partitionCounts);
      const ids = comes ? [...before.keys(), 'new'] : [...before.keys()].slice(1);
      const after = settle(assignor, ids.map((id) => member(id, ['t'], before.get(id), 1)), partitionCounts);
      const owners = ownersOf(after);
      const moved = [...ownersOf(before)].filter(([key, [owner]]) => owners.get(key)?.[0] !== owner).length;
      const must = comes ? sizeOf(after.get('new')) : sizeOf(before.get('m0'));
      expect(moved).toBe(must);
      const sizes = [...after.values()].map(sizeOf);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }));
  });
});

describe('the cooperative assignor', () => {
  it('gives nobody what another one still has', () => {
    const owned = new Map([['t', [0, 1, 2, 3]]]);
    const assigned = cooperativeStickyAssignor.assign([member('a', ['t'], owned, 1), member('b', ['t'])], new Map([['t', 4]]));
    expect([sizeOf(assigned.get('a')), sizeOf(assigned.get('b'))]).toEqual([2, 0]);
  });

  it('believes the later of two who say to own the same', () => {
    const assigned = cooperativeStickyAssignor.assign([member('a', ['t'], new Map([['t', [0]]]), 1), member('b', ['t'], new Map([['t', [0]]]), 2)], new Map([['t', 1]]));
    expect([sizeOf(assigned.get('a')), sizeOf(assigned.get('b'))]).toEqual([0, 1]);
  });
});

describe('a subscription', () => {
  it('tells what the member owns, where it is and more', () => {
    const owned = new Map([['t', [1, 2]]]);
    const bytes = encodeSubscription(['t', 's'], { owned, generationId: 7, rackId: 'r', userData: Buffer.from('u') });
    expect(decodeMember('m', 'i', bytes)).toEqual({ memberId: 'm', instanceId: 'i', topics: ['s', 't'], owned, generationId: 7, rackId: 'r', userData: Buffer.from('u') });
    expect(() => decodeMember('m', null, bytes.subarray(0, 9))).toThrow();
  });

  it('of a sticky member that lies about its past is taken as none', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
      const assigned = stickyAssignor.assign([{ ...member('a', ['t']), userData: Buffer.from(noise) }, member('b', ['t'])], new Map([['t', 5]]));
      expect(ownersOf(assigned).size).toBe(5);
    }));
  });
});
