/** A consumer group becomes a classic one when its last member that speaks the consumer protocol goes. */
import { assert } from '../../../base/assert.ts';
import type { ClassicGroup } from '../classic/group.ts';
import { prepareRebalance, resetSession } from '../classic/rebalance.ts';
import type { GroupMetadataValue } from '../../../protocol/generated/records/groupMetadata.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../consumerProtocol.ts';
import type { Draft } from '../draft.ts';
import type { GroupState } from '../state.ts';
import { writeAssignment } from './embedded.ts';
import type { ConsumerGroup } from './group.ts';
import type { ClassicFacts, ConsumerMember } from './member.ts';

type ClassicConsumer = ConsumerMember & { readonly classic: ClassicFacts };

/** Whether the group can and may be a classic one without `leaving`. */
export function mayDowngrade(state: GroupState, group: ConsumerGroup, leaving: ReadonlySet<string>): boolean {
  if (!group.hasOnlyClassicMembersBut(leaving)) return false;
  const left = group.members.size - leaving.size;
  return left > 0 && state.settings.consumer.canDowngrade && left <= state.settings.membersMax;
}

/** `members` leave with it; the others are sent into a rebalance of the classic kind. */
export function downgrade(draft: Draft, group: ConsumerGroup, members: readonly ConsumerMember[]): void {
  const classic = convert(draft, group, new Set(members.map(({ memberId }) => memberId)));
  rebalanceLater(draft, classic, 'the consumer group became a classic one when a member left');
}

/** Once the conversion is on its way to the log: what a rebalance writes comes after it. */
export function rebalanceLater(draft: Draft, group: ClassicGroup, reason: string): void {
  const { state } = draft;
  draft.afterwards(() => state.host.write(prepareRebalance(state, group, reason)));
}

/** The same group as a classic one; its members keep what they have. */
export function convert(draft: Draft, group: ConsumerGroup, leaving: ReadonlySet<string>): ClassicGroup {
  const { state } = draft;
  const { groupId } = group;
  const staying = [...group.members.values()].filter((member): member is ClassicConsumer => !leaving.has(member.memberId) && member.classic !== null);
  const protocol = chooseProtocol(staying);
  const value: GroupMetadataValue = {
    protocolType: CONSUMER_PROTOCOL_TYPE,
    generation: group.epoch,
    protocol,
    leader: null,
    currentStateTimestamp: state.now(),
    members: staying.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.classic.sessionTimeoutMs,
      subscription: metadataOf(member, protocol),
      assignment: writeAssignment(member.assigned, metadataOf(member, protocol), state.cluster),
    })),
  };
  for (const tombstone of group.tombstones()) draft.change(tombstone);
  draft.change({ kind: 'group', groupId, value });
  const classic = state.classicGroup(groupId);
  assert(classic !== undefined, 'the group is a classic one now');
  for (const { memberId, classic: facts, rebalanceTimeoutMs } of staying) {
    const member = classic.member(memberId);
    classic.update(member, facts.protocols, rebalanceTimeoutMs, facts.sessionTimeoutMs);
    resetSession(state, classic, member);
  }
  draft.onUndo(() => {
    classic.joinTimer?.cancel();
    for (const member of classic.members.values()) member.session?.cancel();
  });
  state.host.logger.info('a consumer group became a classic one', { groupId, epoch: group.epoch, memberCount: staying.length });
  return classic;
}

function metadataOf({ classic }: ClassicConsumer, protocol: string): Buffer {
  return (classic.protocols.find(({ name }) => name === protocol) ?? classic.protocols[0]!).metadata;
}

/** The first choice of the first member among those that all know. */
function chooseProtocol(members: readonly ClassicConsumer[]): string {
  const [first, ...others] = members;
  assert(first !== undefined, 'somebody stays');
  const names = first.classic.protocols.map(({ name }) => name);
  return names.find((name) => others.every(({ classic }) => classic.protocols.some((protocol) => protocol.name === name))) ?? names[0]!;
}
