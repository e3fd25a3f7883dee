/** The small files beside the segments of one log: producer snapshots, transaction indexes, leader epochs. Written in the background, one after the other. */
import { formatEpochCheckpoint } from './checkpoints.ts';
import { FileName, Suffix, offsetStem } from './fileNames.ts';
import type { LogState } from './logState.ts';
import type { SegmentSlot } from './segments.ts';

/** Writes of one log that are under way, in order. */
const writes = new WeakMap<LogState, Promise<void>>();

/** Runs `write` behind the writes of this log that were asked for before. A failure is reported through the directory's state. */
export function enqueue(state: LogState, doing: string, write: () => Promise<void>): Promise<void> {
  const before = writes.get(state) ?? Promise.resolve();
  const after = before.then(async () => {
    if (state.refusal !== null) return;
    try {
      await write();
    } catch (error) {
      // A refused log was renamed or taken offline meanwhile: its files are nobody's concern any more.
      if (state.refusal === null) state.environment.ports.logger.warn(state.diskFailure(error, doing).message);
    }
  });
  writes.set(state, after);
  return after;
}

/** Resolves when what was asked for so far has been written, or has failed. */
export function sideFilesWritten(state: LogState): Promise<void> {
  return writes.get(state) ?? Promise.resolve();
}

export const snapshotPath = (state: LogState, offset: number): string => `${state.folder}/${offsetStem(offset)}${Suffix.snapshot}`;

/** Writes the producers of now: what a restart begins from. Not synced: it can be rebuilt. */
export function saveProducerSnapshot(state: LogState): void {
  const offset = state.producers.endOffset;
  if (state.snapshotOffsets.includes(offset)) return;
  const bytes = state.producers.snapshot();
  state.snapshotOffsets.push(offset);
  state.snapshotOffsets.sort((left, right) => left - right);
  void enqueue(state, 'writing a producer snapshot', () => state.disk.writeFile(snapshotPath(state, offset), bytes));
}

/** Deletes the snapshots that `isGone` names. */
export function deleteSnapshots(state: LogState, isGone: (offset: number) => boolean): void {
  const gone = state.snapshotOffsets.filter(isGone);
  if (gone.length === 0) return;
  state.snapshotOffsets = state.snapshotOffsets.filter((offset) => !gone.includes(offset));
  void enqueue(state, 'deleting producer snapshots', async () => {
    for (const offset of gone) await state.disk.remove(snapshotPath(state, offset));
  });
}

async function writeChecked(state: LogState, name: string, bytes: Buffer): Promise<void> {
  const { checksums, disk, folder } = state;
  await checksums.expect(name, bytes, false);
  await disk.writeFileAtomic(`${folder}/${name}`, bytes);
  checksums.settle(name, bytes);
}

export const transactionIndexPath = (state: LogState, slot: SegmentSlot): string => `${state.folder}/${offsetStem(slot.baseOffset)}${Suffix.transactionIndex}`;

export function saveTransactionIndex(state: LogState, slot: SegmentSlot): void {
  const index = slot.transactions;
  if (index === null || !index.dirty) return;
  index.dirty = false;
  const bytes = index.encode();
  void enqueue(state, 'writing a transaction index', async () => {
    try {
      await writeChecked(state, offsetStem(slot.baseOffset) + Suffix.transactionIndex, bytes);
    } catch (error) {
      index.dirty = true;
      throw error;
    }
  });
}

export function deleteTransactionIndex(state: LogState, slot: SegmentSlot): void {
  if (slot.transactions === null) return;
  const path = transactionIndexPath(state, slot);
  void enqueue(state, 'deleting a transaction index', () => state.disk.remove(path));
}

/** After a compaction: the indexes of `old` go, those that wait as `.swap` at `offsets` take their places. */
export function replaceTransactionIndexes(state: LogState, old: readonly SegmentSlot[], offsets: readonly number[]): void {
  const gone = old.filter((slot) => slot.transactions !== null && !offsets.includes(slot.baseOffset)).map((slot) => transactionIndexPath(state, slot));
  if (gone.length + offsets.length === 0) return;
  const paths = offsets.map((offset) => `${state.folder}/${offsetStem(offset)}${Suffix.transactionIndex}`);
  void enqueue(state, 'putting a compacted transaction index in place', async () => {
    for (const path of paths) await state.disk.rename(`${path}${Suffix.swap}`, path);
    for (const path of gone) await state.disk.remove(path);
  });
}

export function saveEpochs(state: LogState): void {
  if (!state.epochs.isUnsaved(state.logEndOffset)) return;
  const bytes = formatEpochCheckpoint(state.epochs.takeUnsaved(state.logEndOffset));
  void enqueue(state, 'writing the leader epochs', async () => {
    try {
      await writeChecked(state, FileName.leaderEpochs, bytes);
    } catch (error) {
      state.epochs.markUnsaved();
      throw error;
    }
  });
}

/**
 * Writes whatever a recovery that starts at the recovery point could not rebuild. True when it is safe to write a recovery
 * point that was current before the call.
 */
export async function saveBelowRecoveryPoint(state: LogState): Promise<boolean> {
  saveEpochs(state);
  for (const slot of state.segments.slots) saveTransactionIndex(state, slot);
  await sideFilesWritten(state);
  if (state.checksums.isDirty) await enqueue(state, 'writing checksums', () => state.checksums.write());
  return !state.checksums.isDirty && !state.epochs.isUnsaved(state.logEndOffset) && state.segments.slots.every((slot) => slot.transactions === null || !slot.transactions.dirty);
}
