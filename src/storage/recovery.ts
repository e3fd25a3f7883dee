/**
 * Loads one log from its folder. After a clean stop its files are believed; otherwise everything past the recovery point is scanned, torn and
 * corrupt tails are cut, and indexes, producers and epochs are made anew from what is left.
 */
import { definite } from '../base/assert.ts';
import type { ScanResult, ScannedBatch, Segment } from '../base/disk.ts';
import { CHECKPOINT_SIZE_MAX_BYTES, parseEpochCheckpoint } from './checkpoints.ts';
import { CHECKSUMS_SIZE_MAX_BYTES } from './checksums.ts';
import { FileName, Suffix, offsetStem } from './fileNames.ts';
import { PartitionFolder } from './folderReading.ts';
import { scanFolder } from './folderScan.ts';
import type { FolderFiles, FoundSegment } from './folderScan.ts';
import { beginChecks, checkIndexes, knowsIndexes, noteIndexChecksums, rebuildIndexes } from './indexChecksums.ts';
import type { LogState } from './logState.ts';
import { noteScannedBatch } from './producerNotes.ts';
import { bytesOf, loadNewestSnapshot, rebuildProducers, scanStart } from './producerRebuild.ts';
import { discardSegments } from './removal.ts';
import { drawRollJitter } from './roll.ts';
import { SegmentSlot } from './segments.ts';
import { deleteSnapshots, saveBelowRecoveryPoint, saveProducerSnapshot } from './sideFiles.ts';
import { TRANSACTION_INDEX_SIZE_MAX_BYTES } from './transactionIndex.ts';

/** What the checkpoints of the log directory say about one log; 0 where they are silent. */
export interface LogCheckpoints {
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** -1 where the log was never compacted: it has no gaps then. */
  readonly cleanedOffset: number;
  /** False when the file of recovery points was corrupt: then nothing is known about what lies below them. */
  readonly isTrusted: boolean;
}

export const NO_CHECKPOINTS: LogCheckpoints = { recoveryPoint: 0, logStartOffset: 0, highWatermark: 0, cleanedOffset: -1, isTrusted: true };

export interface LoadOptions {
  readonly checkpoints: LogCheckpoints;
  /** The store was stopped in order: nothing has to be scanned. */
  readonly isClean: boolean;
  /** Default: read when needed. */
  readonly folder?: PartitionFolder;
}

/** Fills an empty state from its folder, which exists. Throws DiskError. */
export async function loadLog(state: LogState, options: LoadOptions): Promise<void> {
  const folder = options.folder ?? new PartitionFolder(state.disk, state.folder);
  const content = await scanFolder(state.disk, folder);
  await loadSlots(state, content, folder);
  await loadEpochs(state, folder);
  state.snapshotOffsets = content.snapshots;
  if (state.segments.isEmpty) beginEmpty(state, options.checkpoints.logStartOffset);
  else if (isUntouched(state, content)) leaveUntouched(state);
  else if (options.isClean) await believe(state, folder);
  else await recover(state, options.checkpoints, folder);
  finishLoading(state, options.checkpoints);
  await protectAgain(state);
}

/**
 * What has no checksum gets one: with the next checkpoint where there was no list, and at once where the list was damaged, since a second bit that turns over would then go unnoticed.
 */
async function protectAgain(state: LogState): Promise<void> {
  const { checksums, segments } = state;
  if (state.epochs.size > 0 && !checksums.knows(FileName.leaderEpochs)) state.epochs.markUnsaved();
  if (checksums.wasDamaged) for (const slot of segments.slots.slice(0, -1)) if (!slot.needsIndexes) noteIndexChecksums(state, slot);
  for (const { baseOffset, transactions } of segments.slots) {
    if (transactions !== null && !checksums.knows(`${offsetStem(baseOffset)}${Suffix.transactionIndex}`)) transactions.dirty = true;
  }
  if (checksums.wasDamaged) await saveBelowRecoveryPoint(state);
}

