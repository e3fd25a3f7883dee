/** Runs the rows on ten segments of 1 GiB: a start after a kill, and what one who reads all of it does to those who write. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LoadConnection } from '../broker/load/connection.ts';
import type { LoadAnswer, LoadOrder } from '../broker/load/order.ts';
import { createTopic } from '../broker/load/topic.ts';
import { peersFolder, runs } from '../broker/peers.ts';
import { freePort } from '../broker/process.ts';
import type { Row } from '../catalogue.ts';
import { runChild } from '../child.ts';
import { sizesFor } from '../engine/work.ts';
import type { WorkOrder } from '../engine/work.ts';
import type { BenchOptions } from '../options.ts';
import type { RowsRun } from '../report/recorder.ts';
import { LargeKafka, LargeTidelog } from './brokers.ts';
import type { LargeBroker } from './brokers.ts';
import { Reader, untilFirstRecord } from './reading.ts';
import { LargeSegments, TOPIC } from './segments.ts';

const RESTART = 'restart-10GB';
const CHILD_TIMEOUT_MS = 600_000;
const START_TIMEOUT_MS = 120_000;
/** Of one paced load: 500 requests a second give 2,500 latencies. */
const PACED_SECONDS_MIN = 5;
/** Beside the segments themselves. */
const SPARE_BYTES = 2 ** 31;

/** Returns the rows, each run or skipped. What they need of the disk is given back. */
export async function runLargeRows(run: RowsRun): Promise<readonly Row[]> {
  if (run.rows.length === 0) return [];
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tidelog-bench-large-'));
  try {
    await runIn(folder, run);
  } catch (error) {
    run.recorder.skipAll(run.rows, (error as Error).message);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  for (const row of run.rows) run.recorder.finishRow(row);
  return run.rows;
}

async function runIn(folder: string, run: RowsRun): Promise<void> {
  const brokers = await brokersFor(folder, run);
  const segments = await fill(folder, run.options);
  for (const broker of brokers) await attempt(run, run.rows, broker, () => prepare(broker));
  for (const row of run.rows) {
    if (row.name === RESTART) await runRestarts(row, brokers, segments, run);
    else for (const broker of brokers) await attempt(run, [row], broker, () => runColdReads(row, broker, segments, run));
  }
}

/** What fails takes the rows of this contender along. */
async function attempt(run: RowsRun, rows: readonly Row[], broker: LargeBroker, work: () => Promise<void>): Promise<void> {
  if (rows.every((row) => run.recorder.isSkipped(row, broker.contender))) return;
  try {
    await work();
  } catch (error) {
    for (const row of rows) run.recorder.skip(row, broker.contender, (error as Error).message);
  }
}

async function brokersFor(folder: string, { root, rows, options, recorder }: RowsRun): Promise<LargeBroker[]> {
  const brokers: LargeBroker[] = [new LargeTidelog(root, folder, await freePort())];
  const scripts = peersFolder(root);
  const reason = !options.withPeers ? 'not asked for' : scripts === null ? 'no scripts to start an Apache Kafka with: give TIDELOG_PEERS=FOLDER' : runs('java', '-version') ? '' : 'no Java on the path';
  if (scripts !== null && reason === '') brokers.push(new LargeKafka(scripts, folder, await freePort()));
  else for (const row of rows) recorder.skip(row, 'kafka', reason);
  return brokers;
}

async function fill(folder: string, options: BenchOptions): Promise<LargeSegments> {
  const sizes = sizesFor(options.seconds, options.isQuick);
  const wanted = sizes.segmented.segments * sizes.segmented.segmentBytes + SPARE_BYTES;
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < wanted) throw new Error(`it takes ${(wanted / 2 ** 30).toFixed(1)} GiB of disk, and ${((bavail * bsize) / 2 ** 30).toFixed(1)} are free`);
  const home = path.join(folder, 'segments');
  mkdirSync(home);
  const order: WorkOrder = { work: 'segments-fill', contender: 'native', folder: home, sizes, startedAtMs: Date.now(), profileFolder: null };
  await runChild({ program: 'engine', order, timeoutMs: CHILD_TIMEOUT_MS, expectedSignal: 'SIGKILL' });
  const segments = new LargeSegments(home);
  // Written back now, the disk is quiet while a start is measured.
  segments.sync();
  return segments;
}

