import { KafkaError, ErrorCode } from '../../../protocol/errors.ts';
import type { Partition } from '../../partition/partition.ts';
import type { OffsetReset } from '../config.ts';

/** Where a share partition begins that nobody has read before. Rejects when the partition cannot be read here. */
export async function firstOffsetOf(partition: Partition, reset: OffsetReset, nowMs: number): Promise<number> {
  const log = partition.onlineLog;
  if (log === null || !partition.isLeader) throw new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  const latest = log.highWatermark;
  if (reset.kind === 'latest') return latest;
  if (reset.kind === 'earliest') return log.logStartOffset;
  const { offset } = await log.offsetForTimestamp(nowMs - reset.durationMs, latest);
  // Nothing is that young.
  return offset < 0 ? log.highWatermark : offset;
}
