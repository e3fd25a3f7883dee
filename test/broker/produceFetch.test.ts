import { describe, expect, it } from 'vitest';
import { startNode } from './support/node.ts';
import { batch, createTopic, fetchOne, produce, valuesIn } from './support/work.ts';

describe('produce and fetch', () => {
  it('give back what was taken', async () => {
    const node = await startNode();
    await createTopic(node, 'events', 2);
    expect(await produce(node, 'events', 1, batch(['a', 'b']))).toMatchObject({ errorCode: 0, baseOffset: 0, logStartOffset: 0 });
    expect(await produce(node, 'events', 1, batch(['c']))).toMatchObject({ errorCode: 0, baseOffset: 2 });
    const fetched = await fetchOne(node, 'events', 1, 0);
    expect(fetched).toMatchObject({ errorCode: 0, highWatermark: 3, lastStableOffset: 3, logStartOffset: 0 });
    expect(valuesIn(fetched.records)).toEqual(['a', 'b', 'c']);
    await node.stop();
  });
});
