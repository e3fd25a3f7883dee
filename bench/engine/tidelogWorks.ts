/** The engine's rows on Tidelog itself; which core runs is decided by the environment (TIDELOG_CORE). */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { nextBatch } from '../../src/record/batchHeader.ts';
import { RecordCursor } from '../../src/record/iterate.ts';
import { FileName } from '../../src/storage/fileNames.ts';
import { randomId, systemPorts } from '../../src/storage/index.ts';
import type { AppendOptions, Log } from '../../src/storage/index.ts';
import { formatPartitionMetadata } from '../../src/storage/partitionMetadata.ts';
import { CALL_RECORDS, RECORD_BYTES, buildBatch, newBuilder, newReusingBuilder } from './payload.ts';
import { measured } from './profiler.ts';
import { measureConcurrentRate, measureRate } from './rate.ts';
import { append, appendDurably, builtAppend, openTidelog } from './tidelogStore.ts';
import type { WorkAnswer, WorkOrder, Works } from './work.ts';

const DURABLE_LOGS = 8;
const READ_BYTES = 2 ** 20;
const START_TIMESTAMP_MS = 1_700_000_000_000;

/** Appends that the disk answers later must not pile up: wait when this many are open. */
const OPEN_APPENDS_MAX = 64;

/** Counts appends that were not answered yet. */
class OpenAppends {
  #open = 0;
  #wake: (() => void) | null = null;
  readonly #done = (): void => {
    this.#open -= 1;
    this.#wake?.();
  };

  /** A promise only when too many are open. */
  append(log: Log, batch: Buffer, units: number, options?: AppendOptions): number | Promise<number> {
    this.#open += 1;
    append(log, batch, this.#done, options);
    return this.#open < OPEN_APPENDS_MAX ? units : this.#below(OPEN_APPENDS_MAX, units);
  }

  async #below(limit: number, units: number): Promise<number> {
    while (this.#open >= limit) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = null;
    return units;
  }

  async drained(): Promise<void> {
    await this.#below(1, 0);
  }
}

async function appendRecords({ folder, sizes }: WorkOrder): Promise<WorkAnswer> {
  const { open, close, ran } = await openTidelog(folder);
  const log = await open('append');
  const builder = newReusingBuilder();
  const appends = new OpenAppends();
  let next = 0;
  const recordsPerSecond = await measureRate({ ...sizes, unitsMax: sizes.appendBytesMax / RECORD_BYTES }, () => {
    const nowMs = Date.now();
    const batch = buildBatch(builder, next, nowMs, 0);
    next += CALL_RECORDS;
    return appends.append(log, batch, CALL_RECORDS, builtAppend(nowMs));
  });
  await appends.drained();
  await close();
  return { figures: { recordsPerSecond }, ran };
}

async function appendBatches({ folder, sizes }: WorkOrder): Promise<WorkAnswer> {
  const { open, close, ran } = await openTidelog(folder);
  const log = await open('append');
  const batch = buildBatch(newBuilder(), 0, Date.now(), 0);
  const appends = new OpenAppends();
  const recordsPerSecond = await measureRate({ ...sizes, unitsMax: (sizes.appendBytesMax / batch.length) * CALL_RECORDS }, () => appends.append(log, batch, CALL_RECORDS));
  await appends.drained();
  await close();
  return { figures: { recordsPerSecond, bytesPerSecond: (recordsPerSecond / CALL_RECORDS) * batch.length }, ran };
}

async function appendDurable({ folder, sizes }: WorkOrder): Promise<WorkAnswer> {
  const { open, close, ran } = await openTidelog(folder, { flushMessages: 1 });
  const logs: Log[] = [];
  for (let index = 0; index < DURABLE_LOGS; index += 1) logs.push(await open(`durable-${index}`));
  const builder = newReusingBuilder();
  let next = 0;
  const recordsPerSecond = await measureConcurrentRate(sizes, DURABLE_LOGS, async (writer) => {
    const nowMs = Date.now();
    const batch = buildBatch(builder, next, nowMs, 0);
    next += CALL_RECORDS;
    await appendDurably(logs[writer] as Log, batch, builtAppend(nowMs));
    return CALL_RECORDS;
  });
  await close();
  return { figures: { recordsPerSecond }, ran };
}

/** A log of `records` whose timestamps are START_TIMESTAMP_MS + offset. */
async function fill(log: Log, records: number): Promise<void> {
  const builder = newBuilder();
  const appends = new OpenAppends();
  for (let from = 0; from < records; from += CALL_RECORDS) {
    await appends.append(log, buildBatch(builder, from, START_TIMESTAMP_MS + from, 1), 0);
  }
  await appends.drained();
}

/** `look` is called on each record and returns something that depends on what it saw. */
async function scan({ folder, sizes }: WorkOrder, look: (cursor: RecordCursor) => number): Promise<WorkAnswer> {
  const { open, close, ran } = await openTidelog(folder);
  const log = await open('scan');
  await fill(log, sizes.records);
  const cursor = new RecordCursor();
  let offset = 0;
  let touched = 0;
  const recordsPerSecond = await measureRate(sizes, () => {
    const result = log.read(offset, READ_BYTES, log.logEndOffset, true);
    const { bytes } = result;
    let seen = 0;
    for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
      cursor.open(bytes, at, null);
      while (cursor.next()) {
        touched += look(cursor);
        seen += 1;
      }
    }
    offset = cursor.offset + 1 < log.logEndOffset ? cursor.offset + 1 : 0;
    result.release();
    return seen;
  });
  await close();
  if (touched === 0) throw new Error('the scan saw nothing');
  return { figures: { recordsPerSecond }, ran };
}

