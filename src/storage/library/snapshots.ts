/** Snapshots of a store while it is written: hard links to sealed segments, so that they cost no space and little time. */
import type { Disk } from '../../base/disk.ts';
import { formatEpochCheckpoint, formatOffsetCheckpoint } from '../checkpoints.ts';
import type { PartitionOffset } from '../checkpoints.ts';
import { FileName, Suffix, offsetStem, partitionFolder } from '../fileNames.ts';
import type { PartitionLog } from '../log.ts';
import { sideFilesWritten } from '../sideFiles.ts';
import { writePartitionMetadata } from '../partitionMetadata.ts';
import { StoreError } from '../storeError.ts';
import { LogError } from '../types.ts';

/** Marks a folder whose files are another store's too. */
export const SNAPSHOT_FILE = 'tidelog-snapshot';

export interface SnapshotLog {
  readonly name: string;
  readonly startOffset: number;
  readonly endOffset: number;
}

/** Of each log, everything up to its end of some moment of the call. Throws LogError, StoreError foreignData where `target` holds anything, DiskError. */
export async function takeSnapshot(disk: Disk, root: string, logs: readonly PartitionLog[], target: string, createdMs: number): Promise<SnapshotLog[]> {
  await disk.makeDirectory(target);
  if ((await disk.list(target)).length > 0) throw new StoreError('foreignData', target, `${target} is not empty: a snapshot needs a folder of its own`);
  await disk.writeFileAtomic(`${target}/${SNAPSHOT_FILE}`, Buffer.from(`${JSON.stringify({ version: 1, createdMs, state: 'being made' })}\n`));
  const meta = await disk.readFile(`${root}/${FileName.metaProperties}`, 65_536);
  if (meta !== null) await disk.writeFileAtomic(`${target}/${FileName.metaProperties}`, meta);
  const taken: SnapshotLog[] = [];
  for (const log of logs) {
    await log.beginSegment();
    await flushed(log);
    await log.whileSegmentsStay(async () => void taken.push(await linkLog(disk, log, target)));
  }
  await writeOffsets(disk, target, FileName.recoveryPoints, taken, ({ endOffset }) => endOffset);
  await writeOffsets(disk, target, FileName.logStarts, taken, ({ startOffset }) => startOffset);
  await disk.writeFileAtomic(`${target}/${SNAPSHOT_FILE}`, Buffer.from(`${JSON.stringify({ version: 1, createdMs, state: 'whole', logs: taken })}\n`));
  return taken;
}

function flushed(log: PartitionLog): Promise<void> {
  return new Promise((resolve, reject) => log.flush((error) => (error === null ? resolve() : reject(error))));
}

function writeOffsets(disk: Disk, target: string, file: string, taken: readonly SnapshotLog[], offsetOf: (log: SnapshotLog) => number): Promise<void> {
  const entries: PartitionOffset[] = taken.map((log) => ({ topic: log.name, partition: 0, offset: offsetOf(log) }));
  return disk.writeFileAtomic(`${target}/${file}`, formatOffsetCheckpoint(entries));
}

/** All segments but the one that is appended to. */
async function linkLog(disk: Disk, log: PartitionLog, target: string): Promise<SnapshotLog> {
  const { state } = log;
  const folder = `${target}/${partitionFolder(state.topic, state.partition)}`;
  await disk.makeDirectory(folder);
  await sideFilesWritten(state);
  const sealed = state.segments.slots.slice(0, -1);
  const endOffset = state.segments.activeSlot.baseOffset;
  for (const slot of sealed) {
    for (const suffix of [Suffix.log, Suffix.offsetIndex, Suffix.timeIndex]) await linkFile(disk, state.folder, folder, offsetStem(slot.baseOffset) + suffix);
    if (slot.transactions !== null) await linkFile(disk, state.folder, folder, offsetStem(slot.baseOffset) + Suffix.transactionIndex);
  }
  // What comes after is written to files of its own, should the snapshot ever be.
  for (const suffix of [Suffix.log, Suffix.offsetIndex, Suffix.timeIndex]) await disk.writeFileAtomic(`${folder}/${offsetStem(endOffset)}${suffix}`, Buffer.alloc(0));
  for (const offset of state.snapshotOffsets) if (offset <= endOffset) await linkFile(disk, state.folder, folder, offsetStem(offset) + Suffix.snapshot);
  const epochs = state.epochs.entries().filter(({ startOffset }) => startOffset < endOffset);
  await disk.writeFileAtomic(`${folder}/${FileName.leaderEpochs}`, formatEpochCheckpoint(epochs));
  await writePartitionMetadata(disk, folder, state.topicId);
  await disk.syncDirectory(folder);
  return { name: state.topic, startOffset: state.logStartOffset, endOffset };
}

async function linkFile(disk: Disk, from: string, to: string, name: string): Promise<void> {
  try {
    await disk.link(`${from}/${name}`, `${to}/${name}`);
  } catch (error) {
    const { code } = error as { code?: string };
    // Snapshots of producers come and go; a log recovers them.
    if (code === 'ENOENT' && name.endsWith(Suffix.snapshot)) return;
    if (code === 'EXDEV') throw new LogError('invalidArgument', `${to} is on another file system: a snapshot by hard links must be on the same one`);
    throw error;
  }
}
