import { nearestName } from '../../base/nearest.ts';
import type { RecordCursor } from '../../record/iterate.ts';
import { ToolError } from '../toolError.ts';
import { deserializerOf, type Deserializer } from './deserializers.ts';
import type { OutputBuffer } from './outputBuffer.ts';

/** What a formatter looks at: a cursor is one. */
export type PrintableRecord = Pick<RecordCursor, 'bytes' | 'keyStart' | 'keyLength' | 'valueStart' | 'valueLength' | 'headerCount' | 'offset' | 'timestampMs' | 'hasAppendTime' | 'headers' | 'key' | 'value'> & {
  /** How often the record was handed out; in share groups only. */
  readonly deliveryCount?: number;
};

/** Writes one message. Throws ToolError for one that it cannot print. */
export type Formatter = (output: OutputBuffer, topic: string, partition: number, record: PrintableRecord) => void;

const FLAGS = ['print.timestamp', 'print.key', 'print.offset', 'print.epoch', 'print.delivery', 'print.partition', 'print.headers', 'print.value'];
const TEXTS = ['key.separator', 'line.separator', 'headers.separator', 'null.literal', 'key.deserializer', 'value.deserializer', 'headers.deserializer'];
const PACKAGES = ['org.apache.kafka.tools.consumer.', 'kafka.tools.'];

/** By class name. Throws ToolError for a formatter or deserializer that is not there. */
export function formatterOf(className: string, properties: ReadonlyMap<string, string>): Formatter {
  const prefix = PACKAGES.find((candidate) => className.startsWith(candidate)) ?? '';
  switch (className.slice(prefix.length)) {
    case 'DefaultMessageFormatter':
      return defaultFormatter(properties);
    case 'LoggingMessageFormatter':
      return loggingFormatter(properties);
    case 'NoOpMessageFormatter':
      return () => {};
    default:
      throw new ToolError(`There is no formatter ${className}; there are DefaultMessageFormatter, LoggingMessageFormatter and NoOpMessageFormatter`);
  }
}

/** What to tell about properties that no formatter knows. */
export function unknownFormatterProperties(properties: ReadonlyMap<string, string>): string[] {
  const known = [...FLAGS, ...TEXTS];
  return [...properties.keys()].filter((name) => !known.includes(name)).map((name) => {
    const nearest = nearestName(name, known);
    return `The formatter has no property ${name}${nearest === null ? '' : `. Did you mean ${nearest}?`}`;
  });
}

/** One thing that is printed of a message. */
type Column = (output: OutputBuffer, record: PrintableRecord, partition: number) => void;

function defaultFormatter(properties: ReadonlyMap<string, string>): Formatter {
  const columns = columnsOf(properties);
  const keySeparator = Buffer.from(properties.get('key.separator') ?? '\t');
  const lineSeparator = Buffer.from(properties.get('line.separator') ?? '\n');
  const [only] = columns;
  if (only === undefined) return () => {};
  if (columns.length === 1) {
    return (output, _topic, partition, record) => {
      only(output, record, partition);
      output.bytes(lineSeparator);
    };
  }
  const last = columns.length - 1;
  return (output, _topic, partition, record) => {
    for (let index = 0; index <= last; index++) {
      (columns[index] as Column)(output, record, partition);
      output.bytes(index === last ? lineSeparator : keySeparator);
    }
  };
}

/** What is asked for, in the order in which it is printed. */
function columnsOf(properties: ReadonlyMap<string, string>): Column[] {
  const flag = (name: string, otherwise: boolean) => (properties.has(name) ? properties.get(name)?.trim().toLowerCase() === 'true' : otherwise);
  const nullLiteral = Buffer.from(properties.get('null.literal') ?? 'null');
  const deserializer = (name: string) => (properties.has(name) ? deserializerOf(properties.get(name) as string) : null);
  const columns: Column[] = [];
  if (flag('print.timestamp', false)) columns.push((output, record) => output.text(`${record.hasAppendTime ? 'LogAppendTime' : 'CreateTime'}:${record.timestampMs}`));
  if (flag('print.partition', false)) columns.push((output, _record, partition) => output.text(`Partition:${partition}`));
  if (flag('print.offset', false)) columns.push((output, record) => output.text(`Offset:${record.offset}`));
  // deliveries are counted in share groups only, and Kafka's tool has no epochs at hand either
  if (flag('print.delivery', false)) columns.push((output, record) => output.text(`Delivery:${record.deliveryCount ?? 'NOT_PRESENT'}`));
  if (flag('print.epoch', false)) columns.push((output) => output.text('Epoch:NOT_PRESENT'));
  if (flag('print.headers', false)) columns.push(headersColumn(Buffer.from(properties.get('headers.separator') ?? ','), nullLiteral, deserializer('headers.deserializer')));
  const keyDeserializer = deserializer('key.deserializer');
  const valueDeserializer = deserializer('value.deserializer');
  if (flag('print.key', false)) columns.push((output, record) => field(output, record.bytes, record.keyStart, record.keyLength, nullLiteral, keyDeserializer));
  if (flag('print.value', true)) columns.push((output, record) => field(output, record.bytes, record.valueStart, record.valueLength, nullLiteral, valueDeserializer));
  return columns;
}

function headersColumn(separator: Buffer, nullLiteral: Buffer, deserializer: Deserializer | null): Column {
  return (output, record) => {
    if (record.headerCount === 0) return output.text('NO_HEADERS');
    for (const [index, { key, value }] of record.headers().entries()) {
      if (index > 0) output.bytes(separator);
      output.text(`${key}:`);
      const bytes = value ?? nullLiteral;
      field(output, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, nullLiteral, deserializer);
    }
  };
}

/** A length below 0 means null, which is not deserialized: Kafka's tool deserializes the literal instead, which fails for most types. */
function field(output: OutputBuffer, bytes: Buffer, start: number, length: number, nullLiteral: Buffer, deserializer: Deserializer | null): void {
  if (length < 0) output.bytes(nullLiteral);
  else if (deserializer === null) output.range(bytes, start, start + length);
  else output.bytes(deserializer(bytes.subarray(start, start + length)));
}

function loggingFormatter(properties: ReadonlyMap<string, string>): Formatter {
  const format = defaultFormatter(properties);
  return (output, topic, partition, record) => {
    format(output, topic, partition, record);
    const text = (bytes: Buffer | null) => (bytes === null ? 'null' : bytes.toString());
    output.log(`${record.hasAppendTime ? 'LogAppendTime' : 'CreateTime'}:${record.timestampMs}, key:${text(record.key())}, value:${text(record.value())}`);
  };
}
