/**
 * Puts the files of one partition's folder in order before its log is loaded, as Kafka does: `.deleted` and `.cleaned` go, `.swap` files of a
 * finished compaction take the place of the segments that they cover, indexes without a log go.
 */
import type { DirectoryEntry, Disk } from '../base/disk.ts';
import { Suffix, offsetStem, segmentFileName } from './fileNames.ts';
import type { SegmentFileName } from './fileNames.ts';
import type { PartitionFolder } from './folderReading.ts';

export interface FoundSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  /** Both index files are there and have whole entries. */
  readonly indexesLookWhole: boolean;
  /** Neither the log nor its index files have any bytes. */
  readonly isUntouched: boolean;
}

export interface FolderFiles {
  /** Ascending. */
  readonly segments: FoundSegment[];
  /** Base offsets of transaction indexes that are not empty. */
  readonly transactionIndexes: number[];
  /** Ascending. */
  readonly snapshots: number[];
  /** Names changed. */
  readonly wasTidied: boolean;
}

interface FoundFile extends SegmentFileName {
  readonly name: string;
  readonly sizeBytes: number;
}

/** What a write that was broken off left. */
const UNFINISHED = /^([0-9]{20}\.(snapshot|txnindex(\.cleaned)?)|leader-epoch-checkpoint|tidelog-checksums|partition\.metadata)\.tmp$/;
const INDEX_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;
const SEGMENT_TYPES = [Suffix.log, Suffix.offsetIndex, Suffix.timeIndex];

function segmentFiles(entries: readonly DirectoryEntry[]): FoundFile[] {
  const files: FoundFile[] = [];
  for (const entry of entries) {
    const parsed = entry.isDirectory ? null : segmentFileName(entry.name);
    if (parsed !== null) files.push({ ...parsed, name: entry.name, sizeBytes: entry.sizeBytes });
  }
  return files;
}

/** Tidies the folder and says what is in it. */
export async function scanFolder(disk: Disk, partition: PartitionFolder): Promise<FolderFiles> {
  const folder = partition.path;
  const entries = await partition.list();
  for (const entry of entries) if (UNFINISHED.test(entry.name)) await disk.remove(`${folder}/${entry.name}`);
  let files = segmentFiles(entries);
  const wasTidied = await removeLeftovers(disk, folder, files);
  if (files.some((file) => file.state === Suffix.swap)) {
    partition.forget();
    await finishSwaps(disk, folder, files.filter((file) => file.state === Suffix.swap || file.state === ''));
    files = segmentFiles(await disk.list(folder));
  } else if (wasTidied) {
    files = files.filter((file) => file.state === '');
  }
  const orphans = await removeOrphans(disk, folder, files);
  if (wasTidied || orphans > 0) {
    partition.forget();
    await disk.syncDirectory(folder);
  }
  return contentOf(files.filter((file) => file.state === ''), wasTidied || orphans > 0);
}

/**
 * `.deleted` and `.cleaned` files. A `.cleaned` file means that its compaction had not ended: `.swap` files at or above it belong to the same
 * unfinished work and go too.
 */
async function removeLeftovers(disk: Disk, folder: string, files: FoundFile[]): Promise<boolean> {
  const cleaned = files.filter((file) => file.state === Suffix.cleaned).map((file) => file.baseOffset);
  const firstCleaned = cleaned.length === 0 ? Infinity : Math.min(...cleaned);
  const isLeftover = (file: FoundFile): boolean =>
    file.state === Suffix.deleted || file.state === Suffix.cleaned || (file.state === Suffix.swap && file.baseOffset >= firstCleaned);
  const leftovers = files.filter(isLeftover);
  for (const file of leftovers) await disk.remove(`${folder}/${file.name}`);
  files.splice(0, files.length, ...files.filter((file) => !isLeftover(file)));
  return leftovers.length > 0;
}

/** The `.swap` segments are whole: what they cover is removed, then they get their names. */
async function finishSwaps(disk: Disk, folder: string, files: readonly FoundFile[]): Promise<void> {
  const swaps = files.filter((file) => file.state === Suffix.swap);
  let start = Infinity;
  let end = -1;
  for (const file of swaps) {
    if (file.type !== Suffix.log) continue;
    start = Math.min(start, file.baseOffset);
    end = Math.max(end, await endOfSwap(disk, folder, file.baseOffset));
  }
  for (const file of files) {
    const isCovered = file.state === '' && file.type !== Suffix.snapshot && file.baseOffset >= start && file.baseOffset < end;
    if (isCovered) await disk.remove(`${folder}/${file.name}`);
  }
  for (const file of swaps) await disk.rename(`${folder}/${file.name}`, `${folder}/${file.name.slice(0, -Suffix.swap.length)}`);
  await disk.syncDirectory(folder);
}

async function endOfSwap(disk: Disk, folder: string, baseOffset: number): Promise<number> {
  const segment = disk.openSegment({
    directory: folder, baseOffset, indexIntervalBytes: 4096, indexSizeMaxBytes: 0x7fffffff, segmentSizeMaxBytes: 0x7fffffff, preallocateBytes: 0, suffix: Suffix.swap,
  });
  const end = segment.nextOffset;
  await segment.close();
  return end;
}

/** Indexes whose log is not there. */
async function removeOrphans(disk: Disk, folder: string, files: FoundFile[]): Promise<number> {
  const logs = new Set(files.filter((file) => file.type === Suffix.log && file.state === '').map((file) => file.baseOffset));
  const isOrphan = (file: FoundFile): boolean => file.type !== Suffix.snapshot && file.state === '' && !logs.has(file.baseOffset);
  const orphans = files.filter(isOrphan);
  for (const file of orphans) await disk.remove(`${folder}/${file.name}`);
  files.splice(0, files.length, ...files.filter((file) => !isOrphan(file)));
  return orphans.length;
}

function contentOf(files: readonly FoundFile[], wasTidied: boolean): FolderFiles {
  const sizes = new Map(files.map((file) => [file.name, file.sizeBytes]));
  const offsetsOf = (type: string): number[] => files.filter((file) => file.type === type).map((file) => file.baseOffset).sort((left, right) => left - right);
  const sizeOf = (offset: number, type: string): number => sizes.get(offsetStem(offset) + type) ?? -1;
  const isWhole = (sizeBytes: number, entryBytes: number): boolean => sizeBytes >= 0 && sizeBytes % entryBytes === 0;
  return {
    segments: offsetsOf(Suffix.log).map((baseOffset) => ({
      baseOffset,
      sizeBytes: sizeOf(baseOffset, Suffix.log),
      isUntouched: SEGMENT_TYPES.every((type) => sizeOf(baseOffset, type) === 0),
      indexesLookWhole: isWhole(sizeOf(baseOffset, Suffix.offsetIndex), INDEX_ENTRY_BYTES) && isWhole(sizeOf(baseOffset, Suffix.timeIndex), TIME_ENTRY_BYTES),
    })),
    transactionIndexes: offsetsOf(Suffix.transactionIndex).filter((offset) => sizeOf(offset, Suffix.transactionIndex) > 0),
    snapshots: offsetsOf(Suffix.snapshot),
    wasTidied,
  };
}
