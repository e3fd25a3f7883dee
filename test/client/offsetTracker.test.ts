import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OffsetTracker } from '../../src/client/api/offsetTracker.ts';

it('commits no offset before everything below it is done, and in the end all of them', () => {
  fc.assert(fc.property(fc.uniqueArray(fc.nat(5000), { minLength: 1, maxLength: 300 }), fc.integer(), (numbers, seed) => {
    const offsets = [...numbers].sort((a, b) => a - b);
    const tracker = new OffsetTracker();
    for (const offset of offsets) tracker.add(offset);
    const order = offsets.map((offset, place) => ({ offset, weight: Math.imul(place + 1, seed | 1) })).sort((a, b) => a.weight - b.weight).map(({ offset }) => offset);
    const done = new Set<number>();
    let committed = -1;
    for (const offset of order) {
      done.add(offset);
      const next = tracker.finish(offset);
      if (next === -1) continue;
      expect(next).toBeGreaterThan(committed);
      committed = next;
      expect(offsets.filter((each) => each < next).every((each) => done.has(each))).toBe(true);
    }
    expect(committed).toBe((offsets.at(-1) as number) + 1);
    expect(tracker.pending).toBe(0);
  }));
});
