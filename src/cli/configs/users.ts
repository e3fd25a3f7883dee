/** Users, clients and addresses: quotas, and SCRAM credentials of users. */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { throwFirst } from '../../client/admin/outcome.ts';
import { alterClientQuotas, describeClientQuotas, type EntityQuotas, type QuotaEntityType, type QuotaFilterPart } from '../../client/admin/quotas.ts';
import { alterScramCredentials, describeScramCredentials, hasNoCredentials, ScramMechanism, type ScramAlteration } from '../../client/admin/scram.ts';
import { isUnsupported } from '../../client/admin/listOffsets.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { printJson } from '../adminTool.ts';
import { javaMessage } from '../javaErrors.ts';
import type { Options } from '../options.ts';
import type { ToolEnvironment } from '../tool.ts';
import { ToolError } from '../toolError.ts';
import type { Entity, EntityType } from './entities.ts';

const QUOTA_TYPES: Readonly<Partial<Record<EntityType, QuotaEntityType>>> = { users: 'user', clients: 'client-id', ips: 'ip' };
const TITLES: Readonly<Record<QuotaEntityType, string>> = { user: 'user-principal', 'client-id': 'client-id', ip: 'ip' };
const USER_QUOTAS = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage', 'controller_mutation_rate'];
const IP_QUOTAS = ['connection_creation_rate'];
const ITERATIONS_DEFAULT = 4096;
/** What the broker's own formatter makes. */
const SALT_BYTES = 26;
const HASHES: Readonly<Record<ScramMechanism, { readonly hash: string; readonly bytes: number; readonly iterationsMin: number }>> = {
  'SCRAM-SHA-256': { hash: 'sha256', bytes: 32, iterationsMin: 4096 }, 'SCRAM-SHA-512': { hash: 'sha512', bytes: 64, iterationsMin: 4096 },
};

const isScram = (name: string): name is ScramMechanism => Object.hasOwn(ScramMechanism, name);
const quotaTypeOf = (type: EntityType): QuotaEntityType => QUOTA_TYPES[type] as QuotaEntityType;

export async function describeUsers(cluster: Cluster, entities: readonly Entity[], options: Options, environment: ToolEnvironment): Promise<void> {
  const parts = entities.map(({ type, name }): QuotaFilterPart => ({ type: quotaTypeOf(type), match: name === null ? 'any' : name === '' ? null : { name } }));
  const quotas = await describeClientQuotas(cluster, parts, true);
  const hasUsersOnly = entities.length === 1 && entities[0]?.type === 'users' && entities[0].name !== '';
  const credentials = hasUsersOnly ? await credentialsOf(cluster, entities[0]?.name ?? null) : [];
  if (options.has('json')) {
    return printJson(environment, { quotas: quotas.map((each) => ({ entity: Object.fromEntries(each.entity), quotas: Object.fromEntries(each.quotas) })), scramCredentials: credentials });
  }
  await environment.terminal.print(quotas.map((each) => `${quotaLine(each)}\n`).join(''));
  for (const { user, mechanisms, error } of credentials) {
    const infos = mechanisms.map(({ mechanism, iterations }) => `${mechanism}=iterations=${iterations}`).join(', ');
    await environment.terminal.print(error === null ? `SCRAM credential configs for user-principal '${user}' are ${infos}\n` : `Error retrieving SCRAM credential configs for user-principal '${user}': ${error}\n`);
  }
}

function quotaLine({ entity, quotas }: EntityQuotas): string {
  const types = (Object.keys(TITLES) as QuotaEntityType[]).filter((type) => entity.has(type));
  const titles = types.map((type) => (entity.get(type) === null ? `the default ${TITLES[type]}` : `${TITLES[type]} '${entity.get(type)}'`));
  return `Quota configs for ${titles.join(', ')} are ${[...quotas].sort().map(([name, value]) => `${name}=${javaDouble(value)}`).join(', ')}`;
}

/** As Java prints a double. */
function javaDouble(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude >= 1e7 || magnitude < 1e-3)) {
    const [digits = '', exponent = '0'] = value.toExponential().split('e');
    return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
  }
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

interface UserCredentials {
  readonly user: string;
  readonly mechanisms: readonly { readonly mechanism: string; readonly iterations: number }[];
  readonly error: string | null;
}