const lookAtViews = (cursor: RecordCursor): number => cursor.offset + (cursor.key() as Buffer).length + (cursor.value() as Buffer).length;
const lookAtPlaces = (cursor: RecordCursor): number => cursor.offset + cursor.keyStart + cursor.keyLength + cursor.valueStart + cursor.valueLength;

/** To a view of the batch that holds the record. */
async function lookupOffset({ folder, sizes }: WorkOrder): Promise<WorkAnswer> {
  const { open, close, ran } = await openTidelog(folder);
  const log = await open('lookup');
  await fill(log, sizes.records);
  const end = log.logEndOffset;
  const lookupsPerSecond = await measureRate(sizes, () => {
    const result = log.read(Math.floor(Math.random() * end), 1, end, true);
    if (result.bytes.length === 0) throw new Error('a record is missing');
    result.release();
    return 1;
  });
  await close();
  return { figures: { lookupsMicroseconds: 1e6 / lookupsPerSecond }, ran };
}

/** To the offset of the record, as ListOffsets asks for it. */
async function lookupTimestamp({ folder, sizes }: WorkOrder): Promise<WorkAnswer> {
  const { open, close, ran } = await openTidelog(folder, { messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER });
  const log = await open('lookup');
  await fill(log, sizes.records);
  const end = log.logEndOffset;
  const lookupsPerSecond = await measureRate(sizes, async () => {
    const wanted = Math.floor(Math.random() * end);
    const found = await log.offsetForTimestamp(START_TIMESTAMP_MS + wanted, end);
    if (found.offset !== wanted) throw new Error(`the timestamp of record ${wanted} was found at ${found.offset}`);
    return 1;
  });
  await close();
  return { figures: { lookupsMicroseconds: 1e6 / lookupsPerSecond }, ran };
}

function residentBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

/** Each log holds one batch of one record, as a topic does that hardly anybody uses. One is made, the others are copies of it with names and ids of their own. */
async function idleFill({ folder, sizes }: WorkOrder): Promise<WorkAnswer> {
  const { open, close, ran } = await openTidelog(folder);
  const builder = newBuilder();
  builder.append(null, Buffer.from('idle'), null, Date.now());
  const first = await open('idle-0');
  await appendDurably(first, builder.close());
  await close();
  const files = readdirSync(first.directory).map((name) => ({ name, bytes: readFileSync(path.join(first.directory, name)) }));
  for (let index = 1; index < sizes.idleLogs; index += 1) {
    const copy = path.join(folder, `idle-${index}-0`);
    mkdirSync(copy);
    for (const { name, bytes } of files) writeFileSync(path.join(copy, name), name === FileName.partitionMetadata ? formatPartitionMetadata(randomId(systemPorts.random)) : bytes);
  }
  return { figures: {}, ran };
}

async function idleLogs({ folder, sizes }: WorkOrder): Promise<WorkAnswer> {
  const before = residentBytes();
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const { store, close, ran } = await measured(() => openTidelog(folder));
  const openSeconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const after = residentBytes();
  const count = [...store.logs()].length;
  if (count !== sizes.idleLogs) throw new Error(`${count} logs were opened, not ${sizes.idleLogs}`);
  await close();
  // In a small run the collector may give back more than the logs take, and the clock of CPU time is coarse.
  return { figures: { openSeconds, openCpuSeconds: Math.max(user + system, 1) / 1e6, residentMegabytes: Math.max(after - before, 1) / 2 ** 20 }, ran };
}

/** Fills one log and dies without closing it. */
async function recoveryFill({ folder, sizes }: WorkOrder): Promise<WorkAnswer> {
  const { open } = await openTidelog(folder);
  const log = await open('recovery');
  await fill(log, sizes.recoveryBytes / (RECORD_BYTES + 10));
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}

async function recovery({ folder, startedAtMs }: WorkOrder): Promise<WorkAnswer> {
  const openedAt = performance.now();
  const { open, close, ran } = await measured(() => openTidelog(folder));
  const recoveredAt = performance.now();
  const log = await open('recovery');
  const result = log.read(0, 1, log.logEndOffset, true);
  if (result.bytes.length === 0) throw new Error('nothing was recovered');
  result.release();
  const milliseconds = performance.timeOrigin + performance.now() - startedAtMs;
  const bytesPerSecond = log.sizeBytes / ((recoveredAt - openedAt) / 1000);
  await close();
  return { figures: { milliseconds, bytesPerSecond }, ran };
}

export const tidelogWorks: Works = {
  'append-records': appendRecords,
  'append-batches': appendBatches,
  'append-durable': appendDurable,
  'scan-views': (order) => scan(order, lookAtViews),
  'scan-places': (order) => scan(order, lookAtPlaces),
  'lookup-offset': lookupOffset,
  'lookup-timestamp': lookupTimestamp,
  'idle-fill': idleFill,
  'idle-logs': idleLogs,
  'recovery-fill': recoveryFill,
  recovery,
};
