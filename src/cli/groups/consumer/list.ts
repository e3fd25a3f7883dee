import { GroupType, listConsumerGroups, type GroupListing } from '../../../client/admin/groups.ts';
import type { Cluster } from '../../../client/core/cluster.ts';
import { printJson } from '../../adminTool.ts';
import type { Options } from '../../options.ts';
import { row, widthOf } from '../../table.ts';
import type { ToolEnvironment } from '../../tool.ts';
import { UsageError } from '../../toolError.ts';

/** Kafka's names of the states of consumer groups. */
const STATES = ['PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead', 'Empty', 'Assigning', 'Reconciling'] as const;
const NAME_WIDTH_MIN = 15;
const NAME_MARGIN = 10;
const COLUMN_WIDTH = 20;

export async function listGroups(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const states = parseNames(options.value('state') ?? '', STATES, 'state');
  const types = parseNames(options.value('type') ?? '', [GroupType.consumer, GroupType.classic], 'types');
  const groups = await listConsumerGroups(cluster, { states, types });
  if (options.has('json')) return printJson(environment, groups.map(({ groupId, type, state, protocol }) => ({ group: groupId, type, state, protocol })));
  await environment.terminal.print(listText(groups, options.has('type'), options.has('state')));
}

/** Names alone, or a table with what was asked for. */
export function listText(groups: readonly GroupListing[], hasTypes: boolean, hasStates: boolean): string {
  if (!hasTypes && !hasStates) return groups.map(({ groupId }) => `${groupId}\n`).join('');
  const cells = (group: string, type: string, state: string) => [group, ...(hasTypes ? [type] : []), ...(hasStates ? [state] : [])];
  const widths = [widthOf(groups.map(({ groupId }) => groupId), NAME_WIDTH_MIN) + NAME_MARGIN, COLUMN_WIDTH, COLUMN_WIDTH];
  const rows = [cells('GROUP', 'TYPE', 'STATE'), ...groups.map(({ groupId, type, state }) => cells(groupId, type ?? 'Unknown', state === '' ? 'Unknown' : state))];
  return rows.map((each) => `${row(each, widths)}\n`).join('');
}

/** Names separated by commas, whatever their case. Throws UsageError in Kafka's words. */
export function parseNames<T extends string>(text: string, known: readonly T[], what: 'state' | 'types'): T[] {
  if (text === '') return [];
  return [...new Set(text.split(',').map((part) => {
    const name = part.trim().toLowerCase();
    const found = known.find((candidate) => candidate.toLowerCase() === name);
    if (found === undefined) throw new UsageError(`Invalid ${what} list '${text}'. Valid ${what === 'state' ? 'states' : 'types'} are: ${known.join(', ')}`);
    return found;
  }))];
}
