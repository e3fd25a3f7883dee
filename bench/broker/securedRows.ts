/** Runs the rows of what security, producers' ids and transactions cost: the same load in several ways, which take turns. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Row } from '../catalogue.ts';
import { runChild } from '../child.ts';
import type { BenchOptions } from '../options.ts';
import { profileLines, profileOptions } from '../report/profile.ts';
import type { RowsRun } from '../report/recorder.ts';
import { startWithLists, startWithTls } from './guarded.ts';
import type { SecuredBroker } from './guarded.ts';
import type { LoadAnswer, LoadEntry } from './load/order.ts';
import { orderFor } from './loads.ts';
import type { Load, Target } from './loads.ts';
import type { Peer } from './peers.ts';

const CHILD_TIMEOUT_MS = 180_000;

type Place = 'open' | 'tls' | 'lists' | 'kafka';

/** Where a contender's load goes and who sends it. */
const WAYS: Readonly<Record<string, { readonly place: Place; readonly producers: NonNullable<Load['producers']> }>> = {
  plain: { place: 'open', producers: 'unnumbered' },
  idempotent: { place: 'open', producers: 'idempotent' },
  acls: { place: 'lists', producers: 'unnumbered' },
  both: { place: 'lists', producers: 'idempotent' },
  tls: { place: 'tls', producers: 'unnumbered' },
  transactions: { place: 'open', producers: 'transactional' },
  kafka: { place: 'kafka', producers: 'unnumbered' },
  'kafka, idempotent': { place: 'kafka', producers: 'idempotent' },
  'kafka, transactions': { place: 'kafka', producers: 'transactional' },
};

export interface SecuredRun extends RowsRun {
  /** Null with the reason why there is none. */
  readonly peer: Peer | null;
  readonly reason: string;
}

type Targets = Partial<Record<Place, Target & { readonly entry?: LoadEntry }>>;

/** Every row is run, or skipped with a reason. */
export async function runSecuredRows(run: SecuredRun): Promise<void> {
  if (run.rows.length === 0) return;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tidelog-bench-secured-'));
  const started: SecuredBroker[] = [];
  try {
    if (run.options.withProfile) for (const row of run.rows) await profileRow(row, run, folder);
    const targets = await openTargets(run, folder, started);
    for (const row of run.rows) await runRow(row, targets, run);
  } catch (error) {
    run.recorder.skipAll(run.rows, (error as Error).message);
  } finally {
    for (const { broker } of started) await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openTargets({ root, rows, peer }: SecuredRun, folder: string, started: SecuredBroker[]): Promise<Targets> {
  const tls = await startWithTls(root, folder);
  started.push(tls);
  const targets = targetsOf(tls, 'tls');
  if (peer !== null) targets.kafka = { contender: 'kafka', ran: 'kafka', host: peer.host, port: peer.port, pid: peer.pid };
  if (!rows.some((row) => row.contenders.some((contender) => WAYS[contender]?.place === 'lists'))) return targets;
  const lists = await startWithLists(root);
  started.push(lists);
  return { ...targets, ...targetsOf(lists, 'lists') };
}

function targetsOf({ broker: { host, port, securedPort, pid }, entry }: SecuredBroker, place: 'tls' | 'lists'): Targets {
  const open = { contender: 'tidelog', ran: 'tidelog', host, port, pid };
  const secured = { ...open, port: securedPort, entry };
  return place === 'tls' ? { open, tls: secured } : { lists: secured };
}

async function runRow(row: Row, targets: Targets, { options, recorder, reason, peer }: SecuredRun): Promise<void> {
  for (const contender of row.contenders) if (peer === null && WAYS[contender]?.place === 'kafka') recorder.skip(row, contender, reason);
  // An uncounted round first: each broker has to warm up.
  for (let round = options.isQuick ? 0 : -1; round < options.rounds; round += 1) {
    for (const contender of row.contenders) {
      if (recorder.isSkipped(row, contender)) continue;
      try {
        const figures = await load(row, contender, targets, `${contender.replaceAll(/\W+/g, '-')}-${round + 1}`, options);
        if (round >= 0) recorder.add(row, contender, figures, contender.startsWith('kafka') ? 'kafka' : 'tidelog');
      } catch (error) {
        recorder.skip(row, contender, (error as Error).message);
      }
    }
  }
  recorder.finishRow(row);
}

async function load(row: Row, contender: string, targets: Targets, round: string, options: BenchOptions): Promise<LoadAnswer['figures']> {
  const way = WAYS[contender];
  const target = way === undefined ? undefined : targets[way.place];
  if (way === undefined || target === undefined) throw new Error(`no broker for ${contender}`);
  const own = { producers: way.producers, ...(target.entry === undefined ? {} : { entry: target.entry }) };
  const answer = (await runChild({ program: 'load', order: orderFor(row, target, round, options, own), timeoutMs: CHILD_TIMEOUT_MS })) as LoadAnswer;
  return answer.figures;
}

/** Each way once more on a broker of its own; it does not count. */
async function profileRow(row: Row, { root, options, say }: SecuredRun, folder: string): Promise<void> {
  for (const contender of row.contenders) {
    const place = WAYS[contender]?.place;
    if (place === 'kafka') continue;
    const profiles = mkdtempSync(path.join(folder, 'profile-'));
    try {
      const nodeOptions = profileOptions(profiles);
      const secured = place === 'lists' ? await startWithLists(root, nodeOptions) : await startWithTls(root, folder, nodeOptions);
      try {
        await load(row, contender, targetsOf(secured, place === 'lists' ? 'lists' : 'tls'), 'profile', options);
      } finally {
        await secured.broker.stop();
      }
      profileLines(profiles, `${row.name}, ${contender}`).forEach(say);
    } catch (error) {
      say(`no profile of ${row.name}, ${contender}: ${(error as Error).message}`);
    }
  }
}
