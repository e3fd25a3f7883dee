import { ToolError } from '../toolError.ts';
import type { TopicPartition } from '../../client/admin/partitionMap.ts';

/** Offsets by partition, for one group. */
export type Plan = readonly (readonly [TopicPartition, number])[];

interface Row extends TopicPartition {
  readonly group: string | null;
  readonly offset: number;
}

/** Lines of `topic,partition,offset`, with the group before that where there are several. Fields with commas or quotes stand in quotes. */
export function writeCsv(plans: ReadonlyMap<string, Plan>, hasGroups: boolean): string {
  return [...plans].flatMap(([group, plan]) => plan.map(([{ topic, partition }, offset]) => [...(hasGroups ? [group] : []), topic, String(partition), String(offset)].map(quoted).join(',')))
    .map((line) => `${line}\n`).join('');
}

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Reads what `writeCsv` wrote; lines without a group are for `onlyGroup`. Throws ToolError with the line's number. */
export function readCsv(text: string, onlyGroup: string | null): Map<string, Plan> {
  const plans = new Map<string, (readonly [TopicPartition, number])[]>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const { group, topic, partition, offset } = rowOf(line, index + 1);
    const owner = group ?? onlyGroup;
    if (owner === null) throw new ToolError(`line ${index + 1} names no group (wanted: group,topic,partition,offset)`);
    const plan = plans.get(owner) ?? [];
    plans.set(owner, plan);
    plan.push([{ topic, partition }, offset]);
  }
  return plans;
}

function rowOf(line: string, number: number): Row {
  const fields = [...line.trim().matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map((match) => match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
  const [topic, partition, offset] = fields.slice(-3).map((field) => field.trim());
  const group = fields.length === 4 ? fields[0]?.trim() : undefined;
  const isWhole = /^\d{1,9}$/.test(partition ?? '') && /^\d{1,16}$/.test(offset ?? '');
  if (topic === undefined || !isWhole || fields.length < 3 || fields.length > 4) throw new ToolError(`line ${number} is not of the form [group,]topic,partition,offset: ${line}`);
  return { group: group ?? null, topic, partition: Number(partition), offset: Number(offset) };
}
