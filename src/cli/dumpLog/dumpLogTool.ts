import path from 'node:path';
import { nearestName } from '../../base/nearest.ts';
import type { Options } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { required, type Tool, type ToolEnvironment } from '../tool.ts';
import { ToolError } from '../toolError.ts';
import { SegmentFile } from './batches.ts';
import { offsetIndexLines, snapshotLines, timeIndexLines, transactionIndexLines, type Findings, type IndexOptions } from './indexes.ts';
import { batchLine, recordLines, type Parser, type RecordOptions } from './records.ts';
import { decodeCoordinatorRecord, type CoordinatorKind } from './schemaJson.ts';

const INT_MAX = 2 ** 31 - 1;
const PIECE_BYTES = 64 * 1024;
const COORDINATORS: readonly (readonly [string, CoordinatorKind])[] = [['offsets-decoder', 'group'], ['transaction-log-decoder', 'transaction'], ['share-group-state-decoder', 'share']];

export const dumpLogTool: Tool = {
  name: 'kafka-dump-log',
  purpose: 'This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly corrupt log segment.',
  options: [
    { name: 'files', argument: 'files', description: 'REQUIRED: The files to dump, separated by commas: .log, .index, .timeindex, .txnindex, .snapshot.' },
    { name: 'print-data-log', description: 'Print keys and values.' },
    { name: 'deep-iteration', description: 'Print each record, not batches alone.' },
    { name: 'index-sanity-check', description: 'Only check whether the index is sound.' },
    { name: 'verify-index-only', description: 'Only verify the index against the log.' },
    { name: 'max-message-size', argument: 'bytes', type: 'integer', default: '5242880', description: 'The size of the largest batch.' },
    { name: 'max-bytes', argument: 'bytes', type: 'integer', default: String(INT_MAX), description: 'Read so much of a .log file at most.' },
    { name: 'value-decoder-class', argument: 'class', isArgumentOptional: true, description: 'How values are decoded: StringDecoder (the default), LongDecoder, IntegerDecoder, DefaultDecoder.' },
    { name: 'key-decoder-class', argument: 'class', isArgumentOptional: true, description: 'How keys are decoded.' },
    { name: 'offsets-decoder', description: 'Decode records of __consumer_offsets.' },
    { name: 'transaction-log-decoder', description: 'Decode records of __transaction_state.' },
    { name: 'share-group-state-decoder', description: 'Decode records of __share_group_state.' },
    { name: 'cluster-metadata-decoder', description: "Refused: KRaft's metadata log is not Tidelog's." },
    { name: 'remote-log-metadata-decoder', description: 'Refused: there is no tiered storage.' },
    { name: 'skip-record-metadata', description: 'Print the contents of records alone.' },
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const files = required(options, 'files').replace(/,+$/, '').split(',').map((file) => file.trim());
  if (options.has('cluster-metadata-decoder')) throw new ToolError("KRaft's metadata log cannot be decoded: Tidelog's clusters keep their metadata in a log of their own, or in ZooKeeper");
  if (options.has('remote-log-metadata-decoder')) throw new ToolError('Metadata of tiered storage cannot be decoded: Tidelog has no tiered storage');
  const findings: Findings = new Map();
  const printing = new Printing(environment.terminal);
  try {
    for (const file of files) {
      await printing.line(`Dumping ${file}`);
      const lines = linesOf(file, options, findings);
      if (lines === null) environment.terminal.complain(`Ignoring unknown file ${file}`);
      else for (const line of lines) if (!(await printing.line(line)) || environment.interrupted.aborted) return 0;
    }
  } finally {
    await printing.flush();
  }
  for (const [title, lines] of findings) {
    environment.terminal.complain(title);
    for (const line of lines) environment.terminal.complain(line);
  }
  return 0;
}

/** Lines are written many at a time. */
class Printing {
  readonly #terminal: Terminal;
  #pieces: string[] = [];
  #length = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** False: nobody reads any more. */
  async line(line: string): Promise<boolean> {
    this.#pieces.push(line, '\n');
    this.#length += line.length;
    if (this.#length > PIECE_BYTES) await this.flush();
    return !this.#terminal.isGone;
  }

  async flush(): Promise<void> {
    const text = this.#pieces.join('');
    this.#pieces = [];
    this.#length = 0;
    await this.#terminal.print(text);
  }
}

function linesOf(file: string, options: Options, findings: Findings): Iterable<string> | null {
  const index: IndexOptions = { onlyChecks: options.has('index-sanity-check'), onlyVerifies: options.has('verify-index-only') };
  if (file.endsWith('.checkpoint')) throw new ToolError(`${file} is a snapshot of KRaft's metadata, which Tidelog does not have`);
  if (file.endsWith('.log')) return logLines(file, options, findings);
  if (file.endsWith('.timeindex')) return timeIndexLines(file, index, findings);
  if (file.endsWith('.txnindex')) return transactionIndexLines(file);
  if (file.endsWith('.index')) return offsetIndexLines(file, index, findings);
  return file.endsWith('.snapshot') ? snapshotLines(file) : null;
}

function* logLines(file: string, options: Options, findings: Findings): Generator<string> {
  const parser = parserOf(options);
  const isDeep = parser !== null || options.has('deep-iteration');
  const record: RecordOptions = { parser, skipsMetadata: options.has('skip-record-metadata') };
  const maxBytes = options.number('max-bytes') ?? INT_MAX;
  const gaps: string[] = [];
  let last = -1;
  let validBytes = 0;
  const onOffset = (offset: number) => {
    if (last >= 0 && offset !== last + 1) gaps.push(`  ${last} is followed by ${offset}`);
    last = offset;
  };
  yield `Log starting offset: ${Number(path.basename(file).split('.')[0])}`;
  const log = new SegmentFile(file);
  try {
    for (const batch of log.batches(0, Math.min(maxBytes, log.sizeBytes))) {
      yield batchLine(batch);
      if (isDeep) yield* recordLines(batch, record, onOffset);
      validBytes += batch.bytes.length;
    }
    if (validBytes < log.sizeBytes && maxBytes === INT_MAX) yield `Found ${log.sizeBytes - validBytes} invalid bytes at the end of ${path.basename(file)}`;
  } finally {
    log.close();
  }
  if (gaps.length > 0) findings.set(`Non-consecutive offsets in ${path.resolve(file)}`, gaps);
}

/** null: keys and values are not asked for. */
function parserOf(options: Options): Parser | null {
  const coordinator = COORDINATORS.find(([option]) => options.has(option))?.[1];
  if (coordinator !== undefined) return (key, value, offset) => (key === null ? refuseKey(offset) : decodeCoordinatorRecord(coordinator, key, value, offset));
  if (!['print-data-log', 'key-decoder-class', 'value-decoder-class'].some((name) => options.has(name))) return null;
  const keys = decoderOf(options.value('key-decoder-class') ?? '');
  const values = decoderOf(options.value('value-decoder-class') ?? '');
  return (key, value) => ({ key: key === null ? null : keys(key), value: value === null ? null : values(value) });
}

function refuseKey(offset: number): never {
  throw new ToolError(`Failed to decode message at offset ${offset} using the specified decoder (message had a missing key)`);
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => string>> = {
  StringDecoder: (bytes) => bytes.toString(),
  LongDecoder: (bytes) => (bytes.length < 8 ? badLength(bytes) : String(bytes.readBigInt64BE())),
  IntegerDecoder: (bytes) => (bytes.length < 4 ? badLength(bytes) : String(bytes.readInt32BE())),
  DefaultDecoder: (bytes) => bytes.toString('base64'),
};

const badLength = (bytes: Buffer): string => `(${bytes.length} bytes: ${bytes.toString('hex')})`;

function decoderOf(className: string): (bytes: Buffer) => string {
  const name = className.split('.').at(-1) ?? '';
  const decoder = DECODERS[name === '' ? 'StringDecoder' : name];
  if (decoder !== undefined) return decoder;
  const nearest = nearestName(name, Object.keys(DECODERS));
  throw new ToolError(`There is no decoder ${className}${nearest === null ? `; there are ${Object.keys(DECODERS).join(', ')}` : `. Did you mean ${nearest}?`}`);
}