/** A user without credentials has no line; nor has anybody where the broker keeps none. */
async function credentialsOf(cluster: Cluster, name: string | null): Promise<UserCredentials[]> {
  try {
    const described = await describeScramCredentials(cluster, name === null ? null : [name]);
    return [...described].flatMap(([user, { value, error }]) => (hasNoCredentials(error) ? [] : [{ user, mechanisms: value ?? [], error: error === undefined ? null : javaMessage(error) }]));
  } catch (error) {
    if (isUnsupported(error)) return [];
    throw error;
  }
}

export async function alterUsers(cluster: Cluster, entities: readonly Entity[], added: ReadonlyMap<string, string>, deleted: readonly string[]): Promise<void> {
  const isUser = entities.length === 1 && entities[0]?.type === 'users';
  const names = [...added.keys(), ...deleted];
  checkNames(entities, isUser, [...added.keys()], 'added');
  checkNames(entities, isUser, deleted, 'deleted');
  const scram = names.filter(isScram);
  if (scram.length === 0) return alterQuotas(cluster, entities, added, deleted);
  if (entities[0]?.name === '') throw new ToolError('The use of --entity-default or --user-defaults is not allowed with User SCRAM Credentials using --bootstrap-server.');
  if (scram.length < names.length) throw new ToolError("Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using --bootstrap-server.");
  const user = entities[0]?.name ?? '';
  const alterations: ScramAlteration[] = [
    ...deleted.filter(isScram).map((mechanism): ScramAlteration => ({ user, mechanism, isDeletion: true })),
    ...[...added].map(([mechanism, text]) => upsertion(user, mechanism as ScramMechanism, text)),
  ];
  throwFirst(await alterScramCredentials(cluster, alterations));
}

function checkNames(entities: readonly Entity[], isUser: boolean, names: readonly string[], verb: 'added' | 'deleted'): void {
  const [first] = entities;
  const isIp = first?.type === 'ips';
  const allowed = isIp ? IP_QUOTAS : USER_QUOTAS;
  const unexpected = names.filter((name) => !allowed.includes(name) && !(isUser && isScram(name)));
  if (unexpected.length === 0) return;
  if (isIp) throw new ToolError(`Only connection quota configs can be added for 'ips' using --bootstrap-server. Unexpected config names: ${unexpected.join(',')}`);
  const what = isUser ? "quota and SCRAM credential configs can be" : 'quota configs can be';
  throw new ToolError(`Only ${what} ${verb} for '${isUser ? 'users' : 'clients'}' using --bootstrap-server. Unexpected config names: ${verb === 'added' ? 'Set' : 'List'}(${unexpected.join(', ')})`);
}

async function alterQuotas(cluster: Cluster, entities: readonly Entity[], added: ReadonlyMap<string, string>, deleted: readonly string[]): Promise<void> {
  const parts = entities.map(({ type, name }): QuotaFilterPart => ({ type: quotaTypeOf(type), match: name === '' || name === null ? null : { name } }));
  const [old] = deleted.length === 0 ? [] : await describeClientQuotas(cluster, parts, true);
  const missing = deleted.filter((name) => old?.quotas.has(name) !== true);
  if (missing.length > 0) throw new ToolError(`Invalid config(s): ${missing.join(',')}`);
  const quotas = new Map<string, number | null>(deleted.map((name) => [name, null]));
  for (const [name, text] of added) {
    if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw new ToolError(`Cannot parse quota configuration value for ${name}: ${text}`);
    quotas.set(name, Number(text));
  }
  const entity = new Map(entities.map(({ type, name }) => [quotaTypeOf(type), name === '' ? null : name] as const));
  throwFirst(await alterClientQuotas(cluster, [{ entity, quotas }]));
}

/** `[iterations=8192,password=secret]`: the password is turned into its salted hash here. */
function upsertion(user: string, mechanism: ScramMechanism, text: string): ScramAlteration {
  const match = /^(?:iterations=(-?\d*),)?password=(.*)$/s.exec(text);
  if (match === null) throw new ToolError(`Invalid credential property ${mechanism}=...: wanted [iterations=N,password=TEXT]`);
  const iterations = match[1] === undefined || match[1] === '-1' ? ITERATIONS_DEFAULT : Number(match[1]);
  const { hash, bytes, iterationsMin } = HASHES[mechanism];
  if (iterations < iterationsMin) throw new ToolError(`Iterations ${iterations} is less than the minimum ${iterationsMin} required for ${mechanism}`);
  const salt = randomBytes(SALT_BYTES);
  return { user, mechanism, isDeletion: false, iterations, salt, saltedPassword: pbkdf2Sync(match[2] as string, salt, iterations, bytes, hash) };
}
