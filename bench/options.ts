/** The command line of `npm run bench -- [options]`. */
import { parseArgs } from 'node:util';
import { ALL_ROWS } from './catalogue.ts';

export interface BenchOptions {
  /** Names of rows; empty for all. */
  readonly only: readonly string[];
  /** Small sizes: shows that every row runs; its figures mean nothing. */
  readonly isQuick: boolean;
  readonly asJson: boolean;
  readonly rounds: number;
  /** Measured time of one round of a row. */
  readonly seconds: number;
  readonly withEngine: boolean;
  readonly withBroker: boolean;
  /** A running Kafka to measure beside ours. */
  readonly peer: { readonly host: string; readonly port: number; readonly pid: number } | null;
  /** Print where the time goes, too. The figures are then worth less. */
  readonly withProfile: boolean;
  /** False: do not start a peer either. */
  readonly withPeers: boolean;
  /** Where results are written; null: nowhere. */
  readonly resultsFolder: string | null;
}

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `npm run bench -- [options]
  --only NAME,...      only these rows
  --engine-only        only the storage engine
  --broker-only        only the broker
  --rounds N           rounds of each row (3)
  --seconds S          measured seconds a round (1.5)
  --quick              small sizes and one round: shows that everything runs; writes no results
  --profile            print in which functions ours spends its time; lowers the figures
  --json               print the results as JSON
  --peer HOST:PORT[,PID]   a running Apache Kafka to load beside ours; with its pid its CPU is measured too
  --no-peers           start no Apache Kafka, even where one could be started
  --results FOLDER     where to write the results (bench/results, and only of a whole run)
rows: ${ALL_ROWS.map((row) => row.name).join(' ')} compare`;

const SPEC = {
  only: { type: 'string' },
  'engine-only': { type: 'boolean' },
  'broker-only': { type: 'boolean' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  quick: { type: 'boolean' },
  json: { type: 'boolean' },
  profile: { type: 'boolean' },
  peer: { type: 'string' },
  'no-peers': { type: 'boolean' },
  results: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Throws UsageError; null when help was asked for. */
export function parseOptions(args: readonly string[], defaultResultsFolder: string): BenchOptions | null {
  const values = read(args);
  if (values.help) return null;
  const isQuick = values.quick ?? false;
  const only = names(values.only);
  const isPart = isQuick || only.length > 0 || values.profile || values['engine-only'] || values['broker-only'];
  return {
    only,
    isQuick,
    asJson: values.json ?? false,
    rounds: positive('rounds', values.rounds ?? (isQuick ? '1' : '3'), true),
    seconds: positive('seconds', values.seconds ?? (isQuick ? '0.05' : '1.5'), false),
    withEngine: !values['broker-only'],
    withBroker: !values['engine-only'],
    peer: values.peer === undefined ? null : peerFrom(values.peer),
    withProfile: values.profile ?? false,
    withPeers: !values['no-peers'] && !isQuick,
    resultsFolder: values.results ?? (isPart ? null : defaultResultsFolder),
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: SPEC, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function names(list: string | undefined): string[] {
  const wanted = (list ?? '').split(',').filter((name) => name !== '');
  const known = new Set([...ALL_ROWS.map((row) => row.name), 'compare']);
  for (const name of wanted) if (!known.has(name)) throw new UsageError(`no row is called ${JSON.stringify(name)}`);
  return wanted;
}

function positive(name: string, text: string, isWhole: boolean): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value) || (isWhole && !Number.isInteger(value))) throw new UsageError(`--${name} takes a positive number, not ${JSON.stringify(text)}`);
  return value;
}

function peerFrom(text: string): BenchOptions['peer'] {
  const match = /^(.+):(\d{1,5})(?:,(\d+))?$/.exec(text);
  if (match === null) throw new UsageError(`--peer takes HOST:PORT[,PID], not ${JSON.stringify(text)}`);
  return { host: match[1] as string, port: Number(match[2]), pid: Number(match[3] ?? 0) };
}
