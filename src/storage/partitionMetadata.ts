/** `partition.metadata`: which topic id a partition's folder belongs to. Two lines, `version: 0` and `topic_id: <22 characters>`. */
import type { Disk } from '../base/disk.ts';
import { FileName } from './fileNames.ts';
import { PartitionFolder } from './folderReading.ts';
import { StoreError } from './storeError.ts';

/** The id of no topic. */
export const ZERO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

const SIZE_MAX_BYTES = 4096;
const PATTERN = /^version: 0\r?\ntopic_id: ([A-Za-z0-9_-]{22})\r?\n?$/;

export function formatPartitionMetadata(topicId: string): Buffer {
  return Buffer.from(`version: 0\ntopic_id: ${topicId}`, 'utf8');
}

/** The topic id, or null when the text is malformed. */
export function parsePartitionMetadata(text: string): string | null {
  return PATTERN.exec(text)?.[1] ?? null;
}

/** The topic id of a partition's folder, ZERO_TOPIC_ID when it has no such file. Throws StoreError corrupt with the path. */
export function readPartitionMetadata(disk: Disk, folder: string): Promise<string> {
  return readTopicId(new PartitionFolder(disk, folder));
}

/** As readPartitionMetadata. */
export async function readTopicId(folder: PartitionFolder): Promise<string> {
  const path = `${folder.path}/${FileName.partitionMetadata}`;
  const bytes = await folder.readFile(FileName.partitionMetadata, SIZE_MAX_BYTES);
  if (bytes === null) return ZERO_TOPIC_ID;
  const topicId = parsePartitionMetadata(bytes.toString('utf8'));
  if (topicId === null) throw new StoreError('corrupt', path, `${path} is corrupt: it must say "version: 0" and "topic_id: <id>"`);
  return topicId;
}

export function writePartitionMetadata(disk: Disk, folder: string, topicId: string): Promise<void> {
  return disk.writeFileAtomic(`${folder}/${FileName.partitionMetadata}`, formatPartitionMetadata(topicId));
}
