import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { Harness, INITIAL_WAIT_MS, REBALANCE_TIMEOUT_MS, SESSION_TIMEOUT_MS, subscription } from './support.ts';

describe('joining', () => {
  it('gives a new member its id first (KIP-394), and takes older clients at once', async () => {
    const harness = await Harness.start();
    const first = harness.join();
    expect(first.value).toMatchObject({ errorCode: ErrorCode.MEMBER_ID_REQUIRED });
    expect(first.value!.memberId).toMatch(/^client-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(harness.state()).toBe('Empty');
    const old = harness.join({ groupId: 'old' }, 3);
    expect(old.value).toBeNull();
    expect(harness.state('old')).toBe('PreparingRebalance');
  });

  it('completes after the initial delay, which new members extend up to the rebalance timeout', async () => {
    const harness = await Harness.start();
    const { joined } = harness.joinAsNew();
    harness.advance(2_999);
    expect(joined.value).toBeNull();
    harness.joinAsNew();
    harness.advance(1);
    expect(joined.value).toBeNull();
    harness.advance(3_000);
    expect(joined.value).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range', protocolType: 'consumer', skipAssignment: false });

    const flooded = await Harness.start();
    const steady = flooded.joinAsNew({ rebalanceTimeoutMs: 8_000 });
    for (let i = 0; i < 8; i++) {
      expect(steady.joined.value).toBeNull();
      flooded.advance(1_000);
      flooded.joinAsNew({ rebalanceTimeoutMs: 8_000 });
    }
    flooded.advance(1_000);
    expect(steady.joined.value).not.toBeNull();
  });

  it('tells only the leader who is in the group', async () => {
    const harness = await Harness.start();
    const first = harness.joinAsNew();
    const second = harness.joinAsNew();
    harness.advance(INITIAL_WAIT_MS);
    expect(first.joined.value!.leader).toBe(first.memberId);
    expect(first.joined.value!.members.map(({ memberId }) => memberId)).toEqual([first.memberId, second.memberId]);
    expect(second.joined.value!.members).toEqual([]);
  });

  it('chooses the protocol that most members prefer among those that all know', async () => {
    const harness = await Harness.start();
    const protocols = (...names: string[]) => ({ protocols: names.map((name) => ({ name, metadata: subscription('a') })) });
    const members = [harness.joinAsNew(protocols('x', 'sticky', 'range')), harness.joinAsNew(protocols('range', 'sticky')), harness.joinAsNew(protocols('sticky', 'range'))];
    harness.advance(INITIAL_WAIT_MS);
    expect(members.map(({ joined }) => joined.value!.protocolName)).toEqual(['sticky', 'sticky', 'sticky']);
    expect(harness.join({ ...protocols('x') }).value!.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(harness.join({ protocolType: 'connect' }).value!.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  });

  it('survives a member that names a protocol twice', async () => {
    const harness = await Harness.start();
    const twice = [{ name: 'range', metadata: subscription('a') }, { name: 'range', metadata: subscription('b') }];
    const { joined } = harness.joinAsNew({ protocols: twice });
    harness.advance(INITIAL_WAIT_MS);
    expect(joined.value).toMatchObject({ errorCode: 0, protocolName: 'range' });
  });

  it('refuses what cannot be', async () => {
    const harness = await Harness.start();
    const codeOf = (fields: Parameters<Harness['join']>[0]): number => harness.join(fields).value!.errorCode;
    expect(codeOf({ groupId: '' })).toBe(ErrorCode.INVALID_GROUP_ID);
    expect(codeOf({ sessionTimeoutMs: 5_999 })).toBe(ErrorCode.INVALID_SESSION_TIMEOUT);
    expect(codeOf({ sessionTimeoutMs: 1_800_001 })).toBe(ErrorCode.INVALID_SESSION_TIMEOUT);
    expect(codeOf({ memberId: 'unknown' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(codeOf({ protocols: [] })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(codeOf({ groupInstanceId: 'i'.repeat(0x7fff - 36) })).toBe(ErrorCode.INVALID_REQUEST);
    expect(codeOf({ protocolType: '' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(harness.coordinator.list({ states: [], types: [] })).toEqual([]);
  });

  it('keeps a group within group.max.size', async () => {
    const harness = await Harness.start({ membersMax: 2 });
    const { memberIds, generation } = harness.stableGroup(2);
    expect(harness.join().value!.errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
    expect(memberIds.map((memberId) => harness.heartbeat(memberId, generation))).toEqual([0, 0]);
  });

  it('lets a pending member go after its session timeout, and forgets the group that it opened', async () => {
    const harness = await Harness.start();
    const { memberId } = harness.join().value!;
    harness.advance(SESSION_TIMEOUT_MS);
    expect(harness.join({ memberId }).value!.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(harness.state()).toBe('Dead');
    expect(harness.log.records[0]).toEqual([]);
  });
});

describe('a rebalance', () => {
  it('goes from Stable through both waits and back', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader, follower], generation } = harness.stableGroup(2);
    expect(harness.state()).toBe('Stable');
    expect(generation).toBe(1);
    const { joined, memberId: third } = harness.joinAsNew();
    expect(harness.state()).toBe('PreparingRebalance');
    expect(harness.heartbeat(leader!, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(harness.sync({ memberId: leader!, generationId: 1 }).value!.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const again = [leader!, follower!].map((memberId) => harness.join({ memberId }));
    expect(joined.value).toMatchObject({ errorCode: 0, generationId: 2, leader });
    expect(again.map(({ value }) => value!.generationId)).toEqual([2, 2]);
    expect(harness.state()).toBe('CompletingRebalance');
    expect(harness.heartbeat(leader!, 2)).toBe(0);
    const waiting = harness.sync({ memberId: third, generationId: 2 });
    expect(waiting.value).toBeNull();
    const assignments = [{ memberId: third, assignment: Buffer.from('work') }];
    expect(harness.sync({ memberId: leader!, generationId: 2, assignments }).value!.assignment).toHaveLength(0);
    expect(waiting.value).toMatchObject({ errorCode: 0, protocolName: 'range', assignment: Buffer.from('work') });
    expect(harness.state()).toBe('Stable');
    expect(harness.sync({ memberId: third, generationId: 2 }).value!.assignment).toEqual(Buffer.from('work'));
  });

  it('leaves members behind that do not rejoin in time', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader, follower] } = harness.stableGroup(2);
    const rejoined = harness.join({ memberId: follower!, protocols: [{ name: 'range', metadata: subscription('b') }] });
    for (let waitedMs = 0; waitedMs < REBALANCE_TIMEOUT_MS; waitedMs += 5_000) {
      expect(rejoined.value).toBeNull();
      expect(harness.heartbeat(leader!, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
      harness.advance(5_000);
    }
    expect(rejoined.value).toMatchObject({ errorCode: 0, generationId: 2, leader: follower });
    expect(harness.heartbeat(leader!, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('waits for the rebalance timeout to the millisecond, although heartbeats come far apart', async () => {
    const timeouts = { rebalanceTimeoutMs: 1_000, sessionTimeoutMs: 45_000 };
    const harness = await Harness.start({ initialRebalanceDelayMs: 10 });
    const first = harness.joinAsNew(timeouts);
    harness.advance(10);
    harness.sync({ memberId: first.memberId, generationId: 1 });
    harness.advance(30);
    const second = harness.joinAsNew(timeouts);
    harness.advance(999);
    expect(second.joined.value).toBeNull();
    expect(harness.heartbeat(first.memberId, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    harness.advance(1);
    expect(second.joined.value).toMatchObject({ generationId: 2, leader: second.memberId });
    expect(harness.heartbeat(first.memberId, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    harness.sync({ memberId: second.memberId, generationId: 2 });
    // just in time
    const back = harness.joinAsNew(timeouts);
    harness.advance(999);
    expect(harness.heartbeat(second.memberId, 2)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(harness.join({ ...timeouts, memberId: second.memberId }).value).toMatchObject({ errorCode: 0, generationId: 3 });
    expect(back.joined.value).toMatchObject({ errorCode: 0, generationId: 3 });
  });

  it('is not begun by a member that was given an id and never came back', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader] } = harness.stableGroup(1);
    harness.join({ sessionTimeoutMs: 7_000 });
    harness.advance(7_000);
    expect(harness.heartbeat(leader!, 1)).toBe(0);
    expect(harness.state()).toBe('Stable');
  });

  it('goes on as soon as the only one it waits for turns out to be gone', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader] } = harness.stableGroup(1);
    harness.join({ sessionTimeoutMs: 7_000 });
    const rejoined = harness.join({ memberId: leader! });
    harness.advance(6_999);
    expect(rejoined.value).toBeNull();
    harness.advance(1);
    expect(rejoined.value).toMatchObject({ errorCode: 0, generationId: 2 });
  });

  it('takes out members that never ask for their assignment', async () => {
    const harness = await Harness.start();
    const members = [harness.joinAsNew(), harness.joinAsNew()];
    harness.advance(6_000);
    const { leader } = members[0]!.joined.value!;
    const follower = members[1]!.memberId;
    const synced = harness.sync({ memberId: leader, generationId: 1, assignments: [] });
    expect(synced.value!.errorCode).toBe(0);
    for (let i = 0; i < 6; i++) {
      expect([harness.heartbeat(leader, 1), harness.heartbeat(follower, 1)]).toEqual([0, 0]);
      harness.advance(5_000);
    }
    expect(harness.heartbeat(leader, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(harness.heartbeat(follower, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('is not needed for a follower that says nothing new, and is for a leader', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader, follower] } = harness.stableGroup(2);
    expect(harness.join({ memberId: follower! }).value).toMatchObject({ errorCode: 0, generationId: 1, members: [] });
    expect(harness.state()).toBe('Stable');
    expect(harness.join({ memberId: leader! }).value).toBeNull();
    expect(harness.state()).toBe('PreparingRebalance');
  });

  it('starts over when a member joins while assignments are awaited', async () => {
    const harness = await Harness.start();
    const first = harness.joinAsNew();
    harness.advance(3_000);
    const second = harness.joinAsNew();
    const follower = harness.join({ memberId: first.memberId });
    expect(second.joined.value!.generationId).toBe(2);
    const waiting = harness.sync({ memberId: second.memberId, generationId: 2 });
    const { memberId } = harness.join().value!;
    harness.join({ memberId });
    expect(waiting.value).toMatchObject({ errorCode: ErrorCode.REBALANCE_IN_PROGRESS });
    expect(follower.value!.leader).toBe(first.memberId);
  });

  it('repeats the reply for a member that lost it', async () => {
    const harness = await Harness.start();
    const { memberId } = harness.joinAsNew();
    harness.advance(3_000);
    expect(harness.join({ memberId }).value).toMatchObject({ errorCode: 0, generationId: 1, leader: memberId });
    expect(harness.join({ memberId }).value!.members).toHaveLength(1);
  });
});

describe('sessions', () => {
  it('end without heartbeats, and commits count as heartbeats', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader, follower] } = harness.stableGroup(2);
    for (let i = 0; i < 3; i++) {
      harness.advance(SESSION_TIMEOUT_MS - 1);
      expect(harness.heartbeat(leader!, 1)).toBe(0);
      expect(harness.commit({ memberId: follower!, generationIdOrMemberEpoch: 1, offsets: { a: { 0: i } } }).value!.errorCode).toBe(0);
    }
    harness.advance(SESSION_TIMEOUT_MS / 2);
    expect(harness.heartbeat(leader!, 1)).toBe(0);
    harness.advance(SESSION_TIMEOUT_MS / 2);
    expect(harness.heartbeat(leader!, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(harness.heartbeat(follower!, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('of members that wait in a rebalance do not end', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader, follower] } = harness.stableGroup(2, { rebalanceTimeoutMs: 60_000 });
    const waiting = harness.join({ memberId: leader!, rebalanceTimeoutMs: 60_000 });
    for (let i = 0; i < 4; i++) {
      harness.advance(SESSION_TIMEOUT_MS - 1);
      harness.heartbeat(follower!, 1);
    }
    expect(waiting.value).toBeNull();
    harness.join({ memberId: follower! });
    expect(waiting.value!.generationId).toBe(2);
  });

  it('leave an empty group when the last one ends', async () => {
    const harness = await Harness.start();
    harness.stableGroup(2);
    harness.advance(SESSION_TIMEOUT_MS + REBALANCE_TIMEOUT_MS);
    expect(harness.state()).toBe('Empty');
    expect(harness.clock.timerCount).toBe(1);
  });

  it('refuse another generation', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader] } = harness.stableGroup(1);
    expect(harness.heartbeat(leader!, 0)).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(harness.heartbeat('nobody', 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(harness.heartbeat('nobody', 1, null, 'no-group')).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(harness.sync({ memberId: leader!, generationId: 2 }).value!.errorCode).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(harness.sync({ memberId: leader!, generationId: 1, protocolName: 'other' }).value!.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  });
});

describe('the log of the broker', () => {
  it('says who is expelled, and why', async () => {
    const removals: [unknown, unknown][] = [];
    const harness = await Harness.start();
    harness.onLine = (message, fields) => {
      if (message === 'members are removed from a group') removals.push([fields?.['members'], fields?.['reason']]);
    };
    const { memberIds: [leader, follower] } = harness.stableGroup(2);
    harness.advance(SESSION_TIMEOUT_MS / 2);
    harness.heartbeat(leader!, 1);
    harness.advance(SESSION_TIMEOUT_MS / 2);
    expect(removals.splice(0)).toEqual([[[follower], 'no heartbeat for 10000 ms']]);
    const newcomer = harness.joinAsNew();
    for (let waitedMs = 0; waitedMs < REBALANCE_TIMEOUT_MS; waitedMs += 5_000) {
      harness.heartbeat(leader!, 1);
      harness.advance(5_000);
    }
    expect(removals.splice(0)).toEqual([[[leader], 'no JoinGroup within the rebalance timeout of 30000 ms']]);
    for (let waitedMs = 0; waitedMs < REBALANCE_TIMEOUT_MS; waitedMs += 5_000) {
      harness.heartbeat(newcomer.memberId, newcomer.joined.value!.generationId);
      harness.advance(5_000);
    }
    expect(removals.splice(0)).toEqual([[[newcomer.memberId], 'no SyncGroup within the rebalance timeout of 30000 ms']]);
    const { memberIds: [last] } = harness.stableGroup(1);
    harness.leave([{ memberId: last! }]);
    expect(removals).toEqual([[[last], 'LeaveGroup: not provided']]);
  });

  it('names no more members in a line than can be read', async () => {
    const counts: unknown[] = [];
    const harness = await Harness.start();
    harness.stableGroup(25, { rebalanceTimeoutMs: 10_000, sessionTimeoutMs: 60_000 });
    harness.onLine = (message, fields) => {
      if (message === 'members are removed from a group') counts.push([(fields!['members'] as string[]).length, fields!['memberCount']]);
    };
    harness.joinAsNew({ rebalanceTimeoutMs: 10_000, sessionTimeoutMs: 60_000 });
    harness.advance(10_000);
    expect(counts).toEqual([[20, 25]]);
  });
});

describe('leaving', () => {
  it('rebalances the others at once', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader, follower] } = harness.stableGroup(2);
    expect(harness.leave([{ memberId: follower! }]).value).toMatchObject({ errorCode: 0, members: [{ memberId: follower, errorCode: 0 }] });
    expect(harness.heartbeat(leader!, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(harness.join({ memberId: leader! }).value!.generationId).toBe(2);
  });

  it('empties the group, and its offsets stay', async () => {
    const harness = await Harness.start();
    const { memberIds: [only] } = harness.stableGroup(1);
    harness.commit({ memberId: only!, generationIdOrMemberEpoch: 1, offsets: { a: { 0: 5 } } });
    harness.leave([{ memberId: only! }]);
    expect(harness.state()).toBe('Empty');
    expect(harness.offset('a')).toBe(5);
  });

  it('answers each member on its own', async () => {
    const harness = await Harness.start();
    const { memberIds: [only] } = harness.stableGroup(1);
    const pending = harness.join().value!.memberId;
    const codes = harness.leave([{ memberId: 'nobody' }, { memberId: pending }, { memberId: '', groupInstanceId: 'none' }, { memberId: only! }]).value!.members.map(({ errorCode }) => errorCode);
    expect(codes).toEqual([ErrorCode.UNKNOWN_MEMBER_ID, 0, ErrorCode.UNKNOWN_MEMBER_ID, 0]);
    expect(harness.leave([{ memberId: 'x' }], 'no-group').value!.members).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_MEMBER_ID }]);
  });
});
