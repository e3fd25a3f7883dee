import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearestName } from '../../src/base/nearest.ts';

const FAR = 1000;

describe('edit distance', () => {
  it.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', 'abd', 1],
    ['abc', 'ab', 1],
    ['abc', 'abcd', 1],
    ['abc', 'acb', 1],
    ['kitten', 'sitting', 3],
  ])('%s to %s is %i', (left, right, distance) => {
    expect(editDistance(left, right, FAR)).toBe(distance);
  });

  it('is the same both ways, and stops counting at the limit', () => {
    const text = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'c') });
    fc.assert(
      fc.property(text, text, fc.nat(5), (left, right, limit) => {
        const distance = editDistance(left, right, FAR);
        expect(editDistance(right, left, FAR)).toBe(distance);
        expect(editDistance(left, right, limit)).toBe(Math.min(distance, limit + 1));
      }),
    );
  });
});

describe('the nearest name', () => {
  const names = ['--topic', '--partitions', '--partition', '--bootstrap-server'];

  it.each([
    ['--topics', '--topic'],
    ['--partitoin', '--partition'],
    ['--Bootstrap-Server', '--bootstrap-server'],
    ['--zzz', null],
    ['x'.repeat(10_000), null],
  ])('to %s is %s', (name, nearest) => {
    expect(nearestName(name, names)).toBe(nearest);
  });
});
