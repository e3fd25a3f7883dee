import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { makeListOffsetsPartition, makeListOffsetsRequest } from '../../../src/protocol/generated/listOffsets.ts';
import { makeListTransactionsRequest } from '../../../src/protocol/generated/listTransactions.ts';
import { MemoryDisk } from '../../../src/storage/disk/memory.ts';
import { FakeClock } from '../../storage/support/ports.ts';
import { ListOffsets } from '../support/apis.ts';
import { call, settle, startNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { batch, createTopic, produce } from '../support/work.ts';
import {
  AddPartitionsToTxn, DescribeProducers, DescribeTransactions, ListTransactions, TIMEOUT_MS, TransactionalProducer, WriteTxnMarkers, committedOffset, fetchOnce, findTransactionCoordinator, readCommitted,
} from './support.ts';

const SETTINGS = {
  'transaction.state.log.num.partitions': '3', 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '10000', 'transactional.id.expiration.ms': '600000',
  'transaction.remove.expired.transaction.cleanup.interval.ms': '60000',
};

let node: TestNode;

beforeEach(async () => {
  node = await startNode({ settings: SETTINGS });
  await createTopic(node, 't', 2);
});

afterEach(async () => {
  await node.stop();
});

async function producer(style: 'new' | 'old' = 'new', transactionalId = 'tx'): Promise<TransactionalProducer> {
  const made = new TransactionalProducer(node, transactionalId, style);
  expect(await made.init()).toBe(ErrorCode.NONE);
  return made;
}

async function valuesOf(partition = 0): Promise<string[]> {
  return (await readCommitted(node, 't', partition)).values;
}

async function latest(isolationLevel: number, partition = 0): Promise<number> {
  const topics = [{ name: 't', partitions: [makeListOffsetsPartition({ partitionIndex: partition, timestamp: -1, maxNumOffsets: 1 })] }];
  const response = await call(node, ListOffsets, 8, makeListOffsetsRequest({ replicaId: -1, isolationLevel, topics }));
  return response.topics[0]!.partitions[0]!.offset;
}

async function stateOf(transactionalId: string): Promise<string> {
  const response = await call(node, DescribeTransactions, 0, { transactionalIds: [transactionalId] });
  const [state] = response.transactionStates;
  return state!.errorCode === ErrorCode.NONE ? state!.transactionState : `error ${state!.errorCode}`;
}

/** The same disk under another broker: the process was killed. */
async function restart(): Promise<void> {
  // what the killed one had set fires no more
  const ports = { ...node.ports, clock: new FakeClock(node.ports.clock.now()) };
  node = await startNode({ settings: SETTINGS, disk: new MemoryDisk({ random: ports.random }, node.disk.files), ports });
}

describe.each(['new', 'old'] as const)('a transaction of a producer of the %s style', (style) => {
  it('is seen whole once it is committed, and not before', async () => {
    const tx = await producer(style);
    expect(await tx.produce('t', 0, ['a', 'b'])).toBe(ErrorCode.NONE);
    expect(await tx.produce('t', 1, ['c'])).toBe(ErrorCode.NONE);
    expect(await stateOf('tx')).toBe('Ongoing');
    expect(await valuesOf()).toEqual([]);
    expect(await latest(0)).toBe(2);
    expect(await latest(1)).toBe(0);
    expect(await tx.commit()).toBe(ErrorCode.NONE);
    expect(await valuesOf()).toEqual(['a', 'b']);
    expect(await valuesOf(1)).toEqual(['c']);
    expect(await latest(1)).toBe(3);
    expect(await stateOf('tx')).toBe('CompleteCommit');
  });

  it('is never seen when it is aborted, and does not hold back others', async () => {
    const tx = await producer(style);
    await tx.produce('t', 0, ['no']);
    await produce(node, 't', 0, batch(['plain']));
    expect(await valuesOf()).toEqual([]);
    expect(await tx.abort()).toBe(ErrorCode.NONE);
    expect(await valuesOf()).toEqual(['plain']);
    expect(await stateOf('tx')).toBe('CompleteAbort');
    await tx.produce('t', 0, ['yes']);
    await tx.commit();
    expect(await valuesOf()).toEqual(['plain', 'yes']);
  });

  it('takes offsets with it', async () => {
    const tx = await producer(style);
    expect(await tx.commitOffset('t', 0, 5)).toBe(ErrorCode.NONE);
    expect(await committedOffset(node, 't', 0)).toBeNull();
    expect(await committedOffset(node, 't', 0, false)).toBe(-1);
    await tx.commit();
    expect(await committedOffset(node, 't', 0)).toBe(5);
    await tx.commitOffset('t', 0, 9);
    await tx.abort();
    expect(await committedOffset(node, 't', 0)).toBe(5);
  });

  it('ends in place of a producer that takes too long', async () => {
    const tx = await producer(style);
    await tx.produce('t', 0, ['late']);
    await node.ports.clock.advance(TIMEOUT_MS + 20_000);
    expect(await stateOf('tx')).toBe('CompleteAbort');
    expect(await latest(1)).toBe(2);
    expect(await valuesOf()).toEqual([]);
    expect([ErrorCode.PRODUCER_FENCED, ErrorCode.INVALID_TXN_STATE, ErrorCode.INVALID_PRODUCER_EPOCH]).toContain(await tx.endOnce(true));
    expect([ErrorCode.PRODUCER_FENCED, ErrorCode.INVALID_PRODUCER_EPOCH]).toContain(await tx.produce('t', 0, ['zombie']));
  });

  it('is aborted when another producer takes its id, and its own is fenced', async () => {
    const old = await producer(style);
    await old.produce('t', 0, ['old']);
    const successor = await producer(style);
    expect(successor.identity.producerId).toBe(old.identity.producerId);
    expect(successor.identity.producerEpoch).toBeGreaterThan(old.identity.producerEpoch);
    expect(await latest(1)).toBe(2);
    expect(await old.endOnce(true)).toBe(ErrorCode.PRODUCER_FENCED);
    expect(await old.produce('t', 0, ['zombie'])).not.toBe(ErrorCode.NONE);
    expect(await old.produce('t', 1, ['zombie'])).not.toBe(ErrorCode.NONE);
    expect(await old.commitOffset('t', 0, 1)).not.toBe(ErrorCode.NONE);
    await successor.produce('t', 0, ['new']);
    await successor.commit();
    expect(await valuesOf()).toEqual(['new']);
    expect(await valuesOf(1)).toEqual([]);
  });

  it.each([false, true])('goes on over a kill of the broker (commit: %s)', async (isCommit) => {
    const tx = await producer(style);
    await tx.produce('t', 0, ['a']);
    await tx.commitOffset('t', 1, 3);
    await restart();
    const again = Object.assign(tx, { node });
    expect(await latest(1)).toBe(0);
    expect(await committedOffset(node, 't', 1)).toBeNull();
    expect(await again.produce('t', 0, ['b'])).toBe(ErrorCode.NONE);
    expect(await again.end(isCommit)).toBe(ErrorCode.NONE);
    expect(await valuesOf()).toEqual(isCommit ? ['a', 'b'] : []);
    expect(await committedOffset(node, 't', 1)).toBe(isCommit ? 3 : -1);
    await restart();
    expect(await valuesOf()).toEqual(isCommit ? ['a', 'b'] : []);
    expect(await committedOffset(node, 't', 1)).toBe(isCommit ? 3 : -1);
  });
});

describe('markers', () => {
  it('are written after a restart when the broker ended between the decision and them', async () => {
    const tx = await producer();
    await tx.produce('t', 0, ['a']);
    await tx.produce('t', 1, ['b']);
    node.disk.failNextWrite('/t-1/', 'ENOSPC');
    void tx.endOnce(true).catch(() => null);
    await settle();
    await settle();
    expect(await valuesOf()).toEqual(['a']);
    await restart();
    for (let i = 0; i < 20 && (await stateOf('tx')) !== 'CompleteCommit'; i++) await node.ports.clock.advance(100);
    expect(await valuesOf()).toEqual(['a']);
    expect(await valuesOf(1)).toEqual(['b']);
  });

  it('end a transaction that hangs, and only with its epoch', async () => {
    const tx = await producer('old');
    await tx.produce('t', 0, ['stuck']);
    const described = await call(node, DescribeProducers, 0, { topics: [{ name: 't', partitionIndexes: [0, 7] }] });
    const [zero, seven] = described.topics[0]!.partitions;
    expect(zero!.activeProducers).toMatchObject([{ ...tx.identity, lastSequence: 0, currentTxnStartOffset: 0 }]);
    expect(seven!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const write = async (producerEpoch: number): Promise<number> => {
      const marker = { producerId: tx.identity.producerId, producerEpoch, transactionResult: false, coordinatorEpoch: 0, transactionVersion: 0, topics: [{ name: 't', partitionIndexes: [0] }] };
      const response = await call(node, WriteTxnMarkers, 1, { markers: [marker] });
      return response.markers[0]!.topics[0]!.partitions[0]!.errorCode;
    };
    expect(await write(tx.identity.producerEpoch - 1)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(await write(tx.identity.producerEpoch)).toBe(ErrorCode.NONE);
    expect(await latest(1)).toBe(2);
    expect(await valuesOf()).toEqual([]);
    const after = await call(node, DescribeProducers, 0, { topics: [{ name: 't', partitionIndexes: [0] }] });
    expect(after.topics[0]!.partitions[0]!.activeProducers).toMatchObject([{ currentTxnStartOffset: -1, coordinatorEpoch: 0 }]);
  });

  it('of a topic that is gone are not owed', async () => {
    const tx = await producer();
    await createTopic(node, 'gone', 1);
    await tx.produce('gone', 0, ['x']);
    await tx.produce('t', 0, ['y']);
    const { id } = node.metadata.image.topicsByName.get('gone')!;
    await node.metadata.controller.deleteTopics([id]);
    expect(await tx.commit()).toBe(ErrorCode.NONE);
    for (let i = 0; i < 20 && (await stateOf('tx')) !== 'CompleteCommit'; i++) await node.ports.clock.advance(100);
    expect(await stateOf('tx')).toBe('CompleteCommit');
    expect(await valuesOf()).toEqual(['y']);
  });
});

describe('verification', () => {
  it('keeps batches out of the log that are of no transaction', async () => {
    const tx = await producer('old');
    const odd = async (version: number): Promise<number> => (await tx.produceOnce('t', 0, ['x'], version)).errorCode;
    expect(await odd(11)).toBe(ErrorCode.TRANSACTION_ABORTABLE);
    expect(await odd(10)).toBe(ErrorCode.INVALID_TXN_STATE);
    expect(await tx.commitOffsetOnce('t', 0, 1, 'g', 4)).toBe(ErrorCode.TRANSACTION_ABORTABLE);
    expect(await tx.commitOffsetOnce('t', 0, 1, 'g', 3)).toBe(ErrorCode.INVALID_TXN_STATE);
    expect(await latest(0)).toBe(0);
    expect(await tx.addPartition('t', 0)).toBe(ErrorCode.NONE);
    expect(await odd(11)).toBe(ErrorCode.NONE);
    await tx.commit();
    expect(await odd(11)).toBe(ErrorCode.TRANSACTION_ABORTABLE);
    expect(await latest(0)).toBe(2);
  });

  it('waits for the marker of the transaction before, and is not ended by it', async () => {
    const tx = await producer();
    await tx.produce('t', 0, ['a']);
    await tx.commitOffset('t', 1, 1);
    node.disk.failNextWrite('/t-0/', 'ENOSPC');
    expect(await tx.endOnce(true)).toBe(ErrorCode.NONE);
    const next = tx.produceOnce('t', 0, ['b']);
    const offset = tx.commitOffsetOnce('t', 1, 2);
    await node.ports.clock.advance(90);
    expect([(await next).errorCode, await offset]).toEqual([ErrorCode.NONE, ErrorCode.NONE]);
    await tx.commit();
    expect(await valuesOf()).toEqual(['a', 'b']);
    expect(await committedOffset(node, 't', 1)).toBe(2);
  });

  it('knows ids and their producers', async () => {
    const tx = await producer('old');
    const other = await producer('old', 'other');
    const stranger = Object.assign(new TransactionalProducer(node, 'tx', 'new'), { identity: other.identity });
    expect(await stranger.produce('t', 0, ['x'])).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
    const nobody = Object.assign(new TransactionalProducer(node, 'nobody', 'new'), { identity: tx.identity });
    expect(await nobody.produce('t', 0, ['x'])).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
    expect(await latest(0)).toBe(0);
  });

  it('asks for several transactions at once on behalf of other brokers', async () => {
    const tx = await producer('old');
    await tx.addPartition('t', 0);
    const transaction = { transactionalId: 'tx', ...tx.identity, verifyOnly: true, topics: [{ name: 't', partitions: [0, 1] }] };
    const base = { v3AndBelowTransactionalId: '', v3AndBelowProducerId: 0, v3AndBelowProducerEpoch: 0, v3AndBelowTopics: [] };
    const response = await call(node, AddPartitionsToTxn, 4, { ...base, transactions: [transaction, { ...transaction, transactionalId: 'nobody' }] });
    const codes = response.resultsByTransaction.map(({ topicResults }) => topicResults[0]!.resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode));
    expect(codes).toEqual([[ErrorCode.NONE, ErrorCode.TRANSACTION_ABORTABLE], [ErrorCode.INVALID_PRODUCER_ID_MAPPING, ErrorCode.INVALID_PRODUCER_ID_MAPPING]]);
  });

  it('refuses all partitions when one is not there', async () => {
    const tx = await producer('old');
    const response = await call(node, AddPartitionsToTxn, 3, {
      transactions: [], v3AndBelowTransactionalId: 'tx', v3AndBelowProducerId: tx.identity.producerId, v3AndBelowProducerEpoch: tx.identity.producerEpoch,
      v3AndBelowTopics: [{ name: 't', partitions: [0, 9] }, { name: '__consumer_offsets', partitions: [0] }],
    });
    const codes = response.resultsByTopicV3AndBelow.map(({ resultsByPartition }) => resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode));
    expect(codes).toEqual([[ErrorCode.OPERATION_NOT_ATTEMPTED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION], [ErrorCode.TOPIC_AUTHORIZATION_FAILED]]);
    expect(await stateOf('tx')).toBe('Empty');
  });
});

describe('identities', () => {
  it('are refused for timeouts that are too long or none', async () => {
    await findTransactionCoordinator(node, 'tx');
    const tx = new TransactionalProducer(node, 'tx');
    expect(await tx.initOnce(900_001)).toBe(ErrorCode.INVALID_TRANSACTION_TIMEOUT);
    expect(await tx.initOnce(0)).toBe(ErrorCode.INVALID_TRANSACTION_TIMEOUT);
  });

  it('go on where a producer asks for its next epoch, once and again', async () => {
    const tx = await producer('old');
    const first = tx.identity;
    expect(await tx.initOnce(TIMEOUT_MS, first)).toBe(ErrorCode.NONE);
    const second = tx.identity;
    expect(second).toEqual({ producerId: first.producerId, producerEpoch: first.producerEpoch + 1 });
    expect(await tx.initOnce(TIMEOUT_MS, first)).toBe(ErrorCode.NONE);
    expect(tx.identity).toEqual(second);
    await producer('old');
    expect(await tx.initOnce(TIMEOUT_MS, second)).toBe(ErrorCode.PRODUCER_FENCED);
  });

  it('are forgotten when they were not used for long', async () => {
    await producer();
    await node.ports.clock.advance(660_000);
    expect(await stateOf('tx')).toBe(`error ${ErrorCode.TRANSACTIONAL_ID_NOT_FOUND}`);
    await restart();
    expect(await stateOf('tx')).toMatch('error');
    await node.ports.clock.advance(100);
    expect(await stateOf('tx')).toBe(`error ${ErrorCode.TRANSACTIONAL_ID_NOT_FOUND}`);
  });
});

describe('ListTransactions', () => {
  it('filters by state, producer, duration and pattern', async () => {
    const open = await producer('new', 'app-open');
    await open.produce('t', 0, ['x']);
    const idle = await producer('new', 'app-idle');
    await producer('new', 'zzz');
    await node.ports.clock.advance(5_000);
    const list = async (fields: object, version = 2): Promise<string[]> => {
      const response = await call(node, ListTransactions, version, makeListTransactionsRequest(fields));
      expect(response.errorCode).toBe(ErrorCode.NONE);
      return response.transactionStates.map(({ transactionalId }) => transactionalId).toSorted();
    };
    expect(await list({})).toEqual(['app-idle', 'app-open', 'zzz']);
    expect(await list({ stateFilters: ['Ongoing', 'Nonsense'] })).toEqual(['app-open']);
    expect(await list({ producerIdFilters: [idle.identity.producerId] })).toEqual(['app-idle']);
    expect(await list({ transactionalIdPattern: 'app-.*' })).toEqual(['app-idle', 'app-open']);
    expect(await list({ durationFilter: 4_000, stateFilters: ['Ongoing'] })).toEqual(['app-open']);
    expect(await list({ durationFilter: 6_000, stateFilters: ['Ongoing'] })).toEqual([]);
    const broken = await call(node, ListTransactions, 2, makeListTransactionsRequest({ transactionalIdPattern: '(' }));
    expect(broken.errorCode).toBe(ErrorCode.INVALID_REGULAR_EXPRESSION);
    const unknown = await call(node, ListTransactions, 0, makeListTransactionsRequest({ stateFilters: ['Nonsense'] }));
    expect(unknown).toMatchObject({ unknownStateFilters: ['Nonsense'], transactionStates: [] });
  });
});

it('a fetch tells the aborted transactions of what it returns, and no others', async () => {
  const tx = await producer('old');
  for (const [value, isCommit] of [['a', false], ['b', true], ['c', false]] as const) {
    await tx.produce('t', 0, [value]);
    await tx.end(isCommit);
  }
  const data = await fetchOnce(node, 't', 0, 2, 1);
  expect(data.abortedTransactions!.map(({ firstOffset }) => firstOffset)).toEqual([4]);
  expect((await fetchOnce(node, 't', 0, 0, 0)).abortedTransactions).toBeNull();
});
