/** What a member says about records that it holds (KIP-932; KIP-1222 for renewals). */
import { ErrorCode } from '../../../protocol/errors.ts';
import type { Change, Flight } from './flight.ts';
import { RecordState, firstBatchFrom, firstRunFrom, floorBatch, isolate } from './inFlight.ts';
import type { Batch, Run } from './inFlight.ts';

export const AcknowledgeType = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const;

/** `types` has one entry for all records, or one for each. */
export interface Acknowledgement {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly types: readonly number[];
}

export interface AcknowledgeLimits {
  readonly deliveryCount: number;
  readonly lockDurationMs: number;
  readonly isRenewEnabled: boolean;
}

/** On an error nothing has changed. */
export type AcknowledgeOutcome =
  | { readonly errorCode: number; readonly message: string }
  | { readonly errorCode: 0; readonly change: Change };

interface Refusal {
  readonly errorCode: number;
  readonly message: string;
}

const invalidState = (message: string): Refusal => ({ errorCode: ErrorCode.INVALID_RECORD_STATE, message });

/** All of one member's acknowledgements, or none of them. */
export function acknowledge(
  flight: Flight, memberId: string, acknowledgements: readonly Acknowledgement[], limits: AcknowledgeLimits, nowMs: number,
): AcknowledgeOutcome {
  let coveredTo = -1;
  for (const acknowledgement of acknowledgements) {
    if (acknowledgement.firstOffset <= coveredTo) return invalidState('A record is acknowledged twice.');
    coveredTo = acknowledgement.lastOffset;
    const refusal = check(flight, memberId, acknowledgement, limits);
    if (refusal !== null) return refusal;
  }
  const changes: { run: Run; wanted: RecordState }[] = [];
  for (const acknowledgement of acknowledgements) {
    eachStretch(flight, acknowledgement, (batch, first, last, type) => {
      for (const run of isolate(batch, first, last)) {
        if (type === AcknowledgeType.renew) run.lockedUntilMs = nowMs + limits.lockDurationMs;
        else changes.push({ run, wanted: stateFor(type) });
      }
    });
  }
  return { errorCode: ErrorCode.NONE, change: flight.begin(changes, limits.deliveryCount) };
}

function stateFor(type: number): RecordState {
  if (type === AcknowledgeType.accept) return RecordState.acknowledged;
  return type === AcknowledgeType.release ? RecordState.available : RecordState.archived;
}

function check(flight: Flight, memberId: string, acknowledgement: Acknowledgement, limits: AcknowledgeLimits): Refusal | null {
  const { lastOffset, types } = acknowledgement;
  const first = Math.max(acknowledgement.firstOffset, flight.startOffset);
  // What was done with, or went with the log, needs nobody's word any more.
  if (first > lastOffset) return null;
  const { batches } = flight;
  if (floorBatch(batches, first) === -1) return invalidState('Batch record not found. The first offset of request batch is not in flight.');
  if (lastOffset > flight.endOffset) return { errorCode: ErrorCode.INVALID_REQUEST, message: 'The last offset in the batch is past the end of what is in flight.' };
  for (let i = firstBatchFrom(batches, first); i < batches.length && batches[i]!.first <= lastOffset; i++) {
    const refusal = checkBatch(batches[i]!, memberId, first, lastOffset);
    if (refusal !== null) return refusal;
  }
  const renews = types.includes(AcknowledgeType.renew);
  return renews && !limits.isRenewEnabled ? invalidState('Renewing acquisition locks is not enabled for the group.') : null;
}

function checkBatch(batch: Batch, memberId: string, first: number, last: number): Refusal | null {
  for (let i = firstRunFrom(batch.runs, first); i < batch.runs.length && batch.runs[i]!.first <= last; i++) {
    const run = batch.runs[i]!;
    if (run.state !== RecordState.acquired) return invalidState('The batch cannot be acknowledged. The record is not acquired.');
    if (run.memberId !== memberId) return invalidState('Member is not the owner of batch record');
    if (run.transition !== null) return invalidState('The record state is invalid. The acknowledgement of delivery could not be completed.');
  }
  return null;
}

/** Calls `visit` for the longest stretches within one batch that are acknowledged alike. */
function eachStretch(flight: Flight, acknowledgement: Acknowledgement, visit: (batch: Batch, first: number, last: number, type: number) => void): void {
  const { firstOffset, lastOffset, types } = acknowledgement;
  const { batches } = flight;
  let offset = Math.max(firstOffset, flight.startOffset);
  let at = firstBatchFrom(batches, offset);
  while (offset <= lastOffset && at < batches.length) {
    const batch = batches[at]!;
    const type = typeAt(types, offset - firstOffset);
    const limit = Math.min(lastOffset, batch.last);
    let end = offset;
    if (types.length === 1) end = limit;
    else while (end < limit && typeAt(types, end + 1 - firstOffset) === type) end++;
    visit(batch, offset, end, type);
    offset = end + 1;
    if (offset > batch.last) at++;
  }
}

const typeAt = (types: readonly number[], index: number): number => (types.length === 1 ? types[0]! : types[index]!);
