import { describe, expect, it } from 'vitest';
import { ClassicGroup } from '../../../src/broker/groups/classic/group.ts';
import { ClassicMember } from '../../../src/broker/groups/classic/member.ts';
import { groupRecord } from '../../../src/broker/groups/classic/record.ts';
import { readSubscribedTopics } from '../../../src/broker/groups/consumerProtocol.ts';
import { partitionFor } from '../../../src/broker/groups/partition.ts';
import { decodeGroupChange, encodeGroupChange } from '../../../src/broker/groups/records.ts';
import type { GroupChange } from '../../../src/broker/groups/records.ts';
import { zeroUuid } from '../../../src/protocol/types.ts';
import { Writer } from '../../../src/protocol/writer.ts';
import { subscription } from './support.ts';

const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'));
const encode = (change: GroupChange): (string | null)[] => {
  const { key, value } = encodeGroupChange(change, new Writer());
  return [hex(key), hex(value)];
};

function group(facts: { generation: number; protocolName: string | null; leaderId: string | null }, members: ClassicMember[]): ClassicGroup {
  return ClassicGroup.restore('g', { protocolType: 'consumer', stateSinceMs: 1_700_000_000_000, ...facts }, members, { pendingJoins: 0 });
}

/** Bytes that Kafka 4.3.1 writes for the same facts. */
describe('records are byte for byte those of Kafka', () => {
  it('for a committed offset', () => {
    const value = { offset: 42, leaderEpoch: 7, metadata: 'meta', commitTimestampMs: 1_700_000_000_000, expireTimestampMs: -1, topicId: 'AAAAAAAAAAAAAAAAAAAAAg' };
    expect(encode({ kind: 'offset', groupId: 'grüppe', topic: 'topic', partition: 3, value })).toEqual([
      '000100076772c3bc7070650005746f70696300000003',
      '0004000000000000002a00000007056d6574610000018bcfe5680001001000000000000000000000000000000002',
    ]);
  });

  it('for an offset with a time to go', () => {
    const value = { offset: 42, leaderEpoch: -1, metadata: '', commitTimestampMs: 1_700_000_000_000, expireTimestampMs: 1_700_000_100_000, topicId: zeroUuid };
    expect(encode({ kind: 'offset', groupId: 'g', topic: 't', partition: 0, value })).toEqual([
      '000100016700017400000000',
      '0001000000000000002a00000000018bcfe568000000018bcfe6eea0',
    ]);
  });

  it('for a group with members, without, and for its end', () => {
    const member = new ClassicMember({
      memberId: 'm1', instanceId: 'i1', clientId: 'client', clientHost: '/10.0.0.1', rebalanceTimeoutMs: 30_000, sessionTimeoutMs: 10_000,
      protocols: [{ name: 'range', metadata: Buffer.from([1, 2, 3]) }],
    });
    const stable = group({ generation: 5, protocolName: 'range', leaderId: 'm1' }, [member]);
    expect(encode(groupRecord(stable, () => Buffer.from([4, 5])))).toEqual([
      '0002000167',
      '00030008636f6e73756d657200000005000572616e676500026d310000018bcfe568000000000100026d31000269310006636c69656e7400092f31302e302e302e31000075300000271000000003010203000000020405',
    ]);
    const empty = group({ generation: 6, protocolName: null, leaderId: null }, []);
    expect(encode(groupRecord(empty, () => Buffer.alloc(0)))).toEqual(['0002000167', '00030008636f6e73756d657200000006ffffffff0000018bcfe5680000000000']);
    expect(encode({ kind: 'group', groupId: 'g', value: null })).toEqual(['0002000167', null]);
  });
});

describe('reading records', () => {
  it('gives back what was written', () => {
    const value = { offset: 1, leaderEpoch: 2, metadata: 'm', commitTimestampMs: 3, expireTimestampMs: -1, topicId: 'AAAAAAAAAAAAAAAAAAAAAg' };
    const change: GroupChange = { kind: 'offset', groupId: 'g', topic: 't', partition: 4, value };
    const { key, value: bytes } = encodeGroupChange(change, new Writer());
    expect(decodeGroupChange(key as Buffer, bytes as Buffer)).toEqual(change);
  });

  it('passes over kinds that it does not keep, and refuses damage', () => {
    expect(decodeGroupChange(Buffer.from('0063000167', 'hex'), null)).toBeNull();
    expect(() => decodeGroupChange(Buffer.from('00', 'hex'), null)).toThrow(/bytes wanted/);
    expect(() => decodeGroupChange(Buffer.from('0002000167ff', 'hex'), null)).toThrow(/left after/);
    expect(() => decodeGroupChange(Buffer.from('0002000167', 'hex'), Buffer.from('0009', 'hex'))).toThrow(/version 9/);
  });
});

describe('partitions', () => {
  it('follow Java, over code units and with any sign', () => {
    // String.hashCode: "g" 103, "polygenelubricants" -2147483648, "😀" 1772899, "consumer-9" -166239198
    expect(partitionFor('g', 50)).toBe(3);
    expect(partitionFor('polygenelubricants', 50)).toBe(0);
    expect(partitionFor('😀', 50)).toBe(1772899 % 50);
    expect(partitionFor('my-consumer-group', 50)).toBe(13);
    expect(partitionFor('consumer-9', 50)).toBe(48);
    expect(partitionFor('', 50)).toBe(0);
  });
});

describe('subscriptions', () => {
  it('are read in all versions, and never trusted', () => {
    expect(readSubscribedTopics(subscription('a', 'b'))).toEqual(['a', 'b']);
    expect(readSubscribedTopics(Buffer.concat([Buffer.from('0003', 'hex'), subscription('a').subarray(2), Buffer.alloc(12)]))).toEqual(['a']);
    for (const damaged of ['', '00', '0000', '00007fffffff', '0000000000010005', 'ffff00000000']) expect(readSubscribedTopics(Buffer.from(damaged, 'hex'))).toBeNull();
  });
});
