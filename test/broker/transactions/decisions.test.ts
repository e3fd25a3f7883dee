import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completed, decideAddPartitions, decideEnd, decideInit, decideServerAbort, isTimedOut, verifyPartition } from '../../../src/broker/transactions/decisions.ts';
import type { Circumstances, Decision } from '../../../src/broker/transactions/decisions.ts';
import { decodeTransactionChange, encodeTransactionChange } from '../../../src/broker/transactions/records.ts';
import { STATUS_NAMES, TransactionStatus, isPrepared } from '../../../src/broker/transactions/transaction.ts';
import type { Transaction } from '../../../src/broker/transactions/transaction.ts';
import { ErrorCode, errorName } from '../../../src/protocol/errors.ts';
import { Writer } from '../../../src/protocol/writer.ts';

const NOW = 1_000_000;
const at = (freshProducerId: number | null = null, serverVersion = 2): Circumstances => ({ nowMs: NOW, serverVersion, freshProducerId });
const PARTITIONS = new Map([['t', new Set([0, 1])]]);

function transaction(fields: Partial<Transaction> = {}): Transaction {
  return {
    transactionalId: 'tx', producerId: 7, previousProducerId: 7, nextProducerId: -1, producerEpoch: 3, lastProducerEpoch: -1, timeoutMs: 1000,
    status: TransactionStatus.empty, partitions: new Map(), startedMs: -1, updatedMs: 0, clientVersion: 0, ...fields,
  };
}

/** A decision in one word: the next status with its epoch, or the error. */
function shown(decision: Decision): string {
  if (decision.kind === 'needsProducerId') return 'id';
  return decision.kind === 'change' ? `${STATUS_NAMES[decision.next.status]} ${decision.next.producerId}/${decision.next.producerEpoch}` : errorName(decision.errorCode);
}

const { empty, ongoing, prepareCommit, prepareAbort, completeCommit, completeAbort } = TransactionStatus;

describe('EndTxn', () => {
  // status, epoch of the request against 3, answer to a commit, answer to an abort
  it.each([
    [empty, 3, 'INVALID_TXN_STATE', 'INVALID_TXN_STATE'],
    [ongoing, 3, 'PrepareCommit 7/3', 'PrepareAbort 7/3'],
    [ongoing, 2, 'PRODUCER_FENCED', 'PRODUCER_FENCED'],
    [ongoing, 4, 'PRODUCER_FENCED', 'PRODUCER_FENCED'],
    [prepareCommit, 3, 'CONCURRENT_TRANSACTIONS', 'INVALID_TXN_STATE'],
    [prepareAbort, 3, 'INVALID_TXN_STATE', 'CONCURRENT_TRANSACTIONS'],
    [completeCommit, 3, 'NONE', 'INVALID_TXN_STATE'],
    [completeAbort, 3, 'INVALID_TXN_STATE', 'NONE'],
  ])('of a client that keeps its epoch, in state %i with epoch %i', (status, producerEpoch, commit, abort) => {
    const known = transaction({ status, partitions: status === ongoing ? PARTITIONS : new Map() });
    const end = (isCommit: boolean): string => shown(decideEnd(known, { producerId: 7, producerEpoch, isCommit, clientVersion: 0 }, at()));
    expect([end(true), end(false)]).toEqual([commit, abort]);
  });

  it.each([
    [empty, 3, 'INVALID_TXN_STATE', 'PrepareAbort 7/4'],
    [empty, 2, 'PRODUCER_FENCED', 'PRODUCER_FENCED'],
    [ongoing, 3, 'PrepareCommit 7/4', 'PrepareAbort 7/4'],
    [ongoing, 2, 'PRODUCER_FENCED', 'PRODUCER_FENCED'],
    [prepareCommit, 2, 'CONCURRENT_TRANSACTIONS', 'INVALID_TXN_STATE'],
    [prepareCommit, 3, 'PRODUCER_FENCED', 'PRODUCER_FENCED'],
    [prepareAbort, 2, 'INVALID_TXN_STATE', 'CONCURRENT_TRANSACTIONS'],
    [completeCommit, 2, 'NONE', 'INVALID_TXN_STATE'],
    [completeCommit, 3, 'INVALID_TXN_STATE', 'PrepareAbort 7/4'],
    [completeAbort, 2, 'INVALID_TXN_STATE', 'NONE'],
    [completeAbort, 3, 'INVALID_TXN_STATE', 'PrepareAbort 7/4'],
    [completeAbort, 1, 'PRODUCER_FENCED', 'PRODUCER_FENCED'],
  ])('of a client whose epoch grows, in state %i with epoch %i', (status, producerEpoch, commit, abort) => {
    const known = transaction({ status, clientVersion: 2 });
    const end = (isCommit: boolean): string => shown(decideEnd(known, { producerId: 7, producerEpoch, isCommit, clientVersion: 2 }, at()));
    expect([end(true), end(false)]).toEqual([commit, abort]);
  });

  it('knows no other producer', () => {
    for (const clientVersion of [0, 2]) {
      expect(shown(decideEnd(transaction({ status: ongoing }), { producerId: 8, producerEpoch: 3, isCommit: true, clientVersion }, at()))).toBe('INVALID_PRODUCER_ID_MAPPING');
      expect(shown(decideEnd(undefined, { producerId: 8, producerEpoch: 3, isCommit: true, clientVersion }, at()))).toBe('INVALID_PRODUCER_ID_MAPPING');
    }
  });

  it('hands over to another producer id when the epochs are used up, and knows a retry of that', () => {
    const known = transaction({ status: ongoing, producerEpoch: 32_766, clientVersion: 2 });
    const request = { producerId: 7, producerEpoch: 32_766, isCommit: true, clientVersion: 2 };
    expect(shown(decideEnd(known, request, at()))).toBe('id');
    const decision = decideEnd(known, request, at(99));
    expect(shown(decision)).toBe('PrepareCommit 7/32767');
    const done = completed((decision as { next: Transaction }).next, NOW);
    expect(done).toMatchObject({ producerId: 99, producerEpoch: 0, previousProducerId: 7, nextProducerId: -1, status: completeCommit });
    expect(shown(decideEnd(done, request, at()))).toBe('NONE');
    expect(shown(decideEnd(done, { ...request, producerEpoch: 32_765 }, at()))).toBe('INVALID_PRODUCER_ID_MAPPING');
  });
});

