/** `.index`, `.timeindex`, `.txnindex` and `.snapshot` files. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { lastOffsetOf } from '../../record/batchHeader.ts';
import { decodeProducerSnapshot } from '../../storage/producerSnapshot.ts';
import type { ProducerEntry } from '../../storage/producerEntry.ts';
import { SegmentFile, type FoundBatch } from './batches.ts';
import { maxRecordTimestamp } from './records.ts';
import { ToolError } from '../toolError.ts';

const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;
const TRANSACTION_ENTRY_BYTES = 34;

/** What is wrong, by what is wrong and where; told after all files. */
export type Findings = Map<string, string[]>;

export interface IndexOptions {
  readonly onlyChecks: boolean;
  readonly onlyVerifies: boolean;
}

function note(findings: Findings, title: string, line: string): void {
  const lines = findings.get(title) ?? [];
  findings.set(title, lines);
  lines.push(line);
}

export function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ToolError((error as NodeJS.ErrnoException).code === 'ENOENT' ? `There is no file ${file}` : (error as Error).message);
  }
}

const sibling = (file: string, suffix: string): string => path.join(path.dirname(file), `${path.basename(file).split('.')[0]}${suffix}`);
const baseOffsetIn = (file: string): number => Number(path.basename(file).split('.')[0]);

interface OffsetEntry {
  readonly offset: number;
  readonly position: number;
}

/** An index that is written to is as long as it may get: entries end where its zeros begin. */
function offsetEntries(bytes: Buffer, baseOffset: number): OffsetEntry[] {
  const entries: OffsetEntry[] = [];
  for (let at = 0; at + OFFSET_ENTRY_BYTES <= bytes.length; at += OFFSET_ENTRY_BYTES) {
    const relative = bytes.readUInt32BE(at);
    if (relative === 0 && at > 0) break;
    entries.push({ offset: baseOffset + relative, position: bytes.readUInt32BE(at + 4) });
  }
  return entries;
}

export function* offsetIndexLines(file: string, options: IndexOptions, findings: Findings): Generator<string> {
  const bytes = readFile(file);
  const baseOffset = baseOffsetIn(file);
  const entries = offsetEntries(bytes, baseOffset);
  if (entries.length === 0) return yield `${file} is empty.`;
  if (options.onlyChecks) return yield sanityLine(file, bytes.length % OFFSET_ENTRY_BYTES === 0);
  const log = new SegmentFile(sibling(file, '.log'));
  try {
    for (const { offset, position } of entries) {
      const first = log.batches(position).next().value as FoundBatch | undefined;
      const found = first === undefined ? -1 : lastOffsetOf(first.bytes, 0);
      if (found !== offset) note(findings, `Mismatches in :${path.resolve(file)}`, `  Index offset: ${offset}, log offset: ${found}`);
      if (!options.onlyVerifies) yield `offset: ${offset} position: ${position}`;
    }
  } finally {
    log.close();
  }
}

function sanityLine(file: string, isSane: boolean): string {
  if (!isSane) throw new ToolError(`Index file ${path.resolve(file)} is corrupt: its length is no multiple of an entry's`);
  return `${file} passed sanity check.`;
}

export function* timeIndexLines(file: string, options: IndexOptions, findings: Findings): Generator<string> {
  const bytes = readFile(file);
  if (options.onlyChecks) return yield sanityLine(file, bytes.length % TIME_ENTRY_BYTES === 0);
  const baseOffset = baseOffsetIn(file);
  const offsets = offsetEntries(readFile(sibling(file, '.index')), baseOffset);
  const log = new SegmentFile(sibling(file, '.log'));
  let previous = -1;
  try {
    for (let at = 0; at + TIME_ENTRY_BYTES <= bytes.length; at += TIME_ENTRY_BYTES) {
      const timestamp = Number(bytes.readBigInt64BE(at));
      const offset = baseOffset + bytes.readUInt32BE(at + 8);
      if (offset === baseOffset && at > 0) return;
      const position = offsets.findLast((entry) => entry.offset <= offset)?.position ?? 0;
      verifyTime(file, log, { timestamp, offset, position, previous }, findings);
      if (!options.onlyVerifies) yield `timestamp: ${timestamp} offset: ${offset}`;
      previous = timestamp;
    }
  } finally {
    log.close();
  }
}

function verifyTime(file: string, log: SegmentFile, entry: OffsetEntry & { readonly timestamp: number; readonly previous: number }, findings: Findings): void {
  const where = path.resolve(file);
  let found: FoundBatch | null = null;
  for (const batch of log.batches(entry.position)) {
    if (lastOffsetOf(batch.bytes, 0) < entry.offset) continue;
    found = batch;
    break;
  }
  const last = found === null ? -1 : lastOffsetOf(found.bytes, 0);
  if (found === null || last !== entry.offset) return note(findings, `The following indexed offsets are not found in :${where}`, `Indexed offset: ${entry.offset}, found log offset: ${last}`);
  const max = maxRecordTimestamp(found.bytes);
  if (max !== entry.timestamp) note(findings, `Found timestamp mismatch in :${where}`, `  Index timestamp: ${entry.timestamp}, log timestamp: ${max}`);
  if (entry.previous >= entry.timestamp) note(findings, `Found out of order timestamp in :${where}`, `  Index timestamp: ${entry.timestamp}, Previously indexed timestamp: ${entry.previous}`);
}

export function* transactionIndexLines(file: string): Generator<string> {
  const bytes = readFile(file);
  const at = (position: number) => Number(bytes.readBigInt64BE(position));
  for (let start = 0; start + TRANSACTION_ENTRY_BYTES <= bytes.length; start += TRANSACTION_ENTRY_BYTES) {
    yield `version: ${bytes.readInt16BE(start)} producerId: ${at(start + 2)} firstOffset: ${at(start + 10)} lastOffset: ${at(start + 18)} lastStableOffset: ${at(start + 26)}`;
  }
}

export function* snapshotLines(file: string): Generator<string> {
  const entries = decodeProducerSnapshot(readFile(file));
  if (entries === null) throw new ToolError(`Snapshot ${path.resolve(file)} is corrupt`);
  for (const entry of entries) yield snapshotLine(entry);
}

function snapshotLine(entry: ProducerEntry): string {
  const first = entry.transactionFirstOffset < 0 ? 'OptionalLong.empty' : `OptionalLong[${entry.transactionFirstOffset}]`;
  const head = `producerId: ${entry.producerId} producerEpoch: ${entry.epoch} coordinatorEpoch: ${entry.coordinatorEpoch} currentTxnFirstOffset: ${first} lastTimestamp: ${entry.lastTimestampMs}`;
  if (!entry.hasBatches) return head;
  return `${head} firstSequence: ${entry.lastSequence - entry.lastOffsetDelta} lastSequence: ${entry.lastSequence} lastOffset: ${entry.lastOffset} offsetDelta: ${entry.lastOffsetDelta} timestamp: ${entry.lastTimestampMs}`;
}
