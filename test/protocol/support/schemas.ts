import { readFileSync, readdirSync } from 'node:fs';
import { zeroUuid } from '../../../src/protocol/types.ts';

/** A schema as it stands in src/protocol/schema: the tests read it on their own, apart from the generator. */
export interface FieldSchema {
  readonly name: string;
  readonly type: string;
  readonly versions?: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number;
  readonly default?: unknown;
  readonly ignorable?: boolean | string;
  readonly fields?: readonly FieldSchema[];
}

export interface MessageSchema {
  readonly name: string;
  readonly apiKey?: number;
  readonly type: string;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly fields: readonly FieldSchema[];
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly FieldSchema[] }[];
}

export type Value = Record<string, unknown>;

const folder = new URL('../../../src/protocol/schema/', import.meta.url);

export function loadSchemas(): Map<string, MessageSchema> {
  const files = readdirSync(folder).filter((file) => /^(requests|records-.*)\.json$/.test(file));
  const schemas = files.flatMap((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as MessageSchema[]);
  return new Map(schemas.map((schema) => [schema.name, schema]));
}

export function includes(versions: string | undefined, version: number): boolean {
  if (versions === undefined || versions === 'none') return false;
  if (versions.endsWith('+')) return version >= Number(versions.slice(0, -1));
  const [from, to] = versions.split('-').map(Number);
  return version >= from! && version <= (to ?? from!);
}

export const isFlexible = (schema: MessageSchema, version: number): boolean => includes(schema.flexibleVersions, version);
export const isPresent = (field: FieldSchema, version: number): boolean => includes(field.versions ?? field.taggedVersions, version);
export const fieldName = (field: FieldSchema): string => field.name[0]!.toLowerCase() + field.name.slice(1);
export const elementType = (field: FieldSchema): string => field.type.replace('[]', '');
export const isArray = (field: FieldSchema): boolean => field.type.startsWith('[]');
export const isStruct = (field: FieldSchema): boolean => /^[A-Z]/.test(elementType(field));

export function versionsOf(schema: MessageSchema): number[] {
  const [from, to] = schema.validVersions.split('-').map(Number);
  return Array.from({ length: (to ?? from!) - from! + 1 }, (_, i) => from! + i);
}

/** The fields of a struct, found inline or among the message's common ones. */
export function structFields(schema: MessageSchema, field: FieldSchema): readonly FieldSchema[] {
  const fields = field.fields ?? schema.commonStructs?.find((struct) => struct.name === elementType(field))?.fields;
  if (fields === undefined) throw new Error(`${schema.name}: no struct ${field.type}`);
  return fields;
}

export function defaultValue(schema: MessageSchema, field: FieldSchema): unknown {
  if (field.default === 'null') return null;
  if (isArray(field)) return [];
  if (isStruct(field)) return defaultStruct(schema, structFields(schema, field));
  if (field.type === 'records' && field.nullableVersions !== undefined) return null;
  if (field.type === 'bytes' || field.type === 'records') return Buffer.alloc(0);
  if (field.type === 'string') return field.default ?? '';
  if (field.type === 'uuid') return zeroUuid;
  if (field.type === 'bool') return String(field.default) === 'true';
  return toInteger(BigInt((field.default as string | number | undefined) ?? 0));
}

export function defaultStruct(schema: MessageSchema, fields: readonly FieldSchema[]): Value {
  return Object.fromEntries(fields.map((field) => [fieldName(field), defaultValue(schema, field)]));
}

/** A number when safe, else the bigint: what a reader yields for an int64. */
export function toInteger(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** Kafka's JSON form leaves record bytes empty; wherever the vectors have records at all, it is this one batch. */
const sampleBatch = Buffer.from(
  '000000000000000000000047ffffffff028d0475f40000000000010000018bcfe568000000018bcfe56801ffffffffffffffffffffffffffff0000000214000000046b300476300014000202046b3104763100',
  'hex',
);

/** Kafka's JSON form of a struct -> what our readers yield. Fields that are not in the JSON have their default. */
export function fromKafkaJson(schema: MessageSchema, fields: readonly FieldSchema[], json: Value): Value {
  const entries = fields.map((field) => {
    const name = fieldName(field);
    if (!(name in json)) return [name, defaultValue(schema, field)];
    const given = json[name];
    if (given === null) return [name, null];
    if (isArray(field)) return [name, (given as unknown[]).map((element) => elementFromJson(schema, field, element))];
    return [name, elementFromJson(schema, field, given)];
  });
  return Object.fromEntries(entries) as Value;
}

function elementFromJson(schema: MessageSchema, field: FieldSchema, json: unknown): unknown {
  if (isStruct(field)) return fromKafkaJson(schema, structFields(schema, field), json as Value);
  const type = elementType(field);
  if (type === 'records') return sampleBatch;
  if (type === 'bytes') return Buffer.from(json as string, 'base64');
  return type === 'float64' ? Number(json) : json;
}