describe('InitProducerId', () => {
  const request = { transactionalId: 'tx', timeoutMs: 500, expected: null };

  it.each([
    [undefined, 'id'],
    [transaction(), 'Empty 7/4'],
    [transaction({ status: completeAbort }), 'Empty 7/4'],
    [transaction({ status: prepareCommit }), 'CONCURRENT_TRANSACTIONS'],
    [transaction({ status: ongoing, startedMs: 1 }), 'PrepareAbort 7/4'],
    [transaction({ producerEpoch: 32_765 }), 'Empty 7/32766'],
    [transaction({ producerEpoch: 32_766 }), 'id'],
    [transaction({ producerEpoch: 32_767 }), 'id'],
    [transaction({ status: ongoing, producerEpoch: 32_766 }), 'id'],
  ])('of a new producer, where %o is known', (known, expected) => {
    expect(shown(decideInit(known, request, at()))).toBe(expected);
  });

  it('takes a fresh id where it needs one', () => {
    expect(shown(decideInit(undefined, request, at(50)))).toBe('Empty 50/0');
    expect(shown(decideInit(transaction({ producerEpoch: 32_766 }), request, at(50)))).toBe('Empty 50/0');
  });

  it.each([
    [{ producerId: 7, producerEpoch: 3 }, 'Empty 7/4'],
    [{ producerId: 7, producerEpoch: 2 }, 'Empty 7/3'],
    [{ producerId: 7, producerEpoch: 1 }, 'PRODUCER_FENCED'],
    [{ producerId: 8, producerEpoch: 3 }, 'PRODUCER_FENCED'],
  ])('of a producer that goes on as %o', (expected, answer) => {
    expect(shown(decideInit(transaction({ lastProducerEpoch: 2 }), { ...request, expected }, at()))).toBe(answer);
  });

  it('fences once under either version of the feature', () => {
    const known = transaction({ status: ongoing, startedMs: 5 });
    expect(decideServerAbort(known, at(null, 2))).toMatchObject({ next: { producerEpoch: 4, clientVersion: 2, startedMs: 5 } });
    expect(decideServerAbort(known, at(null, 0))).toMatchObject({ next: { producerEpoch: 4, clientVersion: 0 } });
  });
});

