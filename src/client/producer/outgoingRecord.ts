import type { RecordHeader } from '../../record/iterate.ts';

export interface OutgoingRecord {
  readonly topic: string;
  /** Absent: the partitioner chooses. */
  readonly partition?: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
  /** Absent: now. */
  readonly timestampMs?: number;
}
