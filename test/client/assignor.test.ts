import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignRanges, decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from '../../src/client/consumer/assignor.ts';

const assign = (members: Record<string, readonly string[]>, counts: Record<string, number>) => {
  const assigned = assignRanges(Object.entries(members).map(([memberId, topics]) => ({ memberId, topics })), new Map(Object.entries(counts)));
  return Object.fromEntries([...assigned].map(([member, topics]) => [member, Object.fromEntries(topics)]));
};

describe('the range assignor', () => {
  it('gives ranges by topic, the first members one more', () => {
    expect(assign({ b: ['t', 'u'], a: ['t', 'u'] }, { t: 3, u: 2 })).toEqual({ a: { t: [0, 1], u: [0] }, b: { t: [2], u: [1] } });
    expect(assign({ a: ['t'], b: ['t'], c: ['u'] }, { t: 1, u: 2 })).toEqual({ a: { t: [0] }, b: {}, c: { u: [0, 1] } });
    expect(assign({ a: ['missing'] }, {})).toEqual({ a: {} });
  });

  it('puts static members first, by their instance', () => {
    const assigned = assignRanges([{ memberId: 'a', topics: ['t'] }, { memberId: 'z', instanceId: '2', topics: ['t'] }, { memberId: 'y', instanceId: '1', topics: ['t'] }], new Map([['t', 3]]));
    expect(Object.fromEntries([...assigned].map(([member, topics]) => [member, topics.get('t')]))).toEqual({ y: [0], z: [1], a: [2] });
  });

  it('gives each partition to exactly one member that wants its topic', () => {
    const topic = fc.constantFrom('t', 'u', 'v');
    fc.assert(fc.property(fc.uniqueArray(fc.record({ memberId: fc.string({ minLength: 1 }), topics: fc.uniqueArray(topic) }), { selector: ({ memberId }) => memberId, minLength: 1 }), fc.dictionary(topic, fc.nat(20)), (members, counts) => {
      const assigned = assignRanges(members, new Map(Object.entries(counts)));
      for (const [name, count] of Object.entries(counts)) {
        const takers = members.filter(({ topics }) => (topics as string[]).includes(name));
        const given = takers.flatMap(({ memberId }) => assigned.get(memberId)?.get(name) ?? []);
        expect([...given].sort((a, b) => a - b)).toEqual(takers.length === 0 ? [] : Array.from({ length: count }, (_, n) => n));
      }
    }));
  });
});

describe('the consumer protocol', () => {
  it('is read as it is written', () => {
    expect(decodeSubscription(encodeSubscription(['b', 'a']))).toEqual(['a', 'b']);
    const assignment = new Map([['t', [0, 2]], ['u', []]]);
    expect(decodeAssignment(encodeAssignment(assignment))).toEqual(assignment);
    expect(decodeAssignment(Buffer.alloc(0))).toEqual(new Map());
  });

  it('is read in the versions of other clients', () => {
    // version 3 of a Java client: topics, no user data, no owned partitions, generation -1, no rack
    const java = Buffer.from('0003000000010001740000000000000000ffffffffffff'.replace('0000000000000000', 'ffffffff00000000'), 'hex');
    expect(decodeSubscription(java)).toEqual(['t']);
    expect(() => decodeSubscription(Buffer.from('0001ffff', 'hex'))).toThrow();
  });
});
