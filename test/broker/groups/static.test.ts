import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { Harness, INITIAL_WAIT_MS, SESSION_TIMEOUT_MS, subscription } from './support.ts';

/** Two static members, `i0` leads. */
async function staticGroup(harness: Harness): Promise<{ ids: string[] }> {
  const joins = ['i0', 'i1'].map((groupInstanceId) => harness.join({ groupInstanceId }));
  harness.advance(INITIAL_WAIT_MS);
  const ids = joins.map(({ value }) => value!.memberId);
  harness.sync({ memberId: ids[1]!, groupInstanceId: 'i1', generationId: 1 });
  harness.sync({ memberId: ids[0]!, groupInstanceId: 'i0', generationId: 1, assignments: ids.map((memberId, index) => ({ memberId, assignment: Buffer.from(`w${index}`) })) });
  return { ids };
}

describe('static members (KIP-345)', () => {
  it('join in one step, named after their instance', async () => {
    const harness = await Harness.start();
    const { ids } = await staticGroup(harness);
    expect(ids[0]).toMatch(/^i0-/);
    expect(harness.state()).toBe('Stable');
  });

  it('come back into the same generation with the same assignment, and the old run is fenced', async () => {
    const harness = await Harness.start();
    const { ids } = await staticGroup(harness);
    const back = harness.join({ groupInstanceId: 'i1' });
    expect(back.value).toMatchObject({ errorCode: 0, generationId: 1, members: [], leader: ids[0], skipAssignment: false });
    const { memberId } = back.value!;
    expect(memberId).not.toBe(ids[1]);
    expect(harness.state()).toBe('Stable');
    expect(harness.sync({ memberId, groupInstanceId: 'i1', generationId: 1 }).value!.assignment).toEqual(Buffer.from('w1'));
    expect(harness.heartbeat(ids[1]!, 1, 'i1')).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(harness.sync({ memberId: ids[1]!, groupInstanceId: 'i1', generationId: 1 }).value!.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(harness.join({ memberId: ids[1]!, groupInstanceId: 'i1' }).value!.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(harness.commit({ memberId: ids[1]!, groupInstanceId: 'i1', generationIdOrMemberEpoch: 1, offsets: { a: { 0: 1 } } }).value!.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(harness.leave([{ memberId: ids[1]!, groupInstanceId: 'i1' }]).value!.members[0]!.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
  });

  it('that lead are told to skip the assignment; older clients that the old run leads', async () => {
    const harness = await Harness.start();
    const { ids } = await staticGroup(harness);
    const back = harness.join({ groupInstanceId: 'i0' }).value!;
    expect(back).toMatchObject({ errorCode: 0, skipAssignment: true, leader: back.memberId });
    expect(back.members).toHaveLength(2);
    const older = harness.join({ groupInstanceId: 'i0' }, 8).value!;
    expect(older).toMatchObject({ errorCode: 0, skipAssignment: false, leader: back.memberId, members: [] });
    expect(older.memberId).not.toBe(back.memberId);
    expect(ids).not.toContain(older.memberId);
  });

  it('that come back with another choice of protocols rebalance the group', async () => {
    const harness = await Harness.start();
    const { ids } = await staticGroup(harness);
    expect(harness.join({ groupInstanceId: 'i1', protocols: [{ name: 'other', metadata: subscription('a') }] }).value!.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    const both = [{ name: 'range', metadata: subscription('a') }, { name: 'other', metadata: subscription('a') }];
    expect(harness.join({ groupInstanceId: 'i1', protocols: both }).value).toMatchObject({ errorCode: 0, generationId: 1 });
    expect(harness.heartbeat(ids[0]!, 1, 'i0')).toBe(0);
  });

  it('stay in the group over a rebalance that they miss, until their session ends', async () => {
    const harness = await Harness.start();
    const { ids } = await staticGroup(harness);
    const rejoined = harness.join({ memberId: ids[0]!, groupInstanceId: 'i0', sessionTimeoutMs: 100_000 });
    expect(rejoined.value).toBeNull();
    harness.advance(SESSION_TIMEOUT_MS);
    expect(rejoined.value!.members.map(({ groupInstanceId }) => groupInstanceId)).toEqual(['i0']);
  });

  it('are removed by an administrator who knows the instance only', async () => {
    const harness = await Harness.start();
    await staticGroup(harness);
    expect(harness.leave([{ memberId: '', groupInstanceId: 'i1' }]).value!.members).toMatchObject([{ memberId: '', groupInstanceId: 'i1', errorCode: 0 }]);
    expect(harness.state()).toBe('PreparingRebalance');
  });

  it('that replace one that waits make it give up', async () => {
    const harness = await Harness.start();
    const first = harness.join({ groupInstanceId: 'i0' });
    const second = harness.join({ groupInstanceId: 'i0' });
    expect(first.value).toMatchObject({ errorCode: ErrorCode.FENCED_INSTANCE_ID });
    harness.advance(INITIAL_WAIT_MS);
    expect(second.value).toMatchObject({ errorCode: 0, generationId: 1 });
  });

  it('keep their old id when the new one cannot be written', async () => {
    const harness = await Harness.start();
    const { ids } = await staticGroup(harness);
    harness.log.failures = [ErrorCode.NOT_ENOUGH_REPLICAS];
    expect(harness.join({ groupInstanceId: 'i1' }).value!.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.heartbeat(ids[1]!, 1, 'i1')).toBe(0);
    expect(harness.sync({ memberId: ids[1]!, groupInstanceId: 'i1', generationId: 1 }).value!.assignment).toEqual(Buffer.from('w1'));
  });

  it('that come back while the write is on its way meet a rebalance', async () => {
    const harness = await Harness.start();
    const { ids } = await staticGroup(harness);
    harness.log.isManual = true;
    const back = harness.join({ groupInstanceId: 'i1' });
    expect(back.value).toBeNull();
    const leader = harness.join({ memberId: ids[0]!, groupInstanceId: 'i0' });
    harness.log.complete();
    expect(leader.value!.generationId).toBe(2);
    expect(back.value).toMatchObject({ errorCode: 0, generationId: 2 });
  });
});
