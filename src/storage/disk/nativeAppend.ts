/** An append's plan and result on their way through the shared array. */
import { AppendStatus } from '../../base/disk.ts';
import type { AppendPlan, AppendResult } from '../../base/disk.ts';
import { NumberField, PlanFlag } from '../../binding/abi.ts';

/** native/core/status.h: checked and copied, to be written by another thread. */
export const PENDING = 1;

export function passPlan(plan: AppendPlan, numbers: Float64Array): void {
  numbers[NumberField.planBaseOffset] = plan.baseOffset;
  numbers[NumberField.planLeaderEpoch] = plan.leaderEpoch;
  numbers[NumberField.planFlags] =
    (plan.keepOffsets ? PlanFlag.keepOffsets : 0) | (plan.checkCrc ? PlanFlag.checkCrc : 0) |
    (plan.checkRecords ? PlanFlag.checkRecords : 0) | (plan.requireKeys ? PlanFlag.requireKeys : 0);
  numbers[NumberField.planLogAppendTimeMs] = plan.logAppendTimeMs;
  numbers[NumberField.planTimestampMin] = plan.timestampMin;
  numbers[NumberField.planTimestampMax] = plan.timestampMax;
  numbers[NumberField.planBatchSizeMaxBytes] = plan.batchSizeMaxBytes;
}

export function takeResult(result: AppendResult, numbers: Float64Array, status: number): void {
  result.badRecordIndex = numbers[NumberField.resultBadRecordIndex]!;
  result.errno = numbers[NumberField.resultErrno]!;
  if (status !== AppendStatus.ok && status !== PENDING) return;
  result.position = numbers[NumberField.resultPosition]!;
  result.nextOffset = numbers[NumberField.resultNextOffset]!;
  result.batches = numbers[NumberField.resultBatches]!;
  result.records = numbers[NumberField.resultRecords]!;
  result.maxTimestampMs = numbers[NumberField.resultMaxTimestampMs]!;
  result.offsetOfMaxTimestamp = numbers[NumberField.resultOffsetOfMaxTimestamp]!;
}
