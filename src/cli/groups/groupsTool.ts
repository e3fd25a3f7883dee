import { GroupType, listGroups, type GroupListing } from '../../client/admin/groups.ts';
import { bootstrapOption, commandConfigOption, jsonOption, printJson, withCluster } from '../adminTool.ts';
import type { Options } from '../options.ts';
import { row, widthOf } from '../table.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { UsageError } from '../toolError.ts';

const KINDS = ['consumer', 'share', 'streams'] as const;

export const groupsTool: Tool = {
  name: 'kafka-groups',
  purpose: 'This tool helps to list groups of all types.',
  options: [
    bootstrapOption, commandConfigOption,
    { name: 'list', description: 'List the groups.' },
    { name: 'group-type', argument: 'type', description: 'Groups of this type: classic, consumer, share or streams.' },
    { name: 'protocol', argument: 'protocol', description: 'Groups of this protocol type.' },
    { name: 'consumer', description: 'All groups of consumers, whatever their type, and groups that only hold offsets.' },
    { name: 'share', description: 'Share groups.' },
    { name: 'streams', description: 'Streams groups.' },
    jsonOption,
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  if (!options.has('list')) throw new UsageError('Command must include exactly one action: --list.');
  const kinds = KINDS.filter((kind) => options.has(kind));
  const chosen = [...kinds, ...['group-type', 'protocol'].filter((name) => options.has(name))];
  if (kinds.length > 0 && chosen.length > 1) throw new UsageError(`Option "[${chosen[0]}]" can't be used with option "[${chosen[1]}]"`);
  const type = Object.values(GroupType).find((each) => each.toLowerCase() === options.value('group-type')?.trim().toLowerCase());
  if (options.has('group-type') && type === undefined) throw new UsageError('--group-type must be a valid group type.');
  await withCluster(options, environment, async (cluster) => {
    const groups = (await listGroups(cluster)).filter((group) => isWanted(group, options, type));
    if (options.has('json')) return printJson(environment, groups.map(({ groupId, type: kind, protocol, state }) => ({ group: groupId, type: kind, protocol, state })));
    const cells = [['GROUP', 'TYPE', 'PROTOCOL'], ...groups.map(({ groupId, type: kind, protocol }) => [groupId, kind ?? '', protocol])];
    const widths = [widthOf(groups.map(({ groupId }) => groupId), 20), 20, 20];
    await environment.terminal.print(cells.map((each, index) => `${row(each, widths)}${index === 0 ? '' : ' '}\n`).join(''));
  });
  return 0;
}

function isWanted({ type, protocol }: GroupListing, options: Options, wanted: GroupType | undefined): boolean {
  if (options.has('consumer')) return type === GroupType.consumer || ((type === GroupType.classic || type === null) && (protocol === 'consumer' || protocol === ''));
  if (options.has('share')) return type === GroupType.share;
  if (options.has('streams')) return type === GroupType.streams;
  return (wanted === undefined || type === wanted) && (!options.has('protocol') || protocol === options.value('protocol'));
}
