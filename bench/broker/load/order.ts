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
  /** `plain`, the default: batches of no producer, Produce version 7, acks=1. The others send version 12 with acks=-1; `unnumbered` has no producer either. */
  readonly producers?: 'plain' | 'unnumbered' | 'idempotent' | 'transactional';
  /** A transactional producer commits so often, once all that it sent was answered. */
  readonly commitIntervalMs?: number;
  readonly entry?: LoadEntry;
}

/** How connections come in; absent: through a plain listener. */
export interface LoadEntry {
  /** PEM of the authority to trust; null: no TLS. */
  readonly trusted: string | null;
  /** By SASL PLAIN; null: nobody logs in. */
  readonly logins: { readonly administrator: LoadLogin; readonly client: LoadLogin } | null;
}

export interface LoadLogin {
  readonly username: string;
  readonly password: string;
}

export interface LoadAnswer {
  readonly figures: Readonly<Record<string, number>>;
}
