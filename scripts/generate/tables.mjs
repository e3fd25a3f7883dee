// The small tables: APIs, errors, record types, and the registry of all codecs.
import { banner, moduleOf } from './files.mjs';
import { parseVersions } from './schema.mjs';

/** The release whose span of versions we serve. */
const servedRelease = '4.3.1';

/**
 * Kafka says in ApiVersions that it takes Produce from version 0 although it serves 3 and up: librdkafka looks for version 0
 * before it uses compression (KAFKA-18659).
 */
const advertisedFrom = new Map([['Produce', 0]]);

function flexibleFrom(text) {
  return text === 'none' ? 'Infinity' : String(parseVersions(text).from);
}

function apiRow(api, codec) {
  const text = api.versions[servedRelease] ?? 'none';
  const unstable = text.endsWith('*');
  const served = text === 'none' ? { from: 0, to: -1 } : parseVersions(text.replace('*', ''));
  const known = parseVersions(codec.validVersions);
  const newest = unstable ? served.to - 1 : served.to;
  const numbers = [
    `key: ${api.apiKey}`, `name: '${api.name}'`, `min: ${served.from}`, `max: ${newest}`, `maxUnstable: ${served.to}`,
    `advertisedMin: ${advertisedFrom.get(api.name) ?? served.from}`, `codecMin: ${known.from}`, `codecMax: ${known.to}`,
    `flexibleFrom: ${flexibleFrom(codec.flexibleVersions)}`, `controllerOnly: ${!api.listeners.includes('broker')}`,
  ];
  return `  { ${numbers.join(', ')} },\n`;
}

export function emitApis(apis, requests) {
  const codecs = new Map(requests.filter((schema) => schema.type === 'request').map((schema) => [schema.apiKey, schema]));
  const sorted = [...apis].sort((a, b) => a.apiKey - b.apiKey);
  sorted.forEach((api, index) => {
    if (api.apiKey !== index) throw new Error(`API keys have a gap before ${api.apiKey}`);
  });
  const keys = sorted.map((api) => `  ${api.name}: ${api.apiKey},\n`).join('');
  const rows = sorted.map((api) => apiRow(api, codecs.get(api.apiKey))).join('');
  return `${banner}import type { ApiSpec } from '../apiSpec.ts';

/** API keys by name. */
export const ApiKey = {
${keys}} as const;

/** Every API, by key. \`min\` to \`max\` is what Apache Kafka ${servedRelease} serves; empty (max -1) for APIs it does not have. */
export const apis: readonly ApiSpec[] = [
${rows}];
`;
}

export function emitErrors(errors) {
  const sorted = [...errors].sort((a, b) => a.code - b.code);
  sorted.forEach((error, index) => {
    if (error.code !== index - 1) throw new Error(`error codes have a gap before ${error.code}`);
  });
  const codes = sorted.map((error) => `  ${error.name}: ${error.code},\n`).join('');
  const rows = sorted.map((error) => `  { code: ${error.code}, name: '${error.name}', retriable: ${error.retriable}, refreshMetadata: ${error.refreshMetadata === true} },\n`).join('');
  return `${banner}
/** Error codes by Kafka's names. */
export const ErrorCode = {
${codes}} as const;

export interface ErrorSpec {
  readonly code: number;
  readonly name: string;
  /** Whether the same request may succeed later. */
  readonly retriable: boolean;
  /** Whether a client should look for the leader or coordinator anew first. */
  readonly refreshMetadata: boolean;
}

/** Every error, in the order of codes, from -1. */
export const errorSpecs: readonly ErrorSpec[] = [
${rows}];
`;
}

/** The numbers that say, in front of a record's key or value, which schema follows. */
export function emitRecordTypes(families) {
  const tables = [];
  for (const [family, schemas] of families) {
    const stems = new Map();
    for (const schema of schemas) {
      if (schema.apiKey !== undefined) stems.set(schema.name.replace(/(Key|Value|Record)$/, ''), schema.apiKey);
    }
    if (stems.size === 0) continue;
    const name = `${family.replace(/^records-/, '').replace(/(^|-)(\w)/g, (_, __, letter) => letter.toUpperCase())}RecordType`;
    const rows = [...stems].sort((a, b) => a[1] - b[1]).map(([stem, key]) => `  ${stem}: ${key},\n`).join('');
    tables.push(`\nexport const ${name} = {\n${rows}} as const;\n`);
  }
  return banner + tables.join('');
}

/** The registry of all codecs, for tests and tools: it pulls in every module. */
export function emitAllMessages(families) {
  const modules = new Map();
  const rows = [];
  for (const [family, schemas] of families) {
    for (const schema of schemas) {
      const module = moduleOf(schema, family);
      if (!modules.has(module)) modules.set(module, []);
      modules.get(module).push(schema.name);
      const { from, to } = parseVersions(schema.validVersions);
      rows.push(`  ${schema.name}: { make: make${schema.name}, read: read${schema.name}, write: write${schema.name}, min: ${from}, max: ${to} },\n`);
    }
  }
  const lines = [...modules].sort(([a], [b]) => (a < b ? -1 : 1)).map(([module, names]) => {
    const list = names.flatMap((name) => [`make${name}`, `read${name}`, `write${name}`]).join(', ');
    return `import { ${list} } from './${module}.ts';\n`;
  });
  return `${banner}${lines.join('')}
/** Every codec by the name of its message. For tests and tools only: importing this loads them all. */
export const allMessages = {
${rows.sort().join('')}} as const;
`;
}
