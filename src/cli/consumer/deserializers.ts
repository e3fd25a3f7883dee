import { nearestName } from '../../base/nearest.ts';
import { ToolError } from '../toolError.ts';

/** Bytes to the text that Kafka's deserializer of that name, printed, would give. Throws ToolError for bytes of a wrong size. */
export type Deserializer = (bytes: Buffer) => Buffer;

const PACKAGE = 'org.apache.kafka.common.serialization.';

function fixed(name: string, sizeBytes: number, read: (bytes: Buffer) => number | bigint | string): readonly [string, Deserializer] {
  return [name, (bytes) => {
    if (bytes.length !== sizeBytes) throw new ToolError(`Size of data received by ${name} is not ${sizeBytes}`);
    return Buffer.from(String(read(bytes)));
  }];
}

const asIs: Deserializer = (bytes) => bytes;

const deserializers: ReadonlyMap<string, Deserializer> = new Map([
  ['StringDeserializer', (bytes) => Buffer.from(bytes.toString())],
  ['ByteArrayDeserializer', asIs],
  ['BytesDeserializer', asIs],
  fixed('ShortDeserializer', 2, (bytes) => bytes.readInt16BE()),
  fixed('IntegerDeserializer', 4, (bytes) => bytes.readInt32BE()),
  fixed('LongDeserializer', 8, (bytes) => bytes.readBigInt64BE()),
  fixed('FloatDeserializer', 4, (bytes) => decimal(shortestFloat(bytes.readFloatBE()))),
  fixed('DoubleDeserializer', 8, (bytes) => decimal(bytes.readDoubleBE())),
  fixed('BooleanDeserializer', 1, (bytes) => String(bytes[0] !== 0)),
  ['UUIDDeserializer', asIs],
]);

/** By class name, with or without Kafka's package. Throws ToolError with the nearest name. */
export function deserializerOf(className: string): Deserializer {
  const name = className.startsWith(PACKAGE) ? className.slice(PACKAGE.length) : className;
  const found = deserializers.get(name);
  if (found !== undefined) return found;
  const nearest = nearestName(name, deserializers.keys());
  throw new ToolError(`There is no deserializer ${className}${nearest === null ? `; there are ${[...deserializers.keys()].join(', ')}` : `. Did you mean ${PACKAGE}${nearest}?`}`);
}

/** Java prints whole numbers of floating point with `.0`. */
const decimal = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));

/** The shortest number that is the same float. */
function shortestFloat(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return value;
}
