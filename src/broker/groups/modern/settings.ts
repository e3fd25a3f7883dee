import { brokerValue } from '../../../config/layers.ts';
import { ConfigError } from '../../../config/configError.ts';
import type { BrokerConfig, ConfigProblem } from '../../../config/types.ts';

/** A setting that a group may have of its own, within bounds of the broker. */
export interface BoundedSetting {
  readonly value: number;
  readonly min: number;
  readonly max: number;
}

/** What consumer, share and streams groups have in common (`group.<kind>....`). */
export interface ModernSettings {
  readonly sessionTimeoutMs: BoundedSetting;
  readonly heartbeatIntervalMs: BoundedSetting;
  /** Least time between two computations of a target assignment; 0: none. */
  readonly assignmentIntervalMs: BoundedSetting;
  readonly membersMax: number;
}

export type ModernGroupKind = 'consumer' | 'share' | 'streams';

const BOUNDED = { sessionTimeoutMs: 'session.timeout.ms', heartbeatIntervalMs: 'heartbeat.interval.ms', assignmentIntervalMs: 'assignment.interval.ms' } as const;
type BoundedName = keyof typeof BOUNDED;

export function modernSettings(config: BrokerConfig, kind: ModernGroupKind): ModernSettings {
  const number = (name: string): number => Number(brokerValue(config.layers, `group.${kind}.${name}`));
  const bounded = (name: BoundedName): BoundedSetting => ({ value: number(BOUNDED[name]), min: number(`min.${BOUNDED[name]}`), max: number(`max.${BOUNDED[name]}`) });
  return {
    sessionTimeoutMs: bounded('sessionTimeoutMs'),
    heartbeatIntervalMs: bounded('heartbeatIntervalMs'),
    assignmentIntervalMs: bounded('assignmentIntervalMs'),
    membersMax: number('max.size'),
  };
}

/** Whether `group.coordinator.rebalance.protocols` lets members speak it. */
export function hasProtocol(config: BrokerConfig, kind: ModernGroupKind): boolean {
  return (brokerValue(config.layers, 'group.coordinator.rebalance.protocols') as readonly string[]).some((name) => name.toLowerCase() === kind);
}

/** The group's own value within the broker's bounds, else the broker's. */
export function valueFor(settings: ModernSettings, name: BoundedName, kind: ModernGroupKind, groupConfig: ReadonlyMap<string, string>): number {
  const { value, min, max } = settings[name];
  const own = Number(groupConfig.get(`${kind}.${BOUNDED[name]}`) ?? NaN);
  return Number.isNaN(own) ? value : Math.min(Math.max(own, min), max);
}

/** Whether it is time for another assignment; a clock that was set back holds nobody up. */
export function mayAssign(nowMs: number, lastMs: number, intervalMs: number): boolean {
  return lastMs === 0 || nowMs < lastMs || nowMs >= lastMs + intervalMs;
}

/** Throws ConfigError when a setting is out of its own bounds, or heartbeats are rarer than the session timeout lets them be. */
export function checkModernSettings(config: BrokerConfig): void {
  const problems: ConfigProblem[] = [];
  for (const kind of ['consumer', 'share', 'streams'] as const) {
    const settings = modernSettings(config, kind);
    for (const name of Object.keys(BOUNDED) as BoundedName[]) checkBounds(`group.${kind}.`, BOUNDED[name], settings[name], problems);
    const { sessionTimeoutMs, heartbeatIntervalMs } = settings;
    if (heartbeatIntervalMs.value >= sessionTimeoutMs.value) {
      refuse(problems, `group.${kind}.heartbeat.interval.ms`, heartbeatIntervalMs.value, `must be less than group.${kind}.session.timeout.ms=${sessionTimeoutMs.value}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

function checkBounds(prefix: string, name: string, { value, min, max }: BoundedSetting, problems: ConfigProblem[]): void {
  if (max < min) refuse(problems, `${prefix}max.${name}`, max, `must not be less than ${prefix}min.${name}=${min}`);
  else if (value < min || value > max) refuse(problems, prefix + name, value, `must be from ${prefix}min.${name}=${min} to ${prefix}max.${name}=${max}`);
}

function refuse(problems: ConfigProblem[], key: string, value: number, message: string): void {
  problems.push({ key, value: String(value), origin: '', message });
}
