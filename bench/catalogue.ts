/** Every row of the benchmark: what it measures, who takes part, in which unit. `bench/README.md` says what each means. */

export interface Figure {
  readonly key: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** A raw figure times this is in `unit`; 1 when absent. */
  readonly scale?: number;
}

export type Group = 'engine' | 'broker' | 'secured' | 'large' | 'start-up' | 'compare';

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly group: Group;
  /** The first is the one that the row is about. */
  readonly figures: readonly Figure[];
  /** In the order of the table; what is ours comes first. */
  readonly contenders: readonly string[];
  /** With whom each contender is compared, in every figure; absent: ours with each peer, in the first. */
  readonly against?: Readonly<Record<string, readonly string[]>>;
}

/** The cores of ours; every other contender is a peer. */
export const NATIVE = 'native';
export const WASM = 'wasm';
export const OURS: readonly string[] = [NATIVE, WASM, 'tidelog'];
const CORES = [NATIVE, WASM] as const;
const STORES = [...CORES, 'lmdb', 'classic-level'] as const;

const millionRecords: Figure = { key: 'recordsPerSecond', unit: 'M records/s', better: 'higher', scale: 1e-6 };
const gigabytes: Figure = { key: 'bytesPerSecond', unit: 'GB/s', better: 'higher', scale: 1e-9 };
const lookupMicroseconds: Figure = { key: 'lookupsMicroseconds', unit: 'us', better: 'lower' };

export const ENGINE_ROWS: readonly Row[] = [
  { name: 'append-records', title: 'append records of 100 B, 1000 a call', group: 'engine', figures: [millionRecords], contenders: STORES },
  { name: 'append-batches', title: 'append ready batches of 1000 x 100 B', group: 'engine', figures: [gigabytes, millionRecords], contenders: [...CORES, 'pwrite'] },
  { name: 'append-durable', title: 'append, each 1000 records fsync’d, 8 writers', group: 'engine', figures: [millionRecords], contenders: STORES },
  { name: 'scan-views', title: 'scan: offset, key view, value view', group: 'engine', figures: [millionRecords], contenders: STORES },
  { name: 'scan-places', title: 'scan: offset, places of key and value', group: 'engine', figures: [millionRecords], contenders: CORES },
  { name: 'lookup-offset', title: 'look up a random offset', group: 'engine', figures: [lookupMicroseconds], contenders: CORES },
  { name: 'lookup-timestamp', title: 'look up a random timestamp', group: 'engine', figures: [lookupMicroseconds], contenders: CORES },
  {
    name: 'lookup-100GB',
    title: 'look up in a log of 100 GB, most of it holes',
    group: 'engine',
    figures: [
      { key: 'offsetMicroseconds', unit: 'us by offset', better: 'lower' },
      { key: 'timestampMicroseconds', unit: 'us by timestamp', better: 'lower' },
    ],
    contenders: CORES,
  },
  {
    name: 'idle-logs',
    title: 'open 10,000 logs that nobody uses',
    group: 'engine',
    figures: [
      { key: 'openSeconds', unit: 's', better: 'lower' },
      { key: 'openCpuSeconds', unit: 'CPU-s', better: 'lower' },
      { key: 'residentMegabytes', unit: 'MB', better: 'lower' },
    ],
    contenders: CORES,
  },
  {
    name: 'recovery',
    title: 'kill -9, then exec to the first record read',
    group: 'engine',
    figures: [{ key: 'milliseconds', unit: 'ms', better: 'lower' }, { ...gigabytes, unit: 'GB/s scanned' }],
    contenders: CORES,
  },
];

const cpuPerGigabyte: Figure = { key: 'cpuSecondsPerGigabyte', unit: 'CPU-s/GB', better: 'lower' };
const cpuPerRequest: Figure = { key: 'cpuMicrosecondsPerRequest', unit: 'us CPU/req', better: 'lower' };
const p50: Figure = { key: 'p50Milliseconds', unit: 'p50 ms', better: 'lower' };
const p99: Figure = { key: 'p99Milliseconds', unit: 'p99 ms', better: 'lower' };
const rss: Figure = { key: 'residentMegabytes', unit: 'MB own RSS', better: 'lower' };
const megabytes: Figure = { key: 'bytesPerSecond', unit: 'MB/s', better: 'higher', scale: 1e-6 };
const thousandRequests: Figure = { key: 'requestsPerSecond', unit: 'k req/s', better: 'higher', scale: 1e-3 };
const BROKERS = ['tidelog', 'kafka'] as const;

const batches: readonly Figure[] = [millionRecords, cpuPerGigabyte, p50, p99, rss];
const requests: readonly Figure[] = [thousandRequests, cpuPerRequest, p50, p99, rss];
const fetches: readonly Figure[] = [megabytes, cpuPerGigabyte, p50, p99, rss];

