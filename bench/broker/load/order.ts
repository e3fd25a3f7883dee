/** What one load process is asked to do, and answers. */

export interface LoadOrder {
  readonly host: string;
  readonly port: number;
  /** The broker's process, for its CPU and memory; 0 when it is not known. */
  readonly pid: number;
  readonly mode: 'produce' | 'fetch';
  /** Made before and deleted after. */
  readonly topic: string;
  readonly topicConfig: Readonly<Record<string, string>>;
  readonly partitions: number;
  readonly connections: number;
  /** Requests in flight on a connection. */
  readonly inFlight: number;
  readonly recordBytes: number;
  readonly batchRecords: number;
  /** Over all connections; 0: as fast as the answers come. */
  readonly requestsPerSecond: number;
  /** What a fetch finds in each partition. */
  readonly fillBytes: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Producing ends early after so many bytes. */
  readonly bytesMax: number;
}

export interface LoadAnswer {
  readonly figures: Readonly<Record<string, number>>;
}
