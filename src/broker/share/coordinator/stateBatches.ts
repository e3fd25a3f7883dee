/** Stretches of records with their delivery state, as they are kept and laid over each other. */
import { pushState } from '../partition/inFlight.ts';
import type { StateBatch } from '../partition/inFlight.ts';

/**
 * `newer` laid over `older`, cut at `startOffset`: in order, without overlaps, neighbours that say the same joined. `older` must be in order and without
 * overlaps; of `newer` later entries win over earlier ones.
 */
export function combine(older: readonly StateBatch[], newer: readonly StateBatch[], startOffset: number): StateBatch[] {
  const laid = [...older];
  for (const batch of newer) if (batch.lastOffset >= batch.firstOffset) overlay(laid, batch);
  const combined: StateBatch[] = [];
  for (const { firstOffset, lastOffset, deliveryState, deliveryCount } of laid) {
    if (lastOffset >= startOffset) pushState(combined, Math.max(firstOffset, startOffset), lastOffset, deliveryState, deliveryCount);
  }
  return combined;
}

function overlay(laid: StateBatch[], batch: StateBatch): void {
  const from = firstEndingFrom(laid, batch.firstOffset);
  let to = from;
  while (to < laid.length && laid[to]!.firstOffset <= batch.lastOffset) to++;
  const replaced: StateBatch[] = [batch];
  if (to > from) {
    const head = laid[from]!;
    const tail = laid[to - 1]!;
    if (head.firstOffset < batch.firstOffset) replaced.unshift({ ...head, lastOffset: batch.firstOffset - 1 });
    if (tail.lastOffset > batch.lastOffset) replaced.push({ ...tail, firstOffset: batch.lastOffset + 1 });
  }
  laid.splice(from, to - from, ...replaced);
}

function firstEndingFrom(laid: readonly StateBatch[], offset: number): number {
  let low = 0;
  let high = laid.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (laid[middle]!.lastOffset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
