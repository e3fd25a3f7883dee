/** Which neighbouring segments become one, so that segments do not shrink for ever. */
import { RELATIVE_MAX } from '../segments.ts';
import type { SegmentSlot } from '../segments.ts';

/** A segment with what counts against the limits of a group. */
export interface SizedSlot {
  readonly slot: SegmentSlot;
  readonly indexBytes: number;
  readonly timeIndexBytes: number;
}

interface Sums {
  bytes: number;
  indexBytes: number;
  timeIndexBytes: number;
}

/**
 * Groups of segments, in order, whose log bytes together stay within `segmentBytesMax` and whose indexes each within `indexBytesMax`. The
 * last of `slots` ends below `endOffset`.
 */
export function groupSegments(slots: readonly SizedSlot[], segmentBytesMax: number, indexBytesMax: number, endOffset: number): SegmentSlot[][] {
  const groups: SegmentSlot[][] = [];
  for (let index = 0; index < slots.length; ) {
    const first = slots[index] as SizedSlot;
    const sums: Sums = { bytes: first.slot.sizeBytes, indexBytes: first.indexBytes, timeIndexBytes: first.timeIndexBytes };
    const group = [first.slot];
    index += 1;
    for (; index < slots.length; index += 1) {
      const next = slots[index] as SizedSlot;
      const lastOffset = (slots[index + 1]?.slot.baseOffset ?? endOffset) - 1;
      const isInReach = next.slot.sizeBytes === 0 || lastOffset - first.slot.baseOffset <= RELATIVE_MAX;
      if (!isInReach || !fits(sums, next, segmentBytesMax, indexBytesMax)) break;
      sums.bytes += next.slot.sizeBytes;
      sums.indexBytes += next.indexBytes;
      sums.timeIndexBytes += next.timeIndexBytes;
      group.push(next.slot);
    }
    groups.push(group);
  }
  return groups;
}

function fits(sums: Sums, next: SizedSlot, segmentBytesMax: number, indexBytesMax: number): boolean {
  return (
    sums.bytes + next.slot.sizeBytes <= segmentBytesMax &&
    sums.indexBytes + next.indexBytes <= indexBytesMax &&
    sums.timeIndexBytes + next.timeIndexBytes <= indexBytesMax
  );
}
