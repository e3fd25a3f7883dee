import { describe, expect, it } from 'vitest';
import { murmur2, partitionForKey, StickyPartition } from '../../src/client/producer/partitioner.ts';
import { seededRandom } from './support/cluster.ts';

/** As Kafka's own tests have them. */
const HASHES: readonly (readonly [string, number])[] = [
  ['21', -973_932_308], ['foobar', -790_332_482], ['a-little-bit-long-string', -985_981_536], ['a-little-bit-longer-string', -1_486_304_829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971], ['abc', 479_470_107],
];

describe('murmur2', () => {
  it.each(HASHES)('of %s is what the Java client computes', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  it('makes partitions of negative hashes, too', () => {
    expect(partitionForKey(Buffer.from('21'), 10)).toBe((-973_932_308 & 0x7fffffff) % 10);
    expect(partitionForKey(Buffer.alloc(0), 3)).toBeGreaterThanOrEqual(0);
  });
});

describe('records without a key', () => {
  const led = { leader: 1, leaderEpoch: 0 };
  const leaderless = { leader: -1, leaderEpoch: 0 };

  it('stay with one partition until its batch is closed, then go to another', () => {
    const sticky = new StickyPartition(seededRandom(3));
    const leaders = [led, led, led];
    for (let round = 0; round < 50; round++) {
      const first = sticky.choose(leaders);
      expect(sticky.choose(leaders)).toBe(first);
      sticky.onBatchClosed((first + 1) % 3, leaders);
      expect(sticky.choose(leaders)).toBe(first);
      sticky.onBatchClosed(first, leaders);
      expect(sticky.choose(leaders)).not.toBe(first);
    }
  });

  it('keep away from partitions without a leader while there are others', () => {
    const sticky = new StickyPartition(seededRandom(5));
    const leaders = [leaderless, led, leaderless, led];
    for (let round = 0; round < 20; round++) {
      const chosen = sticky.choose(leaders);
      expect([1, 3]).toContain(chosen);
      sticky.onBatchClosed(chosen, leaders);
    }
    expect(new StickyPartition(seededRandom(5)).choose([leaderless])).toBe(0);
  });

  it('take the only partition for ever', () => {
    const sticky = new StickyPartition(seededRandom(9));
    expect(sticky.choose([led])).toBe(0);
    sticky.onBatchClosed(0, [led]);
    expect(sticky.choose([led])).toBe(0);
  });
});