async function loadSlots(state: LogState, content: FolderFiles, folder: PartitionFolder): Promise<void> {
  const now = state.environment.ports.clock.monotonicMs();
  const slots = content.segments.map((found) => slotOf(found, now));
  state.segments.load(slots);
  if (!state.checksums.take(await folder.readFile(FileName.checksums, CHECKSUMS_SIZE_MAX_BYTES))) {
    state.environment.ports.logger.warn('the checksums of a log are damaged: its small files are believed', { log: state.name });
  }
  beginChecks(state);
  for (const baseOffset of content.transactionIndexes) await loadTransactions(state, baseOffset, folder);
}

function slotOf(found: FoundSegment, bornMs: number): SegmentSlot {
  const slot = new SegmentSlot(found.baseOffset, found.sizeBytes, bornMs);
  slot.needsIndexes = !found.indexesLookWhole;
  return slot;
}

async function loadTransactions(state: LogState, baseOffset: number, folder: PartitionFolder): Promise<void> {
  const slot = state.segments.slots.find((candidate) => candidate.baseOffset === baseOffset);
  const name = `${offsetStem(baseOffset)}${Suffix.transactionIndex}`;
  const bytes = await folder.readFile(name, TRANSACTION_INDEX_SIZE_MAX_BYTES);
  if (slot === undefined || bytes === null || (slot.transactionsToChange().decode(bytes, baseOffset) && state.checksums.agree(name, bytes))) return;
  slot.transactionsAreLost = true;
  state.environment.ports.logger.warn('a transaction index is corrupt and will be rebuilt', { log: state.name, baseOffset });
}

async function loadEpochs(state: LogState, folder: PartitionFolder): Promise<void> {
  const bytes = await folder.readFile(FileName.leaderEpochs, CHECKPOINT_SIZE_MAX_BYTES);
  if (bytes === null) return;
  const entries = state.checksums.agree(FileName.leaderEpochs, bytes) ? parseEpochCheckpoint(bytes.toString('utf8')) : null;
  if (entries !== null) return state.epochs.load(entries);
  state.epochsAreLost = true;
  state.epochs.markUnsaved();
  state.environment.ports.logger.warn('the leader epochs are corrupt and will be rebuilt', { log: state.name });
}

/** A folder without segments: new, or what was left of a log whose start had moved up. */
function beginEmpty(state: LogState, baseOffset: number): void {
  const slot = new SegmentSlot(baseOffset, 0, state.environment.ports.clock.monotonicMs());
  // Its files come with its first records, as those of ten thousand partitions that nobody has written to would else be made, opened and closed for nothing.
  if (state.environment.logsAreListedElsewhere) state.segments.load([slot]);
  else state.segments.append(slot);
  state.folderDirty = true;
  deleteSnapshots(state, () => true);
  state.epochs.clear();
  state.producers.clear(baseOffset);
  state.logEndOffset = baseOffset;
  state.durableOffset = baseOffset;
}

/** Never written to. */
function isUntouched(state: LogState, { segments, snapshots, transactionIndexes }: FolderFiles): boolean {
  const [first, second] = segments;
  const hasOnlySegments = snapshots.length === 0 && transactionIndexes.length === 0 && state.epochs.size === 0 && !isAnythingLost(state) && !state.checksums.wasDamaged;
  return second === undefined && first?.isUntouched === true && first.baseOffset === 0 && hasOnlySegments;
}

/** There is nothing to look at, and the files are opened with the first records. */
function leaveUntouched(state: LogState): void {
  state.producers.clear(0);
  state.logEndOffset = 0;
  state.durableOffset = 0;
}

/** A file beside the segments is corrupt: everything has to be looked at. */
const isAnythingLost = (state: LogState): boolean => state.epochsAreLost || state.segments.slots.some((slot) => slot.transactionsAreLost);

/** After a clean stop. */
async function believe(state: LogState, folder: PartitionFolder): Promise<void> {
  if (isAnythingLost(state)) return recover(state, { ...NO_CHECKPOINTS, isTrusted: false }, folder);
  for (const slot of state.segments.slots) if (slot.needsIndexes) await repairIndexes(state, slot);
  const active = await openActive(state);
  const endOffset = Math.max(active.nextOffset, active.baseOffset);
  deleteSnapshots(state, (offset) => offset > endOffset);
  await rebuildProducers(state, endOffset, folder);
  state.logEndOffset = endOffset;
  state.durableOffset = endOffset;
}

