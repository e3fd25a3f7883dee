import type { TopicPartition } from '../../client/admin/partitionMap.ts';
import { ToolError } from '../toolError.ts';
import { topicFilter } from '../topicFilter.ts';

export type PartitionFilter = (partition: TopicPartition) => boolean;

const RULE = /^([^:()]*)(?::(?:(\d*)(-)?(\d*)))?$/;

/** `topic:0,other.*:2-5,third:-3`: a list of rules, each a regular expression of topics and partitions, of which one must hold. */
export function partitionRules(text: string): PartitionFilter {
  const rules = text.split(',').map((rule) => ruleOf(rule.trim()));
  return (partition) => rules.some((holds) => holds(partition));
}

/** From `lower` to below `upper`, as `5-10` says; `5-` has no end, `-10` begins at 0. */
function ruleOf(rule: string): PartitionFilter {
  const match = RULE.exec(rule);
  if (match === null) throw new ToolError(`Error occurred: Invalid rule specification: ${rule}`);
  const [, topic, first, dash, last] = match;
  const isTopic = topic === undefined || topic === '' ? () => true : topicFilter(topic);
  if (dash === undefined) return (key) => isTopic(key.topic) && (first === undefined || first === '' || key.partition === Number(first));
  const from = first === '' ? 0 : Number(first);
  const to = last === '' ? Infinity : Number(last);
  return (key) => isTopic(key.topic) && key.partition >= from && key.partition < to;
}

export function partitionIds(text: string): (partition: number) => boolean {
  const ids = text.split(',').map((part) => part.trim());
  if (ids.some((id) => !/^\d{1,9}$/.test(id))) throw new ToolError(`Error occurred: --partitions expects a comma separated list of numeric partition ids, but received: ${text}`);
  const wanted = new Set(ids.map(Number));
  return (partition) => wanted.has(partition);
}
