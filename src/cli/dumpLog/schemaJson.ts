/** Internal records to JSON, by Kafka's own schemas and in the form that Kafka's tools print: fields of the record's version in their order. */
import groupSchemas from '../../protocol/schema/records-group-coordinator.json' with { type: 'json' };
import shareSchemas from '../../protocol/schema/records-share-coordinator.json' with { type: 'json' };
import transactionSchemas from '../../protocol/schema/records-transaction-coordinator.json' with { type: 'json' };
import { Reader } from '../../protocol/reader.ts';
import { readAssignment, readOr, readSubscription } from './memberJson.ts';

interface FieldSchema {
  readonly name: string;
  readonly type: string;
  readonly versions?: string;
  readonly nullableVersions?: string;
  readonly flexibleVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number;
  readonly default?: unknown;
  readonly fields?: readonly FieldSchema[];
}

interface RecordSchema {
  readonly apiKey?: number;
  readonly type: string;
  readonly name: string;
  readonly validVersions: string;
  readonly flexibleVersions?: string;
  readonly fields: readonly FieldSchema[];
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly FieldSchema[] }[];
}

/** Type of the record that holds a classic group. */
const GROUP_METADATA = 2;

export type CoordinatorKind = 'group' | 'transaction' | 'share';

const schemas: Readonly<Record<CoordinatorKind, readonly RecordSchema[]>> = {
  group: groupSchemas as unknown as readonly RecordSchema[], transaction: transactionSchemas as unknown as readonly RecordSchema[], share: shareSchemas as unknown as readonly RecordSchema[],
};

export interface DecodedText {
  readonly key: string;
  /** null: the type is not known. */
  readonly value: string | null;
}

/** The record's key and value; a type or version that is not known is said in words. */
export function decodeCoordinatorRecord(kind: CoordinatorKind, key: Buffer, value: Buffer | null, offset: number): DecodedText {
  const type = key.length < 2 ? -1 : key.readInt16BE(0);
  const find = (what: string) => schemas[kind].find((schema) => (schema.apiKey ?? typeByVersion(schema)) === type && schema.type === what);
  const keySchema = find('coordinator-key');
  if (keySchema === undefined) return { key: `Unknown record type ${type} at offset ${offset}, skipping.`, value: null };
  const keyText = `{"type":"${type}","data":${JSON.stringify(decode(keySchema, 0, key.subarray(2)))}}`;
  if (value === null) return { key: keyText, value: '<DELETE>' };
  const version = value.length < 2 ? -1 : value.readInt16BE(0);
  const valueSchema = find('coordinator-value');
  if (valueSchema === undefined || !isIn(version, valueSchema.validVersions)) return { key: keyText, value: `{"version":"${version}","data":"unknown"}` };
  const data = decode(valueSchema, version, value.subarray(2));
  return { key: keyText, value: `{"version":"${version}","data":${json(kind === 'group' && type === GROUP_METADATA ? withMembers(data) : data)}}` };
}

/** What members of a consumers' group told and were told is in the consumers' own formats. */
function withMembers(data: unknown): unknown {
  const group = data as { readonly protocolType?: unknown; readonly members?: readonly Readonly<Record<string, unknown>>[] };
  if (group.protocolType !== 'consumer' || !Array.isArray(group.members)) return data;
  const members = group.members.map((member) => ({ ...member, subscription: readOr(member['subscription'], readSubscription), assignment: readOr(member['assignment'], readAssignment) }));
  return { ...group, members };
}

const typeByVersion = (schema: RecordSchema): number => Number.parseInt(schema.validVersions, 10);

/** Marks a number that JSON.stringify would refuse. */
const BIG = '\u{e000}';

