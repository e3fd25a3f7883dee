/** Which records of a refused batch are the ones it is refused for. */
import { RecordCursor } from './iterate.ts';
import type { InflateLimits } from './inflater.ts';
import { RecordError } from './recordError.ts';

/** So many are named; a batch may hold millions of records of some bytes each, and each answer about one is larger than that. */
export const DEFECTS_MAX = 10_000;

type Bounds = Pick<InflateLimits, 'requireKeys' | 'timestampMin' | 'timestampMax'>;

/**
 * Places (from 0, ascending, at most DEFECTS_MAX) of the records that lack a key or whose timestamps are out of bounds. `records`: the inflated records
 * section, or null where the batch is not compressed. A record that cannot be read ends the list: everything behind it is unreadable too.
 */
export function recordDefects(batch: Buffer, records: Buffer | null, bounds: Bounds): number[] {
  const found: number[] = [];
  const cursor = new RecordCursor();
  try {
    cursor.open(batch, 0, records);
    while (found.length < DEFECTS_MAX && cursor.next()) {
      const lacksKey = bounds.requireKeys && cursor.keyLength < 0;
      const isOutOfBounds = cursor.timestampMs !== -1 && (cursor.timestampMs < bounds.timestampMin || cursor.timestampMs > bounds.timestampMax);
      if (lacksKey || isOutOfBounds) found.push(cursor.index);
    }
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
  }
  return found;
}
