/** What ShareFetch and ShareAcknowledge have in common: acknowledgements from the request to their outcome. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { isSafeOffset } from '../../../protocol/offsets.ts';
import type { Uuid } from '../../../protocol/types.ts';
import type { Partition } from '../../partition/partition.ts';
import type { StateOutcome } from '../coordinator/shareCoordinator.ts';
import { AcknowledgeType } from '../partition/acknowledge.ts';
import type { Acknowledgement } from '../partition/acknowledge.ts';
import type { Share } from '../share.ts';

interface AcknowledgementBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly acknowledgeTypes: readonly number[];
}

/** What a request says of one partition. */
export interface AcknowledgedPartition {
  readonly topicId: Uuid;
  readonly index: number;
  readonly batches: readonly AcknowledgementBatch[];
}

export interface AcknowledgeResult extends StateOutcome {
  readonly topicId: Uuid;
  readonly index: number;
  /** Undefined: not known here. */
  readonly partition: Partition | undefined;
}

const MEMBER_ID_LENGTH_MAX = 36;

/** Members make their own ids: a UUID as text. */
export function isMemberId(memberId: string | null): memberId is string {
  return memberId !== null && memberId !== '' && memberId.length <= MEMBER_ID_LENGTH_MAX;
}

/** Acknowledges partition by partition; `done` hears of all of them once the last one is kept. */
export function acknowledgeAll(
  share: Share, groupId: string, memberId: string, partitions: readonly AcknowledgedPartition[], maySayRenew: boolean, done: (results: AcknowledgeResult[]) => void,
): void {
  const results: AcknowledgeResult[] = [];
  let left = partitions.length;
  if (left === 0) return done(results);
  partitions.forEach(({ topicId, index, batches }, at) => {
    const partition = share.partitions.find(topicId, index);
    acknowledgeOne(share, groupId, memberId, partition, batches, maySayRenew, topicId, (outcome) => {
      results[at] = { ...outcome, topicId, index, partition };
      if (--left === 0) done(results);
    });
  });
}

function acknowledgeOne(
  share: Share, groupId: string, memberId: string, partition: Partition | undefined, batches: readonly AcknowledgementBatch[], maySayRenew: boolean, topicId: Uuid,
  done: (outcome: StateOutcome) => void,
): void {
  const refuse = (errorCode: number): void => done({ errorCode, message: null });
  if (partition === undefined) return refuse(share.partitions.hasTopic(topicId) ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.UNKNOWN_TOPIC_ID);
  const acknowledgements = acknowledgementsOf(batches, maySayRenew);
  if (acknowledgements === null) return refuse(ErrorCode.INVALID_REQUEST);
  const accessError = partition.accessError(-1);
  if (accessError !== ErrorCode.NONE) return refuse(accessError);
  // One that nobody reads here: whatever was acquired is not any more.
  const known = share.partitions.known(groupId, topicId, partition.index);
  if (known === undefined) return refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  known.acknowledge(memberId, acknowledgements, done);
}

/** Null: not what may be said. */
function acknowledgementsOf(batches: readonly AcknowledgementBatch[], maySayRenew: boolean): Acknowledgement[] | null {
  const typeMax = maySayRenew ? AcknowledgeType.renew : AcknowledgeType.reject;
  const acknowledgements: Acknowledgement[] = [];
  let endBefore = -1;
  for (const { firstOffset, lastOffset, acknowledgeTypes: types } of batches) {
    if (!isSafeOffset(firstOffset) || !isSafeOffset(lastOffset) || firstOffset > lastOffset || firstOffset < endBefore) return null;
    if (types.length === 0 || (types.length > 1 && types.length !== lastOffset - firstOffset + 1)) return null;
    if (types.some((type) => type < AcknowledgeType.gap || type > typeMax)) return null;
    endBefore = lastOffset;
    acknowledgements.push({ firstOffset, lastOffset, types });
  }
  return acknowledgements;
}
