/** What a controller decides about client quotas. */
import { canonicalAddress } from '../base/ipAddress.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { QuotaEntityType, QuotaKey } from './clientQuotas.ts';
import type { ClientQuotaSet, QuotaEntity } from './clientQuotas.ts';
import { accepted, refused } from './decisions.ts';
import type { MetadataRecord } from './records.ts';
import type { ChangeOutcome, QuotaAlteration } from './types.ts';

const QUOTAS_PER_CHANGE_MAX = 10_000;
const INT32_MAX = 0x7fff_ffff;
const INT64_MAX = 2 ** 63;
/** Kafka's tolerance of what is still a whole number. */
const FRACTION_MAX = 1e-6;

interface KeyRule {
  readonly integral: boolean;
  readonly max: number;
  readonly typeName: string;
}

const byteRate: KeyRule = { integral: true, max: INT64_MAX, typeName: 'LONG' };
const anyRate: KeyRule = { integral: false, max: Infinity, typeName: 'DOUBLE' };
const USER_AND_CLIENT_KEYS: ReadonlyMap<string, KeyRule> = new Map([
  [QuotaKey.producerByteRate, byteRate], [QuotaKey.consumerByteRate, byteRate], [QuotaKey.requestPercentage, anyRate], [QuotaKey.controllerMutationRate, anyRate],
]);
const IP_KEYS: ReadonlyMap<string, KeyRule> = new Map([[QuotaKey.connectionCreationRate, { integral: true, max: INT32_MAX, typeName: 'INT' }]]);

/** One outcome per alteration. An entity that stands twice in a request is altered by its first alteration and refused for the others. */
export function decideQuotas(quotas: ClientQuotaSet, alterations: readonly QuotaAlteration[], records: MetadataRecord[]): ChangeOutcome[] {
  const seen = new Set<string>();
  const outcomes = alterations.map((alteration) => {
    const id = JSON.stringify(alteration.entity);
    if (seen.has(id)) return refused(ErrorCode.INVALID_REQUEST, 'Ignoring duplicate entity');
    seen.add(id);
    return decideEntity(quotas, alteration, records);
  });
  if (records.length <= QUOTAS_PER_CHANGE_MAX) return outcomes;
  records.length = 0;
  return alterations.map(() => refused(ErrorCode.POLICY_VIOLATION, `Cannot alter more than ${QUOTAS_PER_CHANGE_MAX} quotas in a single operation.`));
}

function decideEntity(quotas: ClientQuotaSet, alteration: QuotaAlteration, records: MetadataRecord[]): ChangeOutcome {
  const keys = keysFor(alteration);
  if (!(keys instanceof Map)) return keys as ChangeOutcome;
  const entity: QuotaEntity = new Map(alteration.entity);
  const current = quotas.valuesOf(entity);
  const named = new Set<string>();
  const own: MetadataRecord[] = [];
  for (const { key, value } of alteration.changes) {
    if (named.has(key)) return refused(ErrorCode.INVALID_REQUEST, `Duplicate quota key ${key} not updating quota for this entity`);
    named.add(key);
    if (value === null) {
      if (current?.has(key) === true) own.push({ kind: 'clientQuota', entity, key, value: null });
      continue;
    }
    const problem = valueProblem(keys.get(key), key, value);
    if (problem !== null) return refused(ErrorCode.INVALID_REQUEST, problem);
    if (current?.get(key) !== value) own.push({ kind: 'clientQuota', entity, key, value });
  }
  for (const record of own) records.push(record);
  return accepted;
}

/** The keys that can be set for the entity, or why none can. */
function keysFor({ entity }: QuotaAlteration): ReadonlyMap<string, KeyRule> | ChangeOutcome {
  if (entity.length === 0) return refused(ErrorCode.INVALID_REQUEST, 'Invalid empty client quota entity');
  const types = new Map<string, string | null>();
  for (const [type, name] of entity) {
    if (types.has(type)) return refused(ErrorCode.INVALID_REQUEST, `Invalid client quota entity, duplicate entity entry ${type}`);
    if (!(Object.values(QuotaEntityType) as string[]).includes(type)) return refused(ErrorCode.INVALID_REQUEST, `Unhandled client quota entity type: ${type}`);
    if (name === '') return refused(ErrorCode.INVALID_REQUEST, `Empty ${type} not supported`);
    types.set(type, name);
  }
  const ip = types.get(QuotaEntityType.ip);
  if (ip === undefined) return USER_AND_CLIENT_KEYS;
  if (types.size > 1) return refused(ErrorCode.INVALID_REQUEST, 'Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId');
  // Names are not resolved: an address that a name had once would be limited for ever.
  if (ip !== null && canonicalAddress(ip) === null) return refused(ErrorCode.INVALID_REQUEST, `${ip} is not a valid IP or resolvable host.`);
  return IP_KEYS;
}

function valueProblem(rule: KeyRule | undefined, key: string, value: number): string | null {
  if (rule === undefined) return `Invalid configuration key ${key}`;
  if (!(value > 0)) return `Quota ${key} must be greater than 0`;
  if (value > rule.max) return `Proposed value for ${key} is too large for ${rule.typeName === 'INT' ? 'an' : 'a'} ${rule.typeName}.`;
  return rule.integral && value % 1 > FRACTION_MAX ? `${key} cannot be a fractional value.` : null;
}
