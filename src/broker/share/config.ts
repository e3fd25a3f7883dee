/** What the configuration says about share groups: the broker's settings, and over them those of a group. */
import { brokerValue } from '../../config/layers.ts';
import { groupTable } from '../../config/tables.ts';
import type { BrokerConfig } from '../../config/types.ts';
import { valueOf } from '../../config/values.ts';
import { definite } from '../../base/assert.ts';
import type { Isolation } from '../partition/partition.ts';

/** Where a share partition begins that nobody has read before. */
export type OffsetReset = { readonly kind: 'earliest' } | { readonly kind: 'latest' } | { readonly kind: 'byDuration'; readonly durationMs: number };

/** Settings of one group, as they hold now. */
export interface ShareGroupConfig {
  readonly recordLockDurationMs: number;
  readonly deliveryCountLimit: number;
  readonly partitionRecordLocksMax: number;
  readonly isRenewEnabled: boolean;
  readonly isolation: Isolation;
  readonly offsetReset: OffsetReset;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assignmentIntervalMs: number;
}

/** Settings of the broker, for all groups. */
export interface ShareBrokerConfig {
  /** `group.share.max.share.sessions` */
  readonly sessionsMax: number;
  /** `group.share.max.size` */
  readonly membersMax: number;
}

export interface ShareConfig {
  readonly broker: ShareBrokerConfig;
  group(groupId: string): ShareGroupConfig;
}

type Settings = ReadonlyMap<string, string>;

/** `overridesOf`: the settings of the resource type GROUP. */
export class LiveShareConfig implements ShareConfig {
  readonly #config: () => BrokerConfig;
  readonly #overridesOf: (groupId: string) => Settings;
  #known: BrokerConfig | null = null;
  #broker: ShareBrokerConfig = { sessionsMax: 0, membersMax: 0 };
  #defaults: ShareGroupConfig | null = null;

  constructor(config: () => BrokerConfig, overridesOf: (groupId: string) => Settings) {
    this.#config = config;
    this.#overridesOf = overridesOf;
  }

  get broker(): ShareBrokerConfig {
    this.#refresh();
    return this.#broker;
  }

  group(groupId: string): ShareGroupConfig {
    this.#refresh();
    const overrides = this.#overridesOf(groupId);
    return overrides.size === 0 ? this.#defaults! : resolve(this.#config(), overrides);
  }

  #refresh(): void {
    const config = this.#config();
    if (config === this.#known) return;
    this.#known = config;
    this.#broker = {
      sessionsMax: brokerValue(config.layers, 'group.share.max.share.sessions') as number,
      membersMax: brokerValue(config.layers, 'group.share.max.size') as number,
    };
    this.#defaults = resolve(config, new Map());
  }
}

function resolve(config: BrokerConfig, overrides: Settings): ShareGroupConfig {
  const own = (name: string): unknown => {
    const key = definite(groupTable.get(name), `group key ${name}`);
    return valueOf(key, overrides.get(name) ?? definite(key.defaultText, `default of ${name}`));
  };
  // The broker's setting is the default of the group's, within what the broker allows.
  const bounded = (name: string): number => {
    const brokerName = `group.${name}`;
    const value = overrides.has(name) ? (own(name) as number) : (brokerValue(config.layers, brokerName) as number);
    return Math.min(Math.max(value, bound(config, name, 'min', 0)), bound(config, name, 'max', Infinity));
  };
  return {
    recordLockDurationMs: bounded('share.record.lock.duration.ms'),
    deliveryCountLimit: bounded('share.delivery.count.limit'),
    partitionRecordLocksMax: bounded('share.partition.max.record.locks'),
    isRenewEnabled: own('share.renew.acknowledge.enable') as boolean,
    isolation: own('share.isolation.level') === 'read_committed' ? 'committed' : 'uncommitted',
    offsetReset: offsetReset(own('share.auto.offset.reset') as string),
    sessionTimeoutMs: bounded('share.session.timeout.ms'),
    heartbeatIntervalMs: bounded('share.heartbeat.interval.ms'),
    assignmentIntervalMs: bounded('share.assignment.interval.ms'),
  };
}

/** `group.share.min.<rest>` and `group.share.max.<rest>`. */
function bound(config: BrokerConfig, name: string, end: 'min' | 'max', fallback: number): number {
  const value = brokerValue(config.layers, `group.share.${end}.${name.slice('share.'.length)}`);
  return typeof value === 'number' ? value : fallback;
}

const BY_DURATION = 'by_duration:';
const ISO_DURATION = /^(-)?P(?:([-+]?\d+)D)?(?:T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+(?:\.\d+)?)S)?)?$/i;

function offsetReset(text: string): OffsetReset {
  const lower = text.trim().toLowerCase();
  if (lower === 'earliest') return { kind: 'earliest' };
  const durationMs = lower.startsWith(BY_DURATION) ? isoDurationMs(lower.slice(BY_DURATION.length)) : null;
  return durationMs === null ? { kind: 'latest' } : { kind: 'byDuration', durationMs };
}

function isoDurationMs(text: string): number | null {
  const match = ISO_DURATION.exec(text);
  if (match === null) return null;
  const [days, hours, minutes, seconds] = match.slice(2).map((part) => Number(part ?? 0));
  const ms = ((days! * 24 + hours!) * 60 + minutes!) * 60_000 + seconds! * 1_000;
  return match[1] === undefined ? ms : -ms;
}