function json(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${BIG}${each}` : each));
  return text.replaceAll(new RegExp(`"${BIG}(-?\\d+)"`, 'g'), '$1');
}

/** `0`, `2-4`, `3+`, `none`. */
function isIn(version: number, range: string | undefined): boolean {
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(range ?? '');
  if (match === null) return false;
  const from = Number(match[1]);
  return version >= from && (match[2] !== undefined || version <= Number(match[3] ?? from));
}

interface Context {
  readonly reader: Reader;
  readonly version: number;
  readonly isFlexible: boolean;
  readonly structs: ReadonlyMap<string, readonly FieldSchema[]>;
}

function decode(schema: RecordSchema, version: number, bytes: Buffer): unknown {
  const structs = new Map((schema.commonStructs ?? []).map(({ name, fields }) => [name, fields]));
  return readStruct(schema.fields, { reader: new Reader(bytes), version, isFlexible: isIn(version, schema.flexibleVersions), structs });
}

function readStruct(fields: readonly FieldSchema[], context: Context): Record<string, unknown> {
  const present = fields.filter((field) => isIn(context.version, field.versions ?? field.taggedVersions));
  const isTagged = (field: FieldSchema) => context.isFlexible && isIn(context.version, field.taggedVersions);
  const values = new Map(present.filter((field) => !isTagged(field)).map((field) => [field.name, readField(field, context)]));
  if (context.isFlexible) for (const [name, value] of readTags(present.filter(isTagged), context)) values.set(name, value);
  return Object.fromEntries(present.filter(({ name }) => values.has(name)).map(({ name }) => [name.charAt(0).toLowerCase() + name.slice(1), values.get(name)]));
}

function readTags(fields: readonly FieldSchema[], context: Context): Map<string, unknown> {
  const { reader } = context;
  const values = new Map<string, unknown>();
  for (let count = reader.unsignedVarint(); count > 0; count--) {
    const tag = reader.unsignedVarint();
    const end = reader.unsignedVarint() + reader.position;
    const field = fields.find((candidate) => candidate.tag === tag);
    if (field !== undefined) values.set(field.name, isNullTag(field, context) ? null : readField(field, context));
    reader.position = end;
  }
  return values;
}

/** A struct behind a tag is null with a zero; elsewhere that takes a negative byte. */
function isNullTag(field: FieldSchema, { reader, version, structs }: Context): boolean {
  const isStruct = field.fields !== undefined || structs.has(field.type);
  return isStruct && !field.type.startsWith('[]') && isIn(version, field.nullableVersions) && reader.buffer[reader.position] === 0;
}

function readField(field: FieldSchema, context: Context): unknown {
  const isNullable = isIn(context.version, field.nullableVersions);
  return readValue(field.type, field.fields ?? null, isNullable, context, isFlexibleHere(field, context));
}

/** A field may stay in the old encoding although its record has tags. */
const isFlexibleHere = ({ flexibleVersions }: FieldSchema, { isFlexible, version }: Context): boolean => (flexibleVersions === undefined ? isFlexible : isIn(version, flexibleVersions));

function readValue(type: string, fields: readonly FieldSchema[] | null, isNullable: boolean, context: Context, isFlexible: boolean): unknown {
  const { reader } = context;
  if (type.startsWith('[]')) {
    const length = isFlexible ? reader.unsignedVarint() - 1 : reader.int32();
    if (length < 0) return null;
    return Array.from({ length: Math.min(length, reader.end - reader.position + 1) }, () => readValue(type.slice(2), fields, false, context, isFlexible));
  }
  switch (type) {
    case 'bool': return reader.boolean();
    case 'int8': return reader.int8();
    case 'int16': return reader.int16();
    case 'uint16': return reader.uint16();
    case 'int32': return reader.int32();
    case 'int64': return reader.int64();
    case 'uuid': return reader.uuid();
    case 'string': return isNullable ? reader.nullableString(isFlexible) : reader.string(isFlexible);
    case 'bytes': return (isNullable ? reader.nullableBytes(isFlexible) : reader.bytes(isFlexible))?.toString('base64') ?? null;
    default: return isNullable && reader.int8() < 0 ? null : readStruct(fields ?? context.structs.get(type) ?? [], context);
  }
}
