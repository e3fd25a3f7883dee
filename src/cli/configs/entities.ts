import type { Options } from '../options.ts';
import { ToolError } from '../toolError.ts';

export const ENTITY_TYPES = ['topics', 'clients', 'users', 'brokers', 'ips', 'client-metrics', 'groups', 'broker-loggers'] as const;
export type EntityType = (typeof ENTITY_TYPES)[number];

/** Options that are type and name in one. */
const FLAGS: readonly (readonly [string, EntityType])[] = [
  ['topic', 'topics'], ['client', 'clients'], ['user', 'users'], ['broker', 'brokers'], ['broker-logger', 'broker-loggers'], ['ip', 'ips'], ['client-metrics', 'client-metrics'], ['group', 'groups'],
];
const DEFAULT_FLAGS: readonly (readonly [string, EntityType])[] = [['client-defaults', 'clients'], ['user-defaults', 'users'], ['broker-defaults', 'brokers'], ['ip-defaults', 'ips']];
const WITH_DEFAULTS: readonly EntityType[] = ['clients', 'users', 'brokers', 'ips'];

export interface Entity {
  readonly type: EntityType;
  /** '' for the default; null: none was named. */
  readonly name: string | null;
}

/** What the options name, one entity or a user and a client. Throws ToolError in Kafka's words. */
export function parseEntities(options: Options): Entity[] {
  const flags = [...FLAGS, ...DEFAULT_FLAGS].filter(([flag]) => options.has(flag));
  const types = [...options.values('entity-type'), ...flags.map(([, type]) => type)];
  checkTypes(types);
  const isMixed = flags.length > 0 && ['entity-name', 'entity-type', 'entity-default'].some((name) => options.has(name));
  if (isMixed) throw new ToolError('--entity-{type,name,default} should not be used in conjunction with specific entity flags');
  const names = [...namesInOrder(options), ...flags.map(([flag]) => options.value(flag) ?? '')];
  const entities = types.map((type, index): Entity => ({ type: type as EntityType, name: names[index] ?? null }));
  if (names.length > types.length) throw new ToolError('More entity names specified than entity types');
  for (const { type, name } of entities) if (name === '' && !WITH_DEFAULTS.includes(type)) throw new ToolError(`--entity-default must not be specified with --entity-type ${type}`);
  for (const { type, name } of entities) checkName(type, name);
  return entities;
}

function namesInOrder(options: Options): string[] {
  const named = [...options.values('entity-name')];
  return options.order.flatMap((option) => (option === 'entity-name' ? [named.shift() ?? ''] : option === 'entity-default' ? [''] : []));
}

function checkTypes(types: readonly string[]): void {
  const repeated = types.filter((type, index) => types.indexOf(type) !== index);
  if (repeated.length > 0) throw new ToolError(`Duplicate entity type(s) specified: ${repeated.join(',')}`);
  for (const type of types) if (!(ENTITY_TYPES as readonly string[]).includes(type)) throw new ToolError(`Invalid entity type ${type}, the entity type must be one of ${ENTITY_TYPES.join(', ')} with a --bootstrap-server or --bootstrap-controller argument`);
  if (types.length === 0) throw new ToolError('At least one entity type must be specified');
  if (types.length > 1 && !(types.length === 2 && types.includes('users') && types.includes('clients'))) throw new ToolError("Only 'users' and 'clients' entity types may be specified together");
}

function checkName(type: EntityType, name: string | null): void {
  const isBroker = type === 'brokers' || type === 'broker-loggers';
  if (isBroker && name !== null && name !== '' && !/^-?\d{1,10}$/.test(name)) throw new ToolError(`The entity name for ${type} must be a valid integer broker id, but it is: ${name}`);
}

/** A type's name for one of its kind. */
export const singular = (type: EntityType): string => (type === 'client-metrics' ? 'client-metric' : type.slice(0, -1));
