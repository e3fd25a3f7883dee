/**
 * Puts cleaned segments in the place of those that they were made from, so that a crash at any moment leaves either the old or the new ones: `.cleaned`
 * is thrown away at a start, `.swap` is put in place (folderScan.ts).
 */
import { assert } from '../../base/assert.ts';
import { Suffix, offsetStem } from '../fileNames.ts';
import { noteIndexChecksums } from '../indexChecksums.ts';
import type { LogState } from '../logState.ts';
import { removeReplaced } from '../removal.ts';
import { SegmentSlot } from '../segments.ts';
import { replaceTransactionIndexes } from '../sideFiles.ts';
import type { CleanedSegment } from './cleanedSegments.ts';
import { CleaningAborted } from './cleaning.ts';
import type { Cleaning } from './cleaning.ts';

const pathOf = (state: LogState, baseOffset: number, suffix: string): string => `${state.folder}/${offsetStem(baseOffset)}${Suffix.transactionIndex}${suffix}`;

/**
 * `old` are neighbours. Those in `cleaned` are taken out once they are in place: what is left there after DiskError or CleaningAborted was not put in
 * place, and may be removed (`removeUnused`).
 */
export async function swapIn(state: LogState, old: readonly SegmentSlot[], cleaned: CleanedSegment[], cleaning: Cleaning): Promise<void> {
  const { disk, folder } = state;
  // A reader that finds an index of aborted transactions beside data that lacks them would take later data for aborted.
  const hadTransactions = old.some((slot) => slot.transactions !== null);
  const withIndex = cleaned.filter(({ transactions }) => hadTransactions || transactions.size > 0);
  for (const { segment, transactions } of withIndex) {
    const bytes = transactions.encode();
    await disk.writeFileAtomic(pathOf(state, segment.baseOffset, Suffix.cleaned), bytes);
    await state.checksums.expect(offsetStem(segment.baseOffset) + Suffix.transactionIndex, bytes, false);
  }
  if (cleaning.isAborted) throw new CleaningAborted();
  for (const { segment } of withIndex) await disk.rename(pathOf(state, segment.baseOffset, Suffix.cleaned), pathOf(state, segment.baseOffset, Suffix.swap));
  for (const { segment } of cleaned) segment.rename(Suffix.swap);
  await disk.syncDirectory(folder);
  try {
    replaceNow(state, old, cleaned.splice(0));
  } catch (error) {
    // Neither the old nor the new segments are all in place: the next start finishes it.
    state.host.fail(`putting compacted segments of ${state.name} in place failed: ${String(error)}`);
    throw error;
  }
  replaceTransactionIndexes(state, old, withIndex.map(({ segment }) => segment.baseOffset));
  await disk.syncDirectory(folder);
}

/** In one turn of the event loop: whoever reads finds the old segments or the new ones. */
function replaceNow(state: LogState, old: readonly SegmentSlot[], cleaned: readonly CleanedSegment[]): void {
  const { segments } = state;
  const first = old[0] as SegmentSlot;
  const index = segments.slots.indexOf(first);
  assert(index >= 0 && old.every((slot, place) => segments.at(index + place) === slot), 'nobody takes segments away that are being cleaned');
  removeReplaced(state, old, new Set(cleaned.map(({ segment }) => segment.baseOffset)));
  const slots = cleaned.map(({ segment, transactions }) => {
    segment.rename('');
    const slot = new SegmentSlot(segment.baseOffset, segment.sizeBytes, (old.at(-1) as SegmentSlot).bornMs);
    slot.segment = segment;
    slot.wasUsed = true;
    if (transactions.size > 0) slot.transactions = transactions;
    transactions.dirty = false;
    return slot;
  });
  segments.replace(index, old.length, slots);
  for (const slot of slots) noteIndexChecksums(state, slot);
}

/** Takes cleaned segments back that were not put in place. An index of transactions goes first: alone, a start would put it beside the old data. */
export async function removeUnused(state: LogState, cleaned: CleanedSegment[]): Promise<void> {
  for (const { segment } of cleaned) {
    for (const suffix of [Suffix.swap, Suffix.cleaned]) await state.disk.remove(pathOf(state, segment.baseOffset, suffix));
  }
  for (const { segment } of cleaned.splice(0)) await segment.delete();
}
