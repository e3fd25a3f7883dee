import { describe, expect, it } from 'vitest';
import { ControlType, buildEndTransactionMarker } from '../../src/record/control.ts';
import type { AppendInfo, AppendOptions, Log } from '../../src/storage/index.ts';
import { append, batchOf, COORDINATOR, refusal, startStore, topicConfig, TOPIC_ID } from './support/store.ts';

const PRODUCER = 9;

async function openLog(): Promise<Log> {
  const { store } = await startStore();
  return store.open('t', 0, TOPIC_ID, topicConfig());
}

function data(log: Log, baseSequence: number, producerEpoch: number, options: Partial<AppendOptions> = {}): Promise<AppendInfo> {
  const bytes = batchOf(['v'], { producerId: PRODUCER, producerEpoch, baseSequence, isTransactional: true });
  return append(log, bytes, { leaderEpoch: 0, origin: 'client', ...options });
}

function marker(log: Log, producerEpoch: number, transactionVersion: number): Promise<AppendInfo> {
  const bytes = buildEndTransactionMarker({ type: ControlType.commit, producerId: PRODUCER, producerEpoch, coordinatorEpoch: 0, timestampMs: 1 });
  return append(log, bytes, { ...COORDINATOR, transactionVersion });
}

describe('a verification', () => {
  it('lets a batch open a transaction, and those behind it follow', async () => {
    const log = await openLog();
    const verification = log.beginVerification(PRODUCER, 0, 0);
    await data(log, 0, 0, { verification });
    await data(log, 1, 0, { verification });
    await data(log, 2, 0);
    expect(log.producer(PRODUCER)).toMatchObject({ transactionFirstOffset: 0, lastSequence: 2 });
  });

  it('ends with a marker: the batch of a transaction that is over opens no other', async () => {
    const log = await openLog();
    const verification = log.beginVerification(PRODUCER, 0, 0);
    await marker(log, 0, 0);
    expect((await refusal(data(log, 0, 0, { verification }))).kind).toBe('invalidTransactionState');
    await data(log, 0, 0, { verification: log.beginVerification(PRODUCER, 0, 0) });
  });

  it('holds for the batches of coordinators as well', async () => {
    const log = await openLog();
    const verification = log.beginVerification(PRODUCER, 0, 0);
    const offsets = (options: Partial<AppendOptions>): Promise<AppendInfo> =>
      append(log, batchOf(['o'], { producerId: PRODUCER, producerEpoch: 0, isTransactional: true }), { ...COORDINATOR, ...options });
    await marker(log, 0, 0);
    expect((await refusal(offsets({ verification }))).kind).toBe('invalidTransactionState');
    await offsets({ verification: log.beginVerification(PRODUCER, 0, 0) });
    await offsets({});
    expect(log.logEndOffset).toBe(3);
  });

  it('keeps a later batch from passing an earlier one of a producer that nothing is known of', async () => {
    const log = await openLog();
    log.beginVerification(PRODUCER, 0, 4);
    const verification = log.beginVerification(PRODUCER, 0, 5);
    expect((await refusal(data(log, 5, 0, { verification }))).kind).toBe('outOfOrderSequence');
    await data(log, 4, 0, { verification });
    await data(log, 5, 0, { verification });
  });

  it('that was dropped holds no more', async () => {
    const log = await openLog();
    const verification = log.beginVerification(PRODUCER, 0, 0);
    log.dropVerification(verification);
    expect((await refusal(data(log, 0, 0, { verification }))).kind).toBe('invalidTransactionState');
  });
});

describe('epochs that grow with each transaction', () => {
  it('let a marker end none but the transaction before it', async () => {
    const log = await openLog();
    await data(log, 0, 0);
    await marker(log, 1, 2);
    // the same marker once more, as after a restart of its coordinator
    await marker(log, 1, 2);
    await data(log, 0, 1);
    expect((await refusal(marker(log, 1, 2))).kind).toBe('invalidProducerEpoch');
    expect(log.lastStableOffset).toBe(3);
    await marker(log, 2, 2);
    expect(log.lastStableOffset).toBe(5);
  });

  it('begin at sequence 0 where nothing is known', async () => {
    const log = await openLog();
    expect((await refusal(data(log, 3, 0, { transactionVersion: 2 }))).kind).toBe('outOfOrderSequence');
    await data(log, 3, 0, { transactionVersion: 0 });
  });
});
