import { Attribute, attributesOf, codecIn, crcOf, Field, HEADER_BYTES, LOG_OVERHEAD_BYTES, magicOf, MAGIC, nextBatch, sizeOf, type Codec } from '../../record/batchHeader.ts';
import { compute } from '../../binding/load.ts';
import { renewCrc } from '../../record/build.ts';
import { compress, inflate } from '../../record/codecs.ts';
import type { BatchEncoder } from '../producer/batch.ts';
import { ClientError } from '../core/clientError.ts';
import { KafkaJSError, KafkaJSNonRetriableError } from './errors.ts';

export const CompressionTypes = { None: 0, GZIP: 1, Snappy: 2, LZ4: 3, ZSTD: 4 } as const;
export type CompressionTypes = (typeof CompressionTypes)[keyof typeof CompressionTypes];

/** What KafkaJS hands a codec to compress: the records of one batch. */
export interface CompressionEncoder {
  readonly buffer: Buffer;
  size(): number;
}

export interface CompressionCodec {
  compress(encoder: CompressionEncoder): Promise<Buffer> | Buffer;
  decompress(buffer: Buffer): Promise<Buffer> | Buffer;
}

/** Largest inflated batch that the built-in codecs take from a broker. */
const INFLATED_MAX_BYTES = 256 * 1024 * 1024;

const builtIn = (codec: Codec) => (): CompressionCodec => ({
  compress: async ({ buffer }) => compress(codec, buffer),
  decompress: async (buffer) => inflate(codec, buffer, INFLATED_MAX_BYTES),
});

const BUILT_IN: Readonly<Record<number, () => CompressionCodec>> = { 1: builtIn(CompressionTypes.GZIP), 2: builtIn(CompressionTypes.Snappy), 3: builtIn(CompressionTypes.LZ4), 4: builtIn(CompressionTypes.ZSTD) };

/** All are built in. One that an application puts in its place is what compresses and decompresses batches of that type from then on, for everybody in the process. */
export const CompressionCodecs: Record<number, () => CompressionCodec> = { ...BUILT_IN };

/** The application's own codec for batches of this type, if there is one. */
function registeredCodec(type: number): CompressionCodec | null {
  const make = CompressionCodecs[type];
  return type === CompressionTypes.None || make === undefined || make === BUILT_IN[type] ? null : make();
}

/** How batches of this type are compressed, where not by what is built in. Throws what the application's codec throws when it is made. */
export function encoderOf(type: CompressionTypes): BatchEncoder | null {
  const codec = registeredCodec(type);
  if (codec === null) return null;
  return async (batch) => {
    const records = batch.subarray(HEADER_BYTES);
    return rewrite(batch, bytesFrom(await codec.compress({ buffer: records, size: () => records.length }), 'compress'), type);
  };
}

/** The fetched batches with those inflated that belong to codecs of the application; null where there are none. A batch that is cut off at the end is left away. */
export function decodeBatches(fetched: Buffer, checkCrcs: boolean): Promise<Buffer> | null {
  for (let at = 0, end = nextBatch(fetched, 0); end !== -1; at = end, end = nextBatch(fetched, at)) {
    if (magicOf(fetched, at) === MAGIC && registeredCodec(codecIn(attributesOf(fetched, at))) !== null) return decodeAll(fetched, checkCrcs);
  }
  return null;
}

async function decodeAll(fetched: Buffer, checkCrcs: boolean): Promise<Buffer> {
  const batches: Buffer[] = [];
  for (let at = 0, end = nextBatch(fetched, 0); end !== -1; at = end, end = nextBatch(fetched, at)) {
    const batch = fetched.subarray(at, end);
    const codec = magicOf(batch, 0) === MAGIC ? registeredCodec(codecIn(attributesOf(batch, 0))) : null;
    if (codec !== null && checkCrcs && compute.crc32c(batch.subarray(Field.attributes)) !== crcOf(batch, 0)) throw new ClientError('CORRUPT_DATA', 'the checksum of a fetched batch differs');
    batches.push(codec === null ? batch : rewrite(batch, await decompress(codec, batch.subarray(HEADER_BYTES, sizeOf(batch, 0))), CompressionTypes.None));
  }
  return Buffer.concat(batches);
}

/** Throws KafkaJSError: the consumer crashes, and begins again there. */
async function decompress(codec: CompressionCodec, records: Buffer): Promise<Uint8Array> {
  try {
    return bytesFrom(await codec.decompress(records), 'decompress');
  } catch (error) {
    throw error instanceof KafkaJSError ? error : new KafkaJSError(error as Error, { cause: error });
  }
}

function bytesFrom(result: unknown, name: string): Uint8Array {
  if (result instanceof Uint8Array) return result;
  throw new KafkaJSNonRetriableError(`${name} of a codec in CompressionCodecs must give a buffer, not ${typeof result}`);
}

/** The same batch around another form of its records. */
function rewrite(batch: Buffer, records: Uint8Array, type: number): Buffer {
  const rewritten = Buffer.allocUnsafeSlow(HEADER_BYTES + records.length);
  batch.copy(rewritten, 0, 0, HEADER_BYTES);
  rewritten.set(records, HEADER_BYTES);
  rewritten.writeInt32BE(rewritten.length - LOG_OVERHEAD_BYTES, Field.length);
  rewritten.writeInt16BE((attributesOf(batch, 0) & ~Attribute.codecMask) | type, Field.attributes);
  renewCrc(rewritten);
  return rewritten;
}
