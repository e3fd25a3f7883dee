/** Names of the files and folders of a log directory. Kafka's own; see docs/formats/log-directory.md. */

export const FileName = {
  metaProperties: 'meta.properties',
  lock: '.lock',
  cleanShutdown: '.kafka_cleanshutdown',
  recoveryPoints: 'recovery-point-offset-checkpoint',
  highWatermarks: 'replication-offset-checkpoint',
  logStarts: 'log-start-offset-checkpoint',
  cleanedOffsets: 'cleaner-offset-checkpoint',
  leaderEpochs: 'leader-epoch-checkpoint',
  partitionMetadata: 'partition.metadata',
  /** Ours: the partition is in another directory by now. */
  movedTo: 'moved-to',
  /** Ours: what the checkpoints beside it must hold. */
  checksums: 'tidelog-checksums',
} as const;

export const Suffix = {
  log: '.log',
  offsetIndex: '.index',
  timeIndex: '.timeindex',
  transactionIndex: '.txnindex',
  snapshot: '.snapshot',
  deleted: '.deleted',
  cleaned: '.cleaned',
  swap: '.swap',
} as const;

const OFFSET_DIGITS = 20;
const TOPIC_NAME_LENGTH_MAX = 249;
const TOPIC_NAME = /^[a-zA-Z0-9._-]+$/;
const PARTITION_FOLDER = /^(.+)-(0|[1-9][0-9]*)$/;
const DETACHED_FOLDER = /^(.+)-([0-9]+)\.([0-9a-f]{32})-(delete|stray|future)$/;
const SEGMENT_FILE = /^([0-9]{20})(\.log|\.index|\.timeindex|\.txnindex|\.snapshot)(\.deleted|\.cleaned|\.swap)?$/;

/** `00000000000000000042` for 42, the stem of every file of a segment. */
export const offsetStem = (offset: number): string => String(offset).padStart(OFFSET_DIGITS, '0');

/** True when the name may be a topic's, and so part of a folder's name. */
export function isTopicName(name: string): boolean {
  return name.length <= TOPIC_NAME_LENGTH_MAX && name !== '.' && name !== '..' && TOPIC_NAME.test(name);
}

export const partitionFolder = (topic: string, partition: number): string => `${topic}-${partition}`;

/** Folder of a partition that is leaving (`delete`) or that nobody knows (`stray`): `uniqueHex` is 32 hexadecimal digits. */
export function detachedFolder(topic: string, partition: number, uniqueHex: string, reason: 'delete' | 'stray' | 'future'): string {
  const tail = `-${partition}.${uniqueHex}-${reason}`;
  // File systems take 255 bytes: a longest topic name is cut, as nobody reads it back.
  return topic.slice(0, 255 - tail.length) + tail;
}

export type FolderKind =
  | { readonly kind: 'partition'; readonly topic: string; readonly partition: number }
  | { readonly kind: 'delete' | 'stray' | 'future' }
  | { readonly kind: 'unknown' };

/** What a folder in a log directory is, by its name. */
export function folderKind(name: string): FolderKind {
  const detached = DETACHED_FOLDER.exec(name);
  if (detached) return { kind: detached[4] as 'delete' | 'stray' | 'future' };
  const match = PARTITION_FOLDER.exec(name);
  if (!match) return { kind: 'unknown' };
  const topic = match[1] as string;
  const partition = Number(match[2]);
  if (!isTopicName(topic) || partition > 0x7fffffff) return { kind: 'unknown' };
  return { kind: 'partition', topic, partition };
}

export interface SegmentFileName {
  readonly baseOffset: number;
  /** One of `Suffix`: what the file holds. */
  readonly type: string;
  /** '' or one of `.deleted`, `.cleaned`, `.swap`. */
  readonly state: string;
}

/** Parses the name of a segment's file; null for every other file, and for offsets past 2^53. */
export function segmentFileName(name: string): SegmentFileName | null {
  const match = SEGMENT_FILE.exec(name);
  if (!match) return null;
  const baseOffset = Number(match[1]);
  if (!Number.isSafeInteger(baseOffset)) return null;
  return { baseOffset, type: match[2] as string, state: match[3] ?? '' };
}
