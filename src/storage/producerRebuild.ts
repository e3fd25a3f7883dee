/** Producer state from the newest usable snapshot and the batches after it. */
import { Suffix, offsetStem } from './fileNames.ts';
import type { BatchPosition, ScannedBatch, Segment } from '../base/disk.ts';
import { PartitionFolder } from './folderReading.ts';
import type { LogState } from './logState.ts';
import { noteScannedBatch } from './producerNotes.ts';
import { SNAPSHOT_SIZE_MAX_BYTES, decodeProducerSnapshot } from './producerSnapshot.ts';

/**
 * Loads the newest snapshot at or below `maxOffset` and returns its offset. Without a usable one the state is empty and begins at the log's
 * first segment.
 */
export async function loadNewestSnapshot(state: LogState, maxOffset: number, folder: PartitionFolder): Promise<number> {
  const { clock } = state.environment.ports;
  for (const offset of state.snapshotOffsets.toReversed()) {
    if (offset > maxOffset) continue;
    const bytes = await folder.readFile(`${offsetStem(offset)}${Suffix.snapshot}`, SNAPSHOT_SIZE_MAX_BYTES);
    const entries = bytes === null ? null : decodeProducerSnapshot(bytes);
    if (entries !== null) {
      state.producers.load(entries, offset, clock.now(), state.environment.producerIdExpirationMs);
      return offset;
    }
    state.snapshotOffsets = state.snapshotOffsets.filter((known) => known !== offset);
    state.environment.ports.logger.warn('a producer snapshot is corrupt or missing and was passed over', { log: state.name, offset });
  }
  const start = Math.min(state.segments.isEmpty ? 0 : state.segments.first.baseOffset, maxOffset);
  state.producers.clear(start);
  return start;
}

/** Makes the state what it was when the log ended at `endOffset`. */
export async function rebuildProducers(state: LogState, endOffset: number, folder = new PartitionFolder(state.disk, state.folder)): Promise<void> {
  const from = await loadNewestSnapshot(state, endOffset, folder);
  const { segments } = state;
  for (let index = Math.max(segments.indexFor(from), 0); index < segments.count; index += 1) {
    if (from >= endOffset || segments.at(index).baseOffset >= endOffset) break;
    await replaySegment(state, segments.open(segments.at(index)), from, endOffset);
  }
  state.producers.endOffset = endOffset;
}

async function replaySegment(state: LogState, segment: Segment, from: number, endOffset: number): Promise<void> {
  if (segment.sizeBytes === 0) return;
  await segment.scan(scanStart(segment, from), (batch) => {
    if (batch.baseOffset < from || batch.baseOffset >= endOffset) return;
    noteScannedBatch(state, batch, false, () => bytesOf(segment, batch));
  });
}

/**
 * Position from which everything at or after `offset` is found: the end of the batch before it, where there is one that ends
 * exactly there, or the start of the one that begins there; 0 when neither is sure.
 */
export function scanStart(segment: Segment, offset: number): number {
  if (offset <= segment.baseOffset) return 0;
  const found: BatchPosition = { position: 0, sizeBytes: 0, baseOffset: 0, lastOffset: 0, maxTimestampMs: -1 };
  if (segment.locateOffset(offset - 1, found) && found.lastOffset === offset - 1) return found.position + found.sizeBytes;
  return segment.locateOffset(offset, found) && found.baseOffset === offset ? found.position : 0;
}

/** A copy of one batch. */
export function bytesOf(segment: Segment, batch: ScannedBatch): Buffer {
  const view = segment.view(batch.position, batch.sizeBytes);
  const copy = Buffer.from(view.bytes);
  view.release();
  return copy;
}