/** Makes the empty topic, so that the cluster knows it. */
async function prepare(broker: LargeBroker): Promise<void> {
  broker.start();
  try {
    const connection = await connected(broker);
    await createTopic(connection, { topic: TOPIC, partitions: 1, topicConfig: {} });
    connection.close();
  } finally {
    await broker.kill('SIGTERM');
  }
}

async function connected(broker: LargeBroker): Promise<LoadConnection> {
  const end = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const ended = broker.failure();
    if (ended !== null) throw new Error(`the broker did not start: ${ended}`);
    try {
      return await LoadConnection.open(broker.host, broker.port);
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(20);
    }
  }
}

async function runRestarts(row: Row, brokers: readonly LargeBroker[], segments: LargeSegments, run: RowsRun): Promise<void> {
  for (let round = 0; round < run.options.rounds; round += 1) {
    for (const broker of brokers) {
      await attempt(run, [row], broker, () =>
        onSegments(broker, segments, async (seconds) => run.recorder.add(row, broker.contender, { seconds, cpuSeconds: Math.max(broker.cpuSeconds(), 0.01) }, broker.contender)));
    }
  }
}

/** Starts the broker on the segments as a kill has left them; `work` hears how many seconds the first record took. Kills it afterwards. */
async function onSegments(broker: LargeBroker, segments: LargeSegments, work: (seconds: number) => Promise<void>): Promise<void> {
  segments.giveTo(broker.logFolder);
  try {
    const startedAt = broker.start();
    try {
      const at = await untilFirstRecord(broker, START_TIMEOUT_MS, () => broker.failure());
      await work((at - startedAt) / 1000);
    } finally {
      await broker.kill('SIGKILL');
    }
  } finally {
    segments.takeBack();
  }
}

async function runColdReads(row: Row, broker: LargeBroker, segments: LargeSegments, run: RowsRun): Promise<void> {
  await onSegments(broker, segments, async () => {
    for (let round = 0; round < run.options.rounds; round += 1) {
      const p99WithoutMilliseconds = await pacedP99(broker, run.options, `without-${round}`);
      segments.sync();
      segments.evict();
      const pagedInBefore = pagedInBytes();
      const reader = new Reader(broker);
      const p99Milliseconds = await pacedP99(broker, run.options, `with-${round}`);
      await reader.stop();
      checkWasCold(reader, pagedInBytes() - pagedInBefore, run.options);
      const readBytesPerSecond = (reader.bytes / (reader.endedAt - reader.startedAt)) * 1000;
      run.recorder.add(row, broker.contender, { p99Milliseconds, p99WithoutMilliseconds, timesWithout: p99Milliseconds / p99WithoutMilliseconds, readBytesPerSecond }, broker.contender);
    }
  });
}

async function pacedP99({ host, port, pid }: LargeBroker, options: BenchOptions, name: string): Promise<number> {
  const order: LoadOrder = {
    host, port, pid, mode: 'produce', topic: `paced-${name}`, topicConfig: {}, partitions: 16, connections: 8, inFlight: 1, recordBytes: 100, batchRecords: 1, requestsPerSecond: 500,
    fillBytes: 0, warmUpSeconds: 1, seconds: options.isQuick ? options.seconds : Math.max(options.seconds, PACED_SECONDS_MIN), bytesMax: 1e12,
  };
  const { figures } = (await runChild({ program: 'load', order, timeoutMs: CHILD_TIMEOUT_MS })) as LoadAnswer;
  return figures['p99Milliseconds'] as number;
}

/** What all programs have read from disks, 0 where the system does not tell. */
function pagedInBytes(): number {
  try {
    return Number(/^pgpgin (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function checkWasCold(reader: Reader, pagedIn: number, options: BenchOptions): void {
  if (reader.bytes === 0) throw new Error('nothing was read');
  if (!options.isQuick && pagedIn < reader.bytes / 2) throw new Error(`${reader.bytes} bytes were read, and only ${pagedIn} of them from the disk`);
}
