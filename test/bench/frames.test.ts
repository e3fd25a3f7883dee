import { describe, expect, it } from 'vitest';
import { Frames, buildBatch } from '../../bench/broker/load/frames.ts';
import type { LoadOrder } from '../../bench/broker/load/order.ts';
import type { Row } from '../../bench/catalogue.ts';
import { Recorder } from '../../bench/report/recorder.ts';
import { rowLines } from '../../bench/report/table.ts';
import { compute } from '../../src/binding/load.ts';
import { Field, HEADER_BYTES, baseSequenceOf, crcOf, isTransactional, attributesOf, producerEpochOf, producerIdOf } from '../../src/record/batchHeader.ts';

const order: LoadOrder = {
  host: '', port: 0, pid: 0, mode: 'produce', topic: 'frames', topicConfig: {}, partitions: 1, connections: 1, inFlight: 3, recordBytes: 20, batchRecords: 10, requestsPerSecond: 0, fillBytes: 0,
  warmUpSeconds: 0, seconds: 0, bytesMax: 0, producers: 'transactional',
};

describe('frames of a producer with an id', () => {
  it('have growing sequences, past the largest one too, and the checksum for them', () => {
    const batch = buildBatch(order.batchRecords, order.recordBytes, true);
    const frames = new Frames(order, 0, batch, 'mine');
    const at = frames.next().indexOf(batch.subarray(HEADER_BYTES)) - HEADER_BYTES;
    frames.identify(77, 5);
    const seen: number[] = [];
    for (let count = 0; count < 12; count += 1) {
      if (count === 6) frames.rewind(0x7fffffff - 14);
      const sent = frames.next().subarray(at, at + batch.length);
      expect([producerIdOf(sent, 0), producerEpochOf(sent, 0), isTransactional(attributesOf(sent, 0))]).toEqual([77, 5, true]);
      expect(compute.crc32c(sent.subarray(Field.attributes))).toBe(crcOf(sent, 0));
      seen.push(baseSequenceOf(sent, 0));
    }
    expect(seen).toEqual([0, 10, 20, 30, 40, 50, 0x7fffffff - 14, 0x7fffffff - 4, 5, 15, 25, 35]);
  });
});

describe('a row whose contenders are compared with each other', () => {
  it('gives the ratio in every figure, above 1 where the contender is better', () => {
    const row: Row = {
      name: 'row', title: 'a row', group: 'secured', contenders: ['plain', 'tls', 'kafka'], against: { tls: ['plain'] },
      figures: [{ key: 'rate', unit: 'M/s', better: 'higher' }, { key: 'cpu', unit: 'CPU-s/GB', better: 'lower' }],
    };
    const recorder = new Recorder();
    recorder.add(row, 'plain', { rate: 4, cpu: 1 }, 'tidelog');
    recorder.add(row, 'tls', { rate: 2, cpu: 2.5 }, 'tidelog');
    recorder.skip(row, 'kafka', 'not today');
    recorder.finishRow(row);
    expect(recorder.ratios.map(({ contender, peer, figure, ratio }) => [contender, peer, figure, ratio])).toEqual([['tls', 'plain', 'rate', 0.5], ['tls', 'plain', 'cpu', 0.4]]);
    expect(rowLines(row, recorder).join('\n')).toContain('times as good as plain: 0.50 in M/s, 0.40 in CPU-s/GB');
  });
});
