/** Names of logs: what may be a folder's name, and nothing that changes on the way. */
import { isTopicName } from '../fileNames.ts';
import { LogError } from '../types.ts';

/** Throws LogError invalidArgument. */
export function checkName(name: string): string {
  if (typeof name === 'string' && isTopicName(name)) return name;
  throw new LogError('invalidArgument', `${JSON.stringify(name)?.slice(0, 300)} cannot be a log's name: letters, digits, '.', '_' and '-', 249 at most`);
}
