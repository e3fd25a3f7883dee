import type { Uuid } from '../../../../protocol/types.ts';
import { compareText } from './assignor.ts';
import type { AssignedMember, AssignorInput } from './assignor.ts';
import type { Assignment } from '../../modern/assignment.ts';

interface TopicShare {
  readonly partitionCount: number;
  memberCount: number;
  /** The first partition that nobody has yet. */
  next: number;
  /** Members that have got their range. */
  served: number;
}

/** Static members first, so that they keep their ranges when they come back under another id. */
function byRank(a: AssignedMember, b: AssignedMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return compareText(a.instanceId, b.instanceId);
  if (a.instanceId !== null) return -1;
  if (b.instanceId !== null) return 1;
  return compareText(a.memberId, b.memberId);
}

/** Each member gets consecutive partitions of each topic; the same ones of all topics with as many partitions and the same members. */
export function assignRanges({ members, partitionCountOf }: AssignorInput): Map<string, Assignment> {
  const ranked = members.toSorted(byRank);
  const shares = new Map<Uuid, TopicShare>();
  for (const { topicIds } of ranked) {
    for (const topicId of topicIds) {
      const share = shares.get(topicId);
      if (share === undefined) shares.set(topicId, { partitionCount: partitionCountOf(topicId), memberCount: 1, next: 0, served: 0 });
      else share.memberCount++;
    }
  }
  return new Map(ranked.map(({ memberId, topicIds }) => [memberId, rangesOf(topicIds, shares)]));
}

function rangesOf(topicIds: ReadonlySet<Uuid>, shares: ReadonlyMap<Uuid, TopicShare>): Assignment {
  const assignment = new Map<Uuid, ReadonlySet<number>>();
  for (const topicId of topicIds) {
    const share = shares.get(topicId)!;
    const quota = Math.floor(share.partitionCount / share.memberCount) + (share.served < share.partitionCount % share.memberCount ? 1 : 0);
    share.served++;
    if (quota > 0) assignment.set(topicId, new Set(Array.from({ length: quota }, (_, index) => share.next + index)));
    share.next += quota;
  }
  return assignment;
}