export const BROKER_ROWS: readonly Row[] = [
  { name: 'produce-100B', title: 'produce 1000 x 100 B, 4 connections', group: 'broker', figures: batches, contenders: BROKERS },
  { name: 'produce-1KB', title: 'produce 900 x 1 KB, 4 connections', group: 'broker', figures: [megabytes, cpuPerGigabyte, p50, p99, rss], contenders: BROKERS },
  { name: 'fetch-1conn', title: 'fetch, 1 connection', group: 'broker', figures: fetches, contenders: BROKERS },
  { name: 'fetch-4conn', title: 'fetch, 4 connections', group: 'broker', figures: fetches, contenders: BROKERS },
  { name: 'small-64conn', title: 'one record a request, 64 connections', group: 'broker', figures: requests, contenders: BROKERS },
  { name: 'fsync-64conn', title: 'one record a request, fsync’d, 64 connections', group: 'broker', figures: requests, contenders: BROKERS },
  { name: 'fsync-100Bx1000', title: 'produce 1000 x 100 B, fsync’d, 4 connections', group: 'broker', figures: batches, contenders: BROKERS },
  { name: 'paced-500', title: '500 single-record requests a second', group: 'broker', figures: [p99, p50, cpuPerRequest, rss], contenders: BROKERS },
];

const commits: readonly Figure[] = [{ key: 'commitMilliseconds', unit: 'ms a commit', better: 'lower' }];
/** What security and producers' ids cost: contenders are of Tidelog unless they say `kafka`. */
const securedContenders = {
  contenders: ['plain', 'idempotent', 'acls', 'both', 'kafka', 'kafka, idempotent'],
  against: { idempotent: ['plain', 'kafka, idempotent'], acls: ['plain'], both: ['plain'], 'kafka, idempotent': ['kafka'] },
};
const tlsContenders = { contenders: ['plain', 'tls'], against: { tls: ['plain'] } };

export const SECURED_ROWS: readonly Row[] = [
  { name: 'secured-100B', title: 'produce-100B with idempotence, with SASL and access lists', group: 'secured', figures: [millionRecords, cpuPerGigabyte, p50, p99], ...securedContenders },
  { name: 'secured-64conn', title: 'small-64conn with idempotence, with SASL and access lists', group: 'secured', figures: [thousandRequests, cpuPerRequest, p50, p99], ...securedContenders },
  { name: 'tls-100B', title: 'produce-100B through TLS 1.3', group: 'secured', figures: [millionRecords, cpuPerGigabyte, p50, p99], ...tlsContenders },
  { name: 'tls-1KB', title: 'produce-1KB through TLS 1.3', group: 'secured', figures: [megabytes, cpuPerGigabyte, p50, p99], ...tlsContenders },
  { name: 'tls-fetch', title: 'fetch-1conn through TLS 1.3', group: 'secured', figures: [megabytes, cpuPerGigabyte, p50, p99], ...tlsContenders },
  {
    name: 'transactions-100B',
    title: 'produce-100B, committed every 100 ms by each of 4 producers',
    group: 'secured',
    figures: [millionRecords, cpuPerGigabyte, p50, p99, ...commits],
    contenders: ['idempotent', 'transactions', 'kafka, idempotent', 'kafka, transactions'],
    against: { transactions: ['idempotent', 'kafka, transactions'], 'kafka, transactions': ['kafka, idempotent'] },
  },
];

export const START_ROWS: readonly Row[] = [
  {
    name: 'start-up',
    title: 'process start to listening',
    group: 'start-up',
    figures: [
      { key: 'milliseconds', unit: 'ms', better: 'lower' },
      { key: 'cpuMilliseconds', unit: 'ms CPU', better: 'lower' },
      { key: 'idleResidentMegabytes', unit: 'idle RSS MB', better: 'lower' },
    ],
    contenders: [...BROKERS, 'bare node'],
  },
];

/** On ten segments of 1 GiB. */
export const LARGE_ROWS: readonly Row[] = [
  {
    name: 'restart-10GB',
    title: 'kill -9, exec to first record: 9 GiB flushed, 1 not',
    group: 'large',
    figures: [
      { key: 'seconds', unit: 's', better: 'lower' },
      { key: 'cpuSeconds', unit: 'CPU-s', better: 'lower' },
    ],
    contenders: BROKERS,
  },
  {
    name: 'paced-cold-reader',
    title: 'paced-500 beside a consumer of 10 GiB of evicted data',
    group: 'large',
    figures: [
      { key: 'p99Milliseconds', unit: 'p99 ms', better: 'lower' },
      { key: 'timesWithout', unit: 'x p99 without', better: 'lower' },
      { key: 'p99WithoutMilliseconds', unit: 'p99 ms without', better: 'lower' },
      { key: 'readBytesPerSecond', unit: 'MB/s read', better: 'higher', scale: 1e-6 },
    ],
    contenders: BROKERS,
  },
];

export const ALL_ROWS: readonly Row[] = [...ENGINE_ROWS, ...BROKER_ROWS, ...SECURED_ROWS, ...LARGE_ROWS, ...START_ROWS];
