/** Holds the indexes of sealed segments to checksums: those of offsets and times have Kafka's bytes, which tell nothing of a bit that turned over. */
import type { DirectoryChecksums } from './checksums.ts';
import { Suffix, offsetStem } from './fileNames.ts';
import type { LogState } from './logState.ts';
import type { SegmentSlot } from './segments.ts';
import { enqueue } from './sideFiles.ts';

const INDEX_SIZE_MAX_BYTES = 0x7fffffff;
const OF_SEGMENT = /^[0-9]{20}\./;
const SUFFIXES = [Suffix.offsetIndex, Suffix.timeIndex];

/** Checks under way. */
const checks = new WeakMap<SegmentSlot, Promise<void>>();

const timeIndexOf = (slot: SegmentSlot): string => offsetStem(slot.baseOffset) + Suffix.timeIndex;

/** There are checksums for the indexes of this segment, or will be with the next write. */
export const knowsIndexes = (state: LogState, slot: SegmentSlot): boolean => state.checksums.knows(timeIndexOf(slot));

/** Which segments have checksums, once those are loaded. */
export function beginChecks(state: LogState): void {
  for (const slot of state.segments.slots) {
    slot.mustCheckIndexes = !slot.needsIndexes && knowsIndexes(state, slot);
    state.mustCheckLatest ||= slot.mustCheckIndexes;
  }
}

/** The indexes of a segment that was sealed just now: notes their checksums in the background. They are written before the recovery point passes it. */
export function noteIndexChecksums(state: LogState, slot: SegmentSlot): void {
  slot.mustCheckIndexes = false;
  const latestMs = state.segments.open(slot).maxTimestampMs;
  void enqueue(state, 'reading indexes for their checksums', () => noteIndexes(state, slot, latestMs));
}

/** Of the segment that was appended to, when the store has stopped. */
export async function saveLastIndexChecksums(state: LogState, latestMs: number): Promise<void> {
  const slot = state.segments.activeSlot;
  // Without entries there is nothing that could be wrong.
  if (slot.sizeBytes <= state.config.indexIntervalBytes) return;
  await noteIndexes(state, slot, latestMs);
  await state.checksums.write();
}

async function noteIndexes(state: LogState, slot: SegmentSlot, latestMs: number): Promise<void> {
  forgetGone(state);
  for (const suffix of SUFFIXES) {
    const name = offsetStem(slot.baseOffset) + suffix;
    const bytes = await state.disk.readFile(`${state.folder}/${name}`, INDEX_SIZE_MAX_BYTES);
    if (bytes !== null) state.checksums.note(name, bytes, suffix === Suffix.timeIndex ? latestMs : undefined);
  }
}

/** Those of segments that are gone are left out from now on. */
function forgetGone(state: LogState): void {
  const stems = new Set(state.segments.slots.map((slot) => offsetStem(slot.baseOffset)));
  state.checksums.forget((name) => OF_SEGMENT.test(name) && !stems.has(name.slice(0, name.indexOf('.'))));
}

/** Before the first lookup by timestamp: what a segment says of its latest record decides where to look. Throws DiskError. */
export async function checkLatest(state: LogState): Promise<void> {
  for (const slot of state.segments.slots) {
    if (!slot.mustCheckIndexes || slot.sizeBytes === 0) continue;
    if (state.segments.open(slot).maxTimestampMs !== state.checksums.latestMs(timeIndexOf(slot))) await checkIndexes(state, slot);
  }
  state.mustCheckLatest = false;
}

/** Makes the indexes of a sealed segment anew where they are not what they were. Throws DiskError. */
export function checkIndexes(state: LogState, slot: SegmentSlot): Promise<void> {
  let check = checks.get(slot);
  if (check === undefined) {
    check = checkNow(state, slot).finally(() => checks.delete(slot));
    checks.set(slot, check);
  }
  return check;
}

async function checkNow(state: LogState, slot: SegmentSlot): Promise<void> {
  if (await areRight(state.checksums, state, slot)) slot.mustCheckIndexes = false;
  else if (slot.mustCheckIndexes && state.segments.slots.includes(slot)) await rebuildIndexes(state, slot, 'index files are damaged and are rebuilt');
}

async function areRight(checksums: DirectoryChecksums, state: LogState, slot: SegmentSlot): Promise<boolean> {
  for (const suffix of SUFFIXES) {
    const name = offsetStem(slot.baseOffset) + suffix;
    const bytes = await state.disk.readFile(`${state.folder}/${name}`, INDEX_SIZE_MAX_BYTES);
    if (bytes !== null && !checksums.agree(name, bytes)) return false;
  }
  return true;
}

/** Makes the indexes of a segment anew from its batches. Throws DiskError. */
export async function rebuildIndexes(state: LogState, slot: SegmentSlot, warning: string): Promise<void> {
  state.environment.ports.logger.warn(warning, { log: state.name, baseOffset: slot.baseOffset });
  const segment = await state.segments.openForWriting(slot);
  await segment.rebuildIndexes();
  slot.needsIndexes = false;
  if (slot === state.segments.activeSlot) return;
  segment.seal();
  noteIndexChecksums(state, slot);
}
