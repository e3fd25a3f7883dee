/**
 * Record batches: how fast they are built and read, and what it costs to look into compressed ones.
 * `node bench/micro/record.mjs [--small] [--json]`, after a build. 100 B values, 1000 records a batch.
 */
import { performance } from 'node:perf_hooks';
import { compute, describeCore } from '../../dist/binding/load.js';
import { Codec, Field, HEADER_BYTES, crcOf, headerDefect } from '../../dist/record/batchHeader.js';
import { BatchBuilder } from '../../dist/record/build.js';
import { CODEC_NAMES, DEFAULT_LEVEL, implementationsOf } from '../../dist/record/codecs.js';
import { noLimits } from '../../dist/record/inflateTask.js';
import { InlineInflater } from '../../dist/record/inlineInflater.js';
import { RecordCursor, decodeBatch, forEachRecord } from '../../dist/record/iterate.js';
import { openInflater } from '../../dist/record/workerInflater.js';

const RECORDS = 1000;
const VALUE_BYTES = 100;
const CAP_BYTES = 2 ** 24;
const CODECS = [Codec.gzip, Codec.snappy, Codec.lz4, Codec.zstd];
const WORDS = ['order', 'user', 'view', 'click', '"price":', '"id":', 'session', 'true', 'stock', 'page'];

/** Values as an application's: words among numbers that change. Compresses to about a third. */
function makeValues() {
  let state = 7;
  const next = (bound) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % bound;
  };
  return Array.from({ length: RECORDS }, () => {
    let text = '';
    while (text.length < VALUE_BYTES) text += `${WORDS[next(WORDS.length)]} ${next(100_000)} `;
    return Buffer.from(text.slice(0, VALUE_BYTES));
  });
}

const values = makeValues();
const keys = values.map((_, index) => Buffer.from(`key-${index % 100}`));
const headers = [{ key: 'trace', value: Buffer.from('0123456789abcdef') }];

function fill(builder, withKey, withHeaders) {
  for (let index = 0; index < RECORDS; index += 1) {
    builder.append(withKey ? keys[index] : null, values[index], withHeaders ? headers : null, 1_700_000_000_000 + index);
  }
}

function batchOf(codec, level = DEFAULT_LEVEL) {
  const builder = new BatchBuilder(2 ** 17);
  fill(builder, true, false);
  return builder.close({ codec, level });
}

const CALLS_A_TURN = 10;

/**
 * Runs `work` for about `milliseconds` after half as long a warm-up; seconds a call. Between turns the event loop runs, for it is there that
 * native libraries give memory back; that time does not count.
 */
async function timed(work, milliseconds) {
  await turns(work, milliseconds / 2);
  return turns(work, milliseconds);
}

