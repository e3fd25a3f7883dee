import { ErrorCode } from '../../../protocol/errors.ts';

/** Clients of earlier releases do not know PRODUCER_FENCED. `since`: the first version of the request whose clients do. */
export function fencedBefore(since: number, version: number, errorCode: number): number {
  return version < since && errorCode === ErrorCode.PRODUCER_FENCED ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode;
}