describe('partitions', () => {
  it('begin a transaction, and join it', () => {
    const begun = decideAddPartitions(transaction(), { producerId: 7, producerEpoch: 3 }, PARTITIONS, 2, NOW);
    expect(begun).toMatchObject({ next: { status: ongoing, startedMs: NOW, clientVersion: 2 } });
    const known = (begun as { next: Transaction }).next;
    expect(shown(decideAddPartitions(known, { producerId: 7, producerEpoch: 3 }, new Map([['t', new Set([1])]]), 2, NOW + 5))).toBe('NONE');
    const more = decideAddPartitions(known, { producerId: 7, producerEpoch: 3 }, new Map([['t', new Set([2])], ['u', new Set([0])]]), 2, NOW + 5);
    expect((more as { next: Transaction }).next).toMatchObject({ startedMs: NOW, updatedMs: NOW + 5, partitions: new Map([['t', new Set([0, 1, 2])], ['u', new Set([0])]]) });
    expect([verifyPartition(known, { producerId: 7, producerEpoch: 3 }, 't', 1), verifyPartition(known, { producerId: 7, producerEpoch: 3 }, 't', 2)])
      .toEqual([ErrorCode.NONE, ErrorCode.TRANSACTION_ABORTABLE]);
  });

  it('are late in time', () => {
    expect(isTimedOut(transaction({ status: ongoing, startedMs: 10 }), 1_010)).toBe(false);
    expect(isTimedOut(transaction({ status: ongoing, startedMs: 10 }), 1_011)).toBe(true);
    expect(isTimedOut(transaction({ status: empty, startedMs: 10 }), 9_999)).toBe(false);
  });
});

/** Whatever is asked in whatever order, epochs never go back, and a prepared transaction becomes what it was prepared for. */
it('identities only move forward', () => {
  const step = fc.record({
    ask: fc.constantFrom('init', 'next', 'add', 'commit', 'abort', 'late', 'complete'), epochBack: fc.integer({ min: 0, max: 2 }), clientVersion: fc.constantFrom(0, 2),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 32_766 }), (steps, producerEpoch) => {
    let known = transaction({ producerEpoch });
    let fresh = 100;
    for (const { ask, epochBack, clientVersion } of steps) {
      const who = { producerId: known.producerId, producerEpoch: known.producerEpoch - epochBack };
      const circumstances = at(fresh++);
      const decision = ((): Decision | null => {
        if (ask === 'init') return decideInit(known, { transactionalId: 'tx', timeoutMs: 5, expected: null }, circumstances);
        if (ask === 'next') return decideInit(known, { transactionalId: 'tx', timeoutMs: 5, expected: who }, circumstances);
        if (ask === 'add') return decideAddPartitions(known, who, PARTITIONS, clientVersion, NOW);
        if (ask === 'complete') return isPrepared(known) ? { kind: 'change', next: completed(known, NOW) } : null;
        if (ask === 'late') return known.status === ongoing ? decideServerAbort(known, circumstances) : null;
        return decideEnd(known, { ...who, isCommit: ask === 'commit', clientVersion }, circumstances);
      })();
      if (decision?.kind !== 'change') continue;
      const { next } = decision;
      if (next.producerId === known.producerId) expect(next.producerEpoch).toBeGreaterThanOrEqual(known.producerEpoch);
      else expect([next.producerId > known.producerId, next.producerEpoch]).toEqual([true, 0]);
      if (known.status === prepareCommit) expect(next.status).toBe(completeCommit);
      if (known.status === prepareAbort) expect(next.status).toBe(completeAbort);
      if (isPrepared(next)) expect(next.partitions).toBe(known.partitions);
      known = next;
      const read = decodeTransactionChange(...recordOf(known));
      expect(read!.value).toEqual({ ...known, lastProducerEpoch: -1 });
    }
  }), { numRuns: 200 });
});

function recordOf(value: Transaction): [Buffer, Buffer] {
  const { key, value: bytes } = encodeTransactionChange({ transactionalId: value.transactionalId, value }, 2, new Writer());
  return [Buffer.from(key), Buffer.from(bytes!)];
}
