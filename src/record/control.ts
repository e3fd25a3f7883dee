/** Control batches: what a broker writes among the data, and clients must not see as data. */
import { BatchBuilder } from './build.ts';
import { RecordError } from './recordError.ts';

/** Type of a control record, from its key. */
export const ControlType = { abort: 0, commit: 1, leaderChange: 2, snapshotHeader: 3, snapshotFooter: 4, kraftVersion: 5, kraftVoters: 6 } as const;
export type ControlType = (typeof ControlType)[keyof typeof ControlType];

export interface EndTransactionMarker {
  readonly type: typeof ControlType.abort | typeof ControlType.commit;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly timestampMs: number;
}

const VERSION = 0;
const KEY_BYTES = 4;
const MARKER_VALUE_BYTES = 6;
const MARKER_BATCH_BYTES = 96;

/** The batch of one record that ends a transaction in a partition. The offset and leader epoch are given when it is appended. */
export function buildEndTransactionMarker(marker: EndTransactionMarker): Buffer {
  const key = Buffer.alloc(KEY_BYTES);
  key.writeInt16BE(VERSION, 0);
  key.writeInt16BE(marker.type, 2);
  const value = Buffer.alloc(MARKER_VALUE_BYTES);
  value.writeInt16BE(VERSION, 0);
  value.writeInt32BE(marker.coordinatorEpoch, 2);
  const builder = new BatchBuilder(MARKER_BATCH_BYTES);
  builder.append(key, value, null, marker.timestampMs);
  return builder.close({ producerId: marker.producerId, producerEpoch: marker.producerEpoch, isTransactional: true, isControl: true });
}

/** Type of a control record; a number that ControlType lacks belongs to a later version and may be skipped. Throws RecordError CORRUPT_RECORD. */
export function controlTypeOf(key: Buffer | null): number {
  if (key === null || key.length < KEY_BYTES) throw new RecordError('CORRUPT_RECORD', 'the key of a control record is too short');
  const version = key.readInt16BE(0);
  if (version < VERSION) throw new RecordError('CORRUPT_RECORD', `version ${version} of a control record's key is negative`);
  return key.readInt16BE(2);
}

/** Epoch of the transaction coordinator that wrote an end-transaction marker. Throws RecordError CORRUPT_RECORD. */
export function coordinatorEpochOf(value: Buffer | null): number {
  if (value === null || value.length < MARKER_VALUE_BYTES) throw new RecordError('CORRUPT_RECORD', 'the value of an end-transaction marker is too short');
  const version = value.readInt16BE(0);
  if (version < VERSION) throw new RecordError('CORRUPT_RECORD', `version ${version} of an end-transaction marker is negative`);
  return value.readInt32BE(2);
}
