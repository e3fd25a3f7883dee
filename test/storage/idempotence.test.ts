import { describe, expect, it } from 'vitest';
import { afterKill, append, batchOf, readAll, refusal, startStore, topicConfig, TOPIC_ID, flush } from './support/store.ts';
import type { Log } from '../../src/storage/index.ts';

const producer = (baseSequence: number, producerEpoch = 0, producerId = 5) => ({ producerId, producerEpoch, baseSequence });
const sent = (sequence: number, epoch = 0, count = 1): Buffer => batchOf(Array.from({ length: count }, (_, index) => `s${sequence + index}`), producer(sequence, epoch));

async function newLog(): Promise<{ log: Log; stop: () => Promise<void> }> {
  const { store } = await startStore();
  return { log: await store.open('t', 0, TOPIC_ID, topicConfig()), stop: () => store.close() };
}

describe('an idempotent producer', () => {
  it('gets the first offset again for each of its last five batches', async () => {
    const { log, stop } = await newLog();
    for (let index = 0; index < 7; index += 1) await append(log, sent(index * 2, 0, 2));
    for (let index = 2; index < 7; index += 1) expect(await append(log, sent(index * 2, 0, 2))).toMatchObject({ duplicate: true, firstOffset: index * 2, lastOffset: index * 2 + 1 });
    expect((await refusal(append(log, sent(2, 0, 2)))).kind).toBe('outOfOrderSequence');
    expect(log.logEndOffset).toBe(14);
    await stop();
  });

  it('is refused a gap, a repeated sequence of another size, and an old epoch', async () => {
    const { log, stop } = await newLog();
    await append(log, sent(0, 3, 3));
    expect((await refusal(append(log, sent(4, 3)))).kind).toBe('outOfOrderSequence');
    expect((await refusal(append(log, sent(0, 3, 2)))).kind).toBe('outOfOrderSequence');
    expect((await refusal(append(log, sent(3, 2)))).kind).toBe('invalidProducerEpoch');
    expect((await append(log, sent(3, 3))).firstOffset).toBe(3);
    await stop();
  });

  it('begins a new epoch at sequence 0', async () => {
    const { log, stop } = await newLog();
    await append(log, sent(0, 0));
    expect((await refusal(append(log, sent(1, 1)))).kind).toBe('outOfOrderSequence');
    expect((await append(log, sent(0, 1))).duplicate).toBe(false);
    expect((await refusal(append(log, sent(1, 0)))).kind).toBe('invalidProducerEpoch');
    await stop();
  });

  it('may begin anywhere when nothing is known about it', async () => {
    const { log, stop } = await newLog();
    expect((await append(log, sent(1234))).firstOffset).toBe(0);
    expect((await append(log, sent(1235))).firstOffset).toBe(1);
    await stop();
  });

  it('wraps its sequence from 2^31-1 to 0, inside a batch and between batches', async () => {
    const { log, stop } = await newLog();
    const max = 0x7fffffff;
    await append(log, sent(max - 1, 0, 4));
    expect(await append(log, sent(max - 1, 0, 4))).toMatchObject({ duplicate: true, firstOffset: 0 });
    expect((await append(log, sent(2))).firstOffset).toBe(4);
    await append(log, batchOf(['x'], producer(max, 0, 6)));
    expect((await append(log, batchOf(['y'], producer(0, 0, 6)))).duplicate).toBe(false);
    await stop();
  });

  it('gets a checksum error, not a sequence error, when its bytes were damaged', async () => {
    const { log, stop } = await newLog();
    await append(log, sent(0));
    const damaged = sent(1);
    damaged.writeInt32BE(9, 53);
    expect((await refusal(append(log, damaged))).kind).toBe('corrupt');
    const copy = sent(0);
    copy[copy.length - 1]! ^= 1;
    expect((await refusal(append(log, copy))).kind).toBe('corrupt');
    await stop();
  });

  it('does not pass a failed batch: what follows it in the queue is out of order', async () => {
    const { log, stop } = await newLog();
    await append(log, sent(0));
    const bad = batchOf(['one', 'two'], { ...producer(1), codec: 1 });
    bad[bad.length - 10]! ^= 0xff;
    const results = await Promise.allSettled([append(log, bad), append(log, sent(3)), append(log, sent(1))]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    await stop();
  });

  it('is known after a clean stop, a kill and a power loss', async () => {
    const config = topicConfig({ segmentBytes: 300 });
    const first = await startStore({ config });
    const log = await first.store.open('t', 0, TOPIC_ID, config);
    for (let index = 0; index < 10; index += 1) await append(log, sent(index));
    await first.store.close();

    const second = await startStore({ disk: first.disk, ports: first.ports, config });
    const again = second.store.get('t', 0)!;
    expect(await append(again, sent(9))).toMatchObject({ duplicate: true, firstOffset: 9 });
    for (let index = 10; index < 20; index += 1) await append(again, sent(index));
    await flush(again);

    const third = await startStore({ disk: afterKill(first.disk, first.ports), ports: first.ports, config });
    for (let index = 15; index < 20; index += 1) expect(await append(third.store.get('t', 0)!, sent(index))).toMatchObject({ duplicate: true, firstOffset: index });

    const fourth = await startStore({ disk: third.disk.crash(), ports: first.ports, config });
    expect(await append(fourth.store.get('t', 0)!, sent(19))).toMatchObject({ duplicate: true, firstOffset: 19 });
    expect((await refusal(append(fourth.store.get('t', 0)!, sent(21)))).kind).toBe('outOfOrderSequence');
    await fourth.store.close();
  });

  it('is known when its snapshots are gone or corrupt', async () => {
    const config = topicConfig({ segmentBytes: 300 });
    const first = await startStore({ config });
    const log = await first.store.open('t', 0, TOPIC_ID, config);
    for (let index = 0; index < 12; index += 1) await append(log, sent(index));
    await first.store.close();
    for (const entry of await first.disk.list('/data/t-0')) {
      if (entry.name.endsWith('.snapshot')) first.disk.flipBit(`/data/t-0/${entry.name}`, 9, 3);
    }
    const second = await startStore({ disk: first.disk, ports: first.ports, config });
    expect(await append(second.store.get('t', 0)!, sent(8))).toMatchObject({ duplicate: true, firstOffset: 8 });
    expect(first.ports.logger.lines.some((line) => line.includes('snapshot is corrupt'))).toBe(true);
    await second.store.close();
  });

  it('is forgotten after its expiration, unless a transaction is open', async () => {
    const { store, ports } = await startStore({ producerIdExpirationMs: 3_600_000 });
    const log = await store.open('t', 0, TOPIC_ID, topicConfig());
    await append(log, sent(0));
    await append(log, batchOf(['t'], { ...producer(0, 0, 8), isTransactional: true }));
    expect(log.producers().map((view) => view.producerId)).toEqual([5, 8]);
    await ports.clock.advance(4_300_000);
    expect(log.producers().map((view) => view.producerId)).toEqual([8]);
    expect((await append(log, sent(40))).firstOffset).toBe(2);
    await store.close();
  });

  it('keeps its last epoch and sequence when the records are deleted', async () => {
    const config = topicConfig({ segmentBytes: 200 });
    const { store, disk, ports } = await startStore({ config });
    const log = await store.open('t', 0, TOPIC_ID, config);
    for (let index = 0; index < 6; index += 1) await append(log, sent(index));
    await log.deleteRecordsBefore(6);
    log.applyRetention(ports.clock.now());
    expect(readAll(log)).toEqual([]);
    await store.close();
    const again = await startStore({ disk, ports, config });
    expect((await refusal(append(again.store.get('t', 0)!, sent(7)))).kind).toBe('outOfOrderSequence');
    expect((await append(again.store.get('t', 0)!, sent(6))).firstOffset).toBe(6);
    await again.store.close();
  });
});