async function openActive(state: LogState): Promise<Segment> {
  const slot = state.segments.activeSlot;
  if (slot.mustCheckIndexes) await checkIndexes(state, slot);
  const segment = await state.segments.openForWriting(slot);
  if (!segment.indexesLookSane()) await segment.rebuildIndexes();
  return segment;
}

const repairIndexes = (state: LogState, slot: SegmentSlot): Promise<void> => rebuildIndexes(state, slot, 'index files are missing or torn and are rebuilt');

/** After a crash. */
async function recover(state: LogState, checkpoints: LogCheckpoints, folder: PartitionFolder): Promise<void> {
  const { segments } = state;
  const recoveryPoint = isAnythingLost(state) ? 0 : checkpoints.recoveryPoint;
  const first = Math.max(segments.indexFor(recoveryPoint), 0);
  for (let index = 0; index < first; index += 1) if (segments.at(index).needsIndexes) await repairIndexes(state, segments.at(index));
  if (first > 0 && segments.at(first).baseOffset === recoveryPoint) await vouchForIndexes(state, segments.at(first - 1));
  const replayFrom = await loadNewestSnapshot(state, Math.max(recoveryPoint, segments.first.baseOffset), folder);
  await replayBelow(state, replayFrom, segments.at(first).baseOffset);
  const mayHaveGaps = state.config.cleanupPolicy.compact || checkpoints.cleanedOffset >= 0 || !checkpoints.isTrusted;
  let endOffset = segments.at(first).baseOffset;
  for (let index = first; index < segments.count; index += 1) {
    endOffset = await recoverSegment(state, index, recoveryPoint, replayFrom);
    const isGap = index + 1 < segments.count && segments.at(index + 1).baseOffset !== endOffset;
    if (isGap && !mayHaveGaps) await dropSegments(state, index + 1, 'records before it are missing');
    // Only now: a segment whose followers were dropped is the one that is appended to.
    if (index + 1 < segments.count) sealRecovered(state, segments.at(index));
  }
  // A base offset past the last record (an empty active segment) is an end too.
  state.logEndOffset = Math.max(endOffset, segments.activeSlot.baseOffset);
  state.durableOffset = Math.min(recoveryPoint, state.logEndOffset);
  state.producers.endOffset = state.logEndOffset;
  state.epochs.truncateFromEnd(state.logEndOffset);
  deleteSnapshots(state, (offset) => offset > state.logEndOffset);
  // A cut that failed halfway, or a medium that lost what it had synced: the snapshot knows batches that are gone.
  if (replayFrom > state.logEndOffset) await rebuildProducers(state, state.logEndOffset, folder);
  if (segments.activeSlot.segment === null) await openActive(state);
}

/**
 * The recovery point passed all records of a segment before it was sealed: nobody waited for its indexes to be synced and their checksums to be written.
 */
async function vouchForIndexes(state: LogState, slot: SegmentSlot): Promise<void> {
  if (!slot.needsIndexes && !knowsIndexes(state, slot)) await rebuildIndexes(state, slot, 'index files that have no checksum are rebuilt');
}

/** Takes the segments from `index` on away, for good: what is cut before them must not make them look right after another crash. */
async function dropSegments(state: LogState, index: number, reason: string): Promise<void> {
  state.environment.ports.logger.warn('segments are dropped', { log: state.name, from: state.segments.at(index).baseOffset, reason });
  discardSegments(state, state.segments.removeFrom(index));
  await state.disk.syncDirectory(state.folder);
}

/** Producers between the snapshot and the first segment that is scanned anyway. */
async function replayBelow(state: LogState, from: number, endOffset: number): Promise<void> {
  const { segments } = state;
  for (let index = Math.max(segments.indexFor(from), 0); index < segments.count; index += 1) {
    const slot = segments.at(index);
    if (slot.baseOffset >= endOffset) return;
    if (slot.sizeBytes === 0) continue;
    const segment = segments.open(slot);
    await segment.scan(scanStart(segment, from), (batch) => {
      if (batch.baseOffset >= from && batch.baseOffset < endOffset) noteScannedBatch(state, batch, false, () => bytesOf(segment, batch));
    });
  }
}

