import { describe, expect, it } from 'vitest';
import { append, batchOf, readAll, startStore, topicConfig, TOPIC_ID, afterKill } from './support/store.ts';

describe('a log', () => {
  it('gives back what was appended, across segments', async () => {
    const { store } = await startStore();
    const log = await store.open('events', 0, TOPIC_ID, topicConfig({ segmentBytes: 400 }));
    const values: string[] = [];
    for (let index = 0; index < 50; index += 1) {
      const info = await append(log, batchOf([`a${index}`, `b${index}`]));
      expect(info.firstOffset).toBe(index * 2);
      values.push(`a${index}`, `b${index}`);
    }
    expect(log.segmentCount).toBeGreaterThan(5);
    expect(readAll(log).map((record) => record.value)).toEqual(values);
    await store.close();
  });

  it('is there again after a clean stop and after a kill', async () => {
    const first = await startStore();
    const log = await first.store.open('events', 0, TOPIC_ID, topicConfig({ segmentBytes: 400 }));
    for (let index = 0; index < 20; index += 1) await append(log, batchOf([`v${index}`]));
    await first.store.close();
    const second = await startStore({ disk: first.disk, ports: first.ports, config: topicConfig({ segmentBytes: 400 }) });
    const again = second.store.get('events', 0)!;
    expect(readAll(again).map((record) => record.offset)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    await append(again, batchOf(['more']));
    const third = await startStore({ disk: afterKill(first.disk, first.ports), ports: first.ports });
    expect(readAll(third.store.get('events', 0)!)).toHaveLength(21);
  });
});
