import { join, normalize } from 'node:path/posix';

const OFFSET_DIGITS = 20;

/** The three files of a segment that a Disk owns. */
export interface SegmentPaths {
  readonly log: string;
  readonly index: string;
  readonly timeIndex: string;
}

/** Kafka's names: the base offset in twenty digits, the kind of file, then a suffix such as `.deleted`. */
export function segmentPaths(directory: string, baseOffset: number, suffix: string): SegmentPaths {
  const stem = join(directory, String(baseOffset).padStart(OFFSET_DIGITS, '0'));
  return { log: `${stem}.log${suffix}`, index: `${stem}.index${suffix}`, timeIndex: `${stem}.timeindex${suffix}` };
}

/** A segment that can be told that its folder was renamed. */
export interface MovableSegment {
  readonly directory: string;
  movedTo(directory: string): void;
}

/** Tells segments whose folder lies at or below `from` that it is at `to` now. */
export function moveSegments(segments: Iterable<MovableSegment>, from: string, to: string): void {
  const old = normalize(from).replace(/\/$/, '');
  for (const segment of segments) {
    const directory = normalize(segment.directory).replace(/\/$/, '');
    if (directory === old || directory.startsWith(`${old}/`)) segment.movedTo(join(to, directory.slice(old.length)));
  }
}