async function turns(work, milliseconds) {
  let spent = 0;
  let calls = 0;
  while (spent < milliseconds) {
    const start = performance.now();
    for (let index = 0; index < CALLS_A_TURN; index += 1) work();
    spent += performance.now() - start;
    calls += CALLS_A_TURN;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return spent / 1000 / calls;
}

function row(name, secondsPerBatch, bytes) {
  return { name, recordsPerSecond: Math.round(RECORDS / secondsPerBatch), microsecondsPerBatch: secondsPerBatch * 1e6, megabytesPerSecond: bytes / secondsPerBatch / 1e6 };
}

async function buildRows(milliseconds) {
  const builder = new BatchBuilder(2 ** 18);
  const bytes = batchOf(Codec.none).length;
  const build = (withKey, withHeaders) => timed(() => {
    fill(builder, withKey, withHeaders);
    builder.close();
  }, milliseconds);
  return [row('build, value only', await build(false, false), bytes), row('build, key and value', await build(true, false), bytes), row('build, key, value, 1 header', await build(true, true), bytes)];
}

async function readRows(milliseconds) {
  const batch = batchOf(Codec.none);
  const cursor = new RecordCursor();
  let sum = 0;
  const onRecord = (offset, timestampMs, keyStart, keyLength, valueStart, valueLength) => {
    sum += valueLength;
  };
  const withCursor = await timed(() => {
    cursor.open(batch, 0, null);
    while (cursor.next()) sum += cursor.valueLength;
  }, milliseconds);
  const withViews = await timed(() => {
    cursor.open(batch, 0, null);
    while (cursor.next()) sum += cursor.value().length;
  }, milliseconds);
  return [
    row('read, cursor', withCursor, batch.length),
    row('read, visitor', await timed(() => forEachRecord(batch, 0, null, onRecord), milliseconds), batch.length),
    row('read, cursor and a view of each value', withViews, batch.length),
    row('read, an object a record', await timed(() => decodeBatch(batch), milliseconds), batch.length),
  ];
}

/** What a broker does with a batch of a producer: header and CRC only, or everything. */
async function checkRows(milliseconds) {
  const inflater = new InlineInflater();
  const limits = noLimits(CAP_BYTES);
  const rows = [];
  for (const codec of [Codec.none, ...CODECS]) {
    const batch = batchOf(codec);
    const trust = () => headerDefect(batch, 0) === '' && compute.crc32c(batch.subarray(Field.attributes)) === crcOf(batch, 0);
    rows.push(row(`${CODEC_NAMES[codec]}: header and CRC`, await timed(trust, milliseconds), batch.length));
    rows.push(row(`${CODEC_NAMES[codec]}: every record`, await timed(() => inflater.inflate(batch, limits, () => {}), milliseconds), batch.length));
  }
  return rows;
}

async function codecRows(milliseconds) {
  const plain = batchOf(Codec.none).subarray(HEADER_BYTES);
  const rows = [];
  for (const codec of CODECS) {
    for (const implementation of implementationsOf(codec)) {
      const compressed = implementation.compress(plain, DEFAULT_LEVEL);
      const name = `${CODEC_NAMES[codec]} (${implementation.description})`;
      const ratio = (plain.length / compressed.length).toFixed(2);
      rows.push(row(`${name} compress, ratio ${ratio}`, await timed(() => implementation.compress(plain, DEFAULT_LEVEL), milliseconds), plain.length));
      rows.push(row(`${name} inflate`, await timed(() => implementation.inflate(compressed, CAP_BYTES), milliseconds), plain.length));
    }
  }
  return rows;
}

/** Off the thread: how long one batch takes alone, how many a second with many under way, and what that leaves on the caller's thread. */
async function workerRows(milliseconds) {
  const inflater = openInflater();
  const limits = noLimits(CAP_BYTES);
  const rows = [];
  for (const codec of CODECS) {
    const batch = batchOf(codec);
    const one = () => new Promise((resolve) => inflater.inflate(batch, limits, resolve));
    for (let index = 0; index < 50; index += 1) await one();
    let calls = 0;
    let start = performance.now();
    for (; performance.now() < start + milliseconds; calls += 1) await one();
    rows.push(row(`${CODEC_NAMES[codec]}: every record, one at a time`, (performance.now() - start) / 1000 / calls, batch.length));
    calls = 0;
    start = performance.now();
    const loopBefore = performance.eventLoopUtilization();
    const lane = async () => {
      for (; performance.now() < start + milliseconds; calls += 1) await one();
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    const busy = performance.eventLoopUtilization(loopBefore).utilization;
    rows.push(row(`${CODEC_NAMES[codec]}: every record, 16 under way (thread ${Math.round(busy * 100)} % busy)`, (performance.now() - start) / 1000 / calls, batch.length));
  }
  await inflater.close();
  return rows;
}

/** All tables; `small` only proves that they run. */
export async function run({ small = false } = {}) {
  const milliseconds = small ? 5 : 400;
  return {
    core: describeCore(),
    build: await buildRows(milliseconds),
    read: await readRows(milliseconds),
    check: await checkRows(milliseconds),
    codecs: await codecRows(milliseconds),
    workers: await workerRows(milliseconds),
  };
}

function print({ core, ...tables }) {
  console.log(`${core}; ${RECORDS} records of ${VALUE_BYTES} B a batch`);
  for (const [title, rows] of Object.entries(tables)) {
    console.log(`\n${title}`);
    for (const { name, recordsPerSecond, microsecondsPerBatch, megabytesPerSecond } of rows) {
      console.log(`  ${name.padEnd(62)} ${(recordsPerSecond / 1e6).toFixed(2).padStart(7)} M records/s ${microsecondsPerBatch.toFixed(0).padStart(7)} us/batch ${megabytesPerSecond.toFixed(0).padStart(6)} MB/s`);
    }
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const result = await run({ small: process.argv.includes('--small') });
  if (process.argv.includes('--json')) console.log(JSON.stringify(result, null, 2));
  else print(result);
}
