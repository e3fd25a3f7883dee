/** What the rows of the broker ask of the load program. */
import type { Row } from '../catalogue.ts';
import type { BenchOptions } from '../options.ts';
import type { LoadOrder } from './load/order.ts';

/** Of one round: what it leaves in the page cache must not slow down the next ones. */
const BYTES_MAX = 1e9;

export type Load = Pick<LoadOrder, 'mode' | 'topicConfig' | 'partitions' | 'connections' | 'inFlight' | 'recordBytes' | 'batchRecords' | 'requestsPerSecond'> & Pick<LoadOrder, 'producers' | 'commitIntervalMs' | 'entry'>;

/** Deleted topics must not fill the disk while the rows go on. */
const DELETE_SOON = { 'file.delete.delay.ms': '1000' };
const FSYNC = { ...DELETE_SOON, 'flush.messages': '1' };
const batches: Load = { mode: 'produce', topicConfig: DELETE_SOON, partitions: 4, connections: 4, inFlight: 5, recordBytes: 100, batchRecords: 1000, requestsPerSecond: 0 };
const small: Load = { ...batches, partitions: 16, connections: 64, inFlight: 1, batchRecords: 1 };

const COMMIT_INTERVAL_MS = 100;

/** By row. */
export const LOADS: Readonly<Record<string, Load>> = {
  'produce-100B': batches,
  'produce-1KB': { ...batches, recordBytes: 1000, batchRecords: 900 },
  'fetch-1conn': { ...batches, mode: 'fetch', connections: 1 },
  'fetch-4conn': { ...batches, mode: 'fetch' },
  'small-64conn': small,
  'fsync-64conn': { ...small, topicConfig: FSYNC },
  'fsync-100Bx1000': { ...batches, topicConfig: FSYNC },
  'paced-500': { ...small, connections: 8, requestsPerSecond: 500 },
  'secured-100B': batches,
  'secured-64conn': small,
  'tls-100B': batches,
  'tls-1KB': { ...batches, recordBytes: 1000, batchRecords: 900 },
  'tls-fetch': { ...batches, mode: 'fetch', connections: 1, partitions: 1 },
  'transactions-100B': { ...batches, commitIntervalMs: COMMIT_INTERVAL_MS },
};

/** A broker to be loaded. */
export interface Target {
  readonly contender: string;
  readonly ran: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
}

/** `own`: how this contender differs from the load of the row. */
export function orderFor(row: Row, { host, port, pid }: Pick<Target, 'host' | 'port' | 'pid'>, round: string, options: BenchOptions, own: Partial<Load> = {}): LoadOrder {
  const load = LOADS[row.name];
  if (load === undefined) throw new Error(`${row.name} has no load`);
  return {
    ...load,
    ...own,
    host,
    port,
    pid,
    topic: `bench-${row.name}-${process.pid}-${round}`,
    fillBytes: options.isQuick ? 1e6 : 128e6,
    warmUpSeconds: Math.min(options.seconds / 4, 0.5),
    seconds: options.seconds,
    bytesMax: BYTES_MAX,
  };
}
