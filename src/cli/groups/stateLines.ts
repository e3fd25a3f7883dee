import type { ToolEnvironment } from '../tool.ts';

const REBALANCING = new Set(['PreparingRebalance', 'CompletingRebalance', 'Assigning', 'Reconciling', 'NotReady']);

/** Says what a group's state means for the table that follows; false: there is nothing to print. */
export async function tellState(groupId: string, state: string, rows: number, kind: 'consumer' | 'share' | 'streams', { terminal }: ToolEnvironment): Promise<boolean> {
  const name = kind.charAt(0).toUpperCase() + kind.slice(1);
  if (state === 'Dead') await terminal.print(`\nError: ${name} group '${groupId}' does not exist.\n`);
  if (state === 'Empty') terminal.complain(`\n${name} group '${groupId}' has no active members.`);
  if (REBALANCING.has(state)) terminal.complain(`\nWarning: ${name} group '${groupId}' is rebalancing.`);
  return state !== 'Dead' && rows > 0;
}
