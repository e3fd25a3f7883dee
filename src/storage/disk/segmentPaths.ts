import { join } from 'node:path/posix';

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
