/** What one child process of the engine's benchmark is asked to do, and answers. */

export type WorkName =
  | 'append-records'
  | 'append-batches'
  | 'append-durable'
  | 'scan-views'
  | 'scan-places'
  | 'lookup-offset'
  | 'lookup-timestamp'
  | 'idle-fill'
  | 'idle-logs'
  | 'recovery-fill'
  | 'recovery'
  | 'large-fill'
  | 'lookup-100GB'
  | 'segments-fill';

export interface SegmentSizes {
  readonly segments: number;
  readonly segmentBytes: number;
}

/** How much of it. */
export interface Sizes {
  /** Measured time. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** An append ends early when it has written so much. */
  readonly appendBytesMax: number;
  /** Records that lookups and scans find. */
  readonly records: number;
  readonly idleLogs: number;
  readonly recoveryBytes: number;
  /** The log that lookups find their way in; most of it holes. */
  readonly largeLog: SegmentSizes;
  /** The log of the broker's large rows, all of it real; the last segment is not flushed. */
  readonly segmented: SegmentSizes;
}

export interface WorkOrder {
  readonly work: WorkName;
  readonly contender: string;
  /** An empty folder that the work may fill; the parent removes it. */
  readonly folder: string;
  readonly sizes: Sizes;
  /** Wall clock when the process was started, milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Where a CPU profile of the measured part goes; null for none. */
  readonly profileFolder: string | null;
}

export type Figures = Record<string, number>;

export interface WorkAnswer {
  readonly figures: Figures;
  /** What ran: for ours which core, for a peer its name and version. */
  readonly ran: string;
}

/** Works of one contender. */
export type Works = Partial<Record<WorkName, (order: WorkOrder) => Promise<WorkAnswer>>>;

export function sizesFor(seconds: number, isQuick: boolean): Sizes {
  if (isQuick) {
    return { seconds, warmUpSeconds: seconds / 5, appendBytesMax: 8e6, records: 10_000, idleLogs: 8, recoveryBytes: 2e6, largeLog: { segments: 3, segmentBytes: 2 ** 21 }, segmented: { segments: 10, segmentBytes: 2 ** 21 } };
  }
  return { seconds, warmUpSeconds: Math.min(seconds / 4, 0.5), appendBytesMax: 1e9, records: 1_000_000, idleLogs: 10_000, recoveryBytes: 900e6, largeLog: { segments: 94, segmentBytes: 2 ** 30 }, segmented: { segments: 10, segmentBytes: 2 ** 30 } };
}
