// Schemas as they are in src/protocol/schema -> a model with numbers for versions, resolved structs and defaults.

const primitives = new Set(['bool', 'int8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'float64', 'string', 'uuid', 'bytes', 'records']);
const reserved = new Set(['Reader', 'Writer', 'Int64', 'Uuid', 'RecordBytes', 'Tagged', 'Buffer', 'Partial', 'Array', 'Error', 'Record', 'Map', 'Set', 'String', 'Number']);

/** "3+", "0-7", "4", "none" -> { from, to }; an empty range has from > to. */
export function parseVersions(text) {
  if (text === undefined || text === 'none') return { from: 1, to: 0 };
  const span = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  if (span === null) throw new Error(`no version range: ${text}`);
  const from = Number(span[1]);
  if (span[2] !== undefined) return { from, to: Infinity };
  return { from, to: span[3] === undefined ? from : Number(span[3]) };
}

export function intersect(a, b) {
  return { from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) };
}

export const isEmpty = (range) => range.from > range.to;

export function camel(name) {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** The default as JSON would have it: null, boolean, number, bigint, '' or the string 'empty' for what is built empty. */
function parseDefault(schema, kind, isArray, nullable) {
  // A bare null (not 'null') says nothing to Kafka's generator: such an array or struct is empty by default, and null is written.
  const given = schema.default === null ? undefined : schema.default;
  if (given === null || given === 'null') {
    if (isEmpty(nullable)) throw new Error(`${schema.name}: null default of a field that is never null`);
    return null;
  }
  if (kind === 'records') return isEmpty(nullable) ? 'empty' : null;
  if (isArray || kind === 'struct' || kind === 'bytes') {
    if (given !== undefined && given !== '') throw new Error(`${schema.name}: default ${given}`);
    return 'empty';
  }
  if (kind === 'string') return given === undefined ? '' : String(given);
  if (kind === 'uuid') return 'zero';
  if (kind === 'bool') return given === true || given === 'true';
  const value = BigInt(given ?? 0);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function makeField(schema, message, range, structOf) {
  const isArray = schema.type.startsWith('[]');
  const typeName = isArray ? schema.type.slice(2) : schema.type;
  const kind = primitives.has(typeName) ? typeName : 'struct';
  const tagged = parseVersions(schema.taggedVersions);
  const given = parseVersions(schema.versions ?? schema.taggedVersions);
  const versions = intersect(given, range);
  const nullable = intersect(parseVersions(schema.nullableVersions), versions);
  const field = {
    name: camel(schema.name),
    kind,
    isArray,
    versions,
    nullable,
    // A field that became a tag keeps its old place in the versions before.
    body: schema.tag === undefined ? versions : { from: versions.from, to: Math.min(versions.to, tagged.from - 1) },
    tag: schema.tag,
    tagged: intersect(tagged, versions),
    ignorable: String(schema.ignorable) === 'true',
    neverFlexible: schema.flexibleVersions === 'none',
    default: parseDefault(schema, kind, isArray, nullable),
    struct: null,
  };
  if (schema.flexibleVersions !== undefined && schema.flexibleVersions !== 'none') throw new Error(`${message.name}.${schema.name}: flexibleVersions`);
  if (kind === 'struct') field.struct = structOf(typeName, schema, versions);
  return field;
}

/** Resolves one message; `taken` holds the type names already used in its file. */
function makeMessage(schema, taken) {
  const valid = parseVersions(schema.validVersions);
  const flexible = parseVersions(schema.flexibleVersions);
  const message = {
    name: schema.name,
    apiKey: schema.apiKey,
    type: schema.type,
    versions: valid,
    flexibleFrom: isEmpty(flexible) ? Infinity : flexible.from,
    structs: [],
    fields: [],
  };
  const common = new Map((schema.commonStructs ?? []).map((struct) => [struct.name, struct]));
  const known = new Map();
  const structOf = (name, fieldSchema, range) => {
    const existing = known.get(name);
    if (existing !== undefined) return existing;
    const source = fieldSchema.fields === undefined ? common.get(name) : fieldSchema;
    if (source === undefined) throw new Error(`${schema.name}: no struct ${name}`);
    const versions = fieldSchema.fields === undefined ? intersect(parseVersions(source.versions), valid) : range;
    const struct = { name, message: schema.name, versions, flexibleFrom: message.flexibleFrom, fields: [] };
    known.set(name, struct);
    struct.fields = source.fields.map((field) => makeField(field, message, versions, structOf));
    message.structs.push(struct); // children come first
    return struct;
  };
  message.fields = schema.fields.map((field) => makeField(field, message, valid, structOf));
  for (const struct of message.structs) {
    const plain = struct.name.charAt(0).toUpperCase() + struct.name.slice(1);
    struct.typeName = taken.has(plain) || reserved.has(plain) ? `${schema.name}${plain}` : plain;
  }
  return message;
}

/** Structs that occur in more than one message of a file carry the name of their message in front. */
function ambiguousNames(schemas) {
  const counts = new Map(schemas.map((schema) => [schema.name, 1]));
  const walk = (fields, names) => {
    for (const field of fields) {
      if (field.fields === undefined) continue;
      names.add(field.type.replace('[]', ''));
      walk(field.fields, names);
    }
  };
  for (const schema of schemas) {
    const names = new Set((schema.commonStructs ?? []).map((struct) => struct.name));
    walk(schema.fields, names);
    for (const struct of schema.commonStructs ?? []) walk(struct.fields, names);
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Set([...counts].filter(([, count]) => count > 1).map(([name]) => name).concat(schemas.map((schema) => schema.name)));
}

/** All messages of one generated file. */
export function makeMessages(schemas) {
  const taken = ambiguousNames(schemas);
  return schemas.map((schema) => makeMessage(schema, taken));
}
