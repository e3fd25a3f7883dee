import { bootstrapOption, commandConfigOption, jsonOption } from '../../adminTool.ts';
import type { OptionSpec } from '../../options.ts';

export const ACTIONS = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets', 'validate-regex'] as const;
export type Action = (typeof ACTIONS)[number];

export const groupListOptions: readonly OptionSpec[] = [
  { name: 'state', argument: 'states', isArgumentOptional: true, description: "With '--describe', the state of the group. With '--list', the state of all groups, or of those in the given states, as 'stable,empty'." },
  { name: 'verbose', description: "With '--describe', tell more." },
  { name: 'members', description: "With '--describe', the members of the group." },
  { name: 'offsets', description: "With '--describe', all partitions with the offsets and the lag (the default)." },
  { name: 'all-groups', description: 'Apply to all groups.' },
  { name: 'timeout', argument: 'ms', type: 'long', default: '5000', description: 'How long each call to the cluster may take.' },
];

export const resetOptions: readonly OptionSpec[] = [
  { name: 'reset-offsets', description: 'Set the offsets of a group without members. Choose what to: --to-datetime, --by-duration, --to-earliest, --to-latest, --shift-by, --from-file, --to-current or --to-offset; and where: --all-topics or --topic.' },
  { name: 'dry-run', description: 'Only show what would be done.' },
  { name: 'execute', description: 'Do it.' },
  { name: 'export', description: 'Print the new offsets as CSV.' },
  { name: 'to-offset', argument: 'offset', type: 'long', description: 'Set to this offset.' },
  { name: 'from-file', argument: 'file', description: 'Set to what a CSV file says: topic,partition,offset, with the group before that for several groups.' },
  { name: 'to-datetime', argument: 'datetime', description: "Set to the first record at or after this time, as 'YYYY-MM-DDThh:mm:ss.sss' (UTC)." },
  { name: 'by-duration', argument: 'duration', description: "Set to the first record of this last period, as 'PnDTnHnMnS'." },
  { name: 'to-earliest', description: 'Set to the earliest offset.' },
  { name: 'to-latest', description: 'Set to the latest offset.' },
  { name: 'to-current', description: 'Set to the offset that is committed.' },
  { name: 'shift-by', argument: 'count', type: 'long', description: 'Move by so many offsets, forward or (below 0) backward.' },
];

/** The options of kafka-consumer-groups. */
export const consumerGroupOptions: readonly OptionSpec[] = [
  { ...bootstrapOption, description: 'REQUIRED except with --validate-regex: The broker(s) to connect to, as HOST1:PORT1,HOST2:PORT2.' },
  commandConfigOption,
  { name: 'group', argument: 'group', isList: true, description: 'The group to act on. May be repeated.' },
  { name: 'topic', argument: 'topic', isList: true, description: "The topic whose offsets are deleted or reset; with partitions as 'topic:0,1,2'. May be repeated." },
  { name: 'all-topics', description: 'Every topic with committed offsets.' },
  { name: 'list', description: 'List all consumer groups.' },
  { name: 'describe', description: 'Describe groups: their partitions with offsets and lag.' },
  { name: 'delete', description: 'Delete groups with their offsets.' },
  { name: 'delete-offsets', description: 'Delete what a group has committed for topics.' },
  { name: 'type', argument: 'types', isArgumentOptional: true, description: "With '--list', the types of all groups, or groups of the given types, as 'classic,consumer'." },
  { name: 'validate-regex', argument: 'regex', description: 'Check a regular expression as a broker understands it (RE2).' },
  ...groupListOptions,
  ...resetOptions,
  jsonOption,
];
