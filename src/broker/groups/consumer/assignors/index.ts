import { assignRanges } from './range.ts';
import type { Assignor } from './assignor.ts';
import { assignUniformly } from './uniform.ts';

/** By the name that members ask for. */
export const assignors: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', assignUniformly],
  ['range', assignRanges],
]);

/** Kafka's classes, as configurations name them. */
const CLASS_NAMES: ReadonlyMap<string, string> = new Map([
  ['org.apache.kafka.coordinator.group.assignor.UniformAssignor', 'uniform'],
  ['org.apache.kafka.coordinator.group.assignor.RangeAssignor', 'range'],
]);

/** The name of an assignor that a configuration gives by name or class; null: there is none such here. */
export function assignorName(text: string): string | null {
  const name = CLASS_NAMES.get(text) ?? text;
  return assignors.has(name) ? name : null;
}