/** Scans one segment from the recovery point (or from where the producers have to be replayed), cuts it, renews its indexes; returns its end. */
async function recoverSegment(state: LogState, index: number, recoveryPoint: number, replayFrom: number): Promise<number> {
  const slot = state.segments.at(index);
  const segment = await state.segments.openForWriting(slot);
  const from = Math.min(recoveryPoint, Math.max(replayFrom, slot.baseOffset));
  const firstKnown = Math.max(recoveryPoint, slot.baseOffset);
  slot.transactions?.truncate(firstKnown);
  state.epochs.truncateFromEnd(firstKnown);
  const result = await segment.scan(scanStart(segment, from), (batch) => noteRecovered(state, segment, batch, replayFrom, firstKnown));
  if (result.validBytes < segment.sizeBytes) await cutTail(state, index, segment, result);
  await segment.rebuildIndexes();
  slot.needsIndexes = false;
  slot.transactionsAreLost = false;
  state.folderDirty = true;
  return Math.max(segment.nextOffset, slot.baseOffset);
}

function sealRecovered(state: LogState, slot: SegmentSlot): void {
  const segment = definite(slot.segment, 'the segment that was recovered');
  segment.seal();
  noteIndexChecksums(state, slot);
  state.flush.keepForSync(segment);
}

async function cutTail(state: LogState, index: number, segment: Segment, result: ScanResult): Promise<void> {
  const { segments } = state;
  const isLast = index + 1 === segments.count;
  // Space kept ahead of appends: all records are there when the next one has a place right behind them.
  const isWhole = result.stopReason === 'zeros' && (isLast || segments.at(index + 1).baseOffset === result.nextOffset);
  if (!isWhole) tellOfCut(state, segment, result);
  if (!isWhole && !isLast) await dropSegments(state, index + 1, 'a batch before it is torn or corrupt');
  await segment.truncate(result.validBytes);
}

function tellOfCut(state: LogState, segment: Segment, result: ScanResult): void {
  state.environment.ports.logger.warn('a torn or corrupt tail is cut', {
    log: state.name, baseOffset: segment.baseOffset, validBytes: result.validBytes, droppedBytes: segment.sizeBytes - result.validBytes, reason: result.stopReason,
  });
}

function noteRecovered(state: LogState, segment: Segment, batch: ScannedBatch, replayFrom: number, firstKnown: number): void {
  if (batch.baseOffset >= firstKnown) state.epochs.assign(batch.leaderEpoch, batch.baseOffset);
  if (batch.baseOffset >= replayFrom) noteScannedBatch(state, batch, batch.baseOffset >= firstKnown, () => bytesOf(segment, batch));
}

function finishLoading(state: LogState, checkpoints: LogCheckpoints): void {
  state.epochsAreLost = false;
  state.logStartOffset = Math.max(state.segments.first.baseOffset, checkpoints.logStartOffset);
  if (state.logStartOffset > state.logEndOffset) restartAt(state, state.logStartOffset);
  if (state.epochs.size > 0) state.epochs.truncateFromStart(state.logStartOffset);
  state.cleanedOffset = checkpoints.cleanedOffset;
  state.syncRequestedOffset = state.durableOffset;
  state.recoveryPoint = state.durableOffset;
  state.producers.endOffset = state.logEndOffset;
  state.highWatermark = state.environment.highWatermarkFollowsEnd ? state.logEndOffset : checkpoints.highWatermark;
  drawRollJitter(state);
  dropStraySnapshots(state);
  if (state.durableOffset < state.logEndOffset) saveProducerSnapshot(state);
}

/** Of those within segments only the newest is of use. */
export function dropStraySnapshots(state: LogState): void {
  const useful = new Set(state.segments.slots.map((slot) => slot.baseOffset));
  const newest = state.snapshotOffsets.at(-1);
  deleteSnapshots(state, (offset) => offset !== newest && !useful.has(offset));
}

/** Its tail was lost with the power while the deletion below the start was not: nothing of it is needed. */
function restartAt(state: LogState, offset: number): void {
  discardSegments(state, state.segments.removeFrom(0));
  beginEmpty(state, offset);
}
