/** Taking segments out of a log: renamed at once, deleted when nobody can be reading them any more. */
import { Suffix } from './fileNames.ts';
import type { Segment } from '../base/disk.ts';
import type { LogState } from './logState.ts';
import type { SegmentSlot } from './segments.ts';
import { deleteSnapshots, deleteTransactionIndex } from './sideFiles.ts';

/** Renames the files of segments that were taken out to `.deleted` and deletes them after file.delete.delay.ms. */
export function discardSegments(state: LogState, slots: readonly SegmentSlot[]): void {
  if (slots.length === 0) return;
  const opened = new Set<Segment>();
  for (const slot of slots) if (slot.segment !== null) opened.add(slot.segment);
  state.flush.forgetSegments(opened);
  for (const slot of slots) discard(state, slot);
  const gone = new Set(slots.map((slot) => slot.baseOffset));
  deleteSnapshots(state, (offset) => gone.has(offset));
}

function discard(state: LogState, slot: SegmentSlot): void {
  try {
    setAside(state, slot);
  } catch (error) {
    state.environment.ports.logger.warn(state.diskFailure(error, 'deleting a segment').message);
  }
  deleteTransactionIndex(state, slot);
}

/** Throws DiskError. */
function setAside(state: LogState, slot: SegmentSlot): void {
  const segment = state.segments.open(slot);
  segment.rename(Suffix.deleted);
  slot.segment = null;
  state.environment.defer(state.config.fileDeleteDelayMs, () => deleteFiles(state, segment));
}

/**
 * As discardSegments for segments whose places others take, those at the base offsets `kept`. Their transaction indexes are the caller's concern.
 * Throws DiskError.
 */
export function removeReplaced(state: LogState, slots: readonly SegmentSlot[], kept: ReadonlySet<number>): void {
  const opened = new Set<Segment>();
  for (const slot of slots) if (slot.segment !== null) opened.add(slot.segment);
  state.flush.forgetSegments(opened);
  for (const slot of slots) setAside(state, slot);
  const gone = new Set(slots.map((slot) => slot.baseOffset).filter((offset) => !kept.has(offset)));
  deleteSnapshots(state, (offset) => gone.has(offset));
}

/** Removes the folder of a log that was detached, after file.delete.delay.ms. What cannot be removed goes at the next start. */
export function removeFolderLater(log: { readonly state: LogState; closeFiles(): Promise<void> }): void {
  const { state } = log;
  state.environment.defer(state.config.fileDeleteDelayMs, () => {
    const removal = log.closeFiles().then(() => state.disk.remove(state.folder));
    removal.catch((error: unknown) => state.environment.ports.logger.warn('a deleted folder could not be removed', { folder: state.folder, reason: String(error) }));
  });
}

function deleteFiles(state: LogState, segment: Segment): void {
  segment.delete().catch((error: unknown) => {
    // Whatever is left is removed at the next start.
    state.environment.ports.logger.warn('the files of a deleted segment could not be removed', { log: state.name, reason: String(error) });
  });
}
