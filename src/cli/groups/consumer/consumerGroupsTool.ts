import { listConsumerGroups } from '../../../client/admin/groups.ts';
import type { Cluster } from '../../../client/core/cluster.ts';
import { ClientError } from '../../../client/core/clientError.ts';
import { KafkaError } from '../../../protocol/errors.ts';
import { withCluster, zookeeperHint } from '../../adminTool.ts';
import { javaException, javaMessage } from '../../javaErrors.ts';
import type { Options } from '../../options.ts';
import type { Tool, ToolEnvironment } from '../../tool.ts';
import { UsageError } from '../../toolError.ts';
import { chooseAction } from './checks.ts';
import { consumerGroupOptions, type Action } from './options.ts';

/** Tool of consumer groups. Like Kafka's it ends with 0 when an action failed, and says so on standard output. */
export const consumerGroupsTool: Tool = {
  name: 'kafka-consumer-groups',
  purpose: 'This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset consumer group offsets.',
  options: consumerGroupOptions,
  replacements: { zookeeper: zookeeperHint, 'new-consumer': 'leave it out' },
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const action = chooseAction(options, environment.terminal);
  if (action === 'validate-regex') return validateRegex(options.value('validate-regex') as string, environment);
  try {
    await withCluster(options, environment, (cluster) => act(action, cluster, options, environment), { timeoutMs: options.number('timeout') });
  } catch (error) {
    if (error instanceof UsageError || environment.interrupted.aborted) throw error;
    await environment.terminal.print(`\nError: Executing consumer group command failed due to ${failure(error, action)}\n`);
  }
  return 0;
}

async function act(action: Action, cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  if (action === 'list') return (await import('./list.ts')).listGroups(cluster, options, environment);
  const groupIds = options.has('all-groups') ? (await listConsumerGroups(cluster)).map(({ groupId }) => groupId) : [...new Set(options.values('group'))];
  if (action === 'describe') return (await import('./describe.ts')).describeGroups(cluster, groupIds, options, environment);
  const change = await import('./change.ts');
  if (action === 'delete') return change.deleteGroups(cluster, groupIds, 'consumer', environment);
  if (action === 'reset-offsets') return change.resetOffsets(cluster, groupIds, options, environment);
  return change.deleteOffsets(cluster, options.value('group') as string, options, environment);
}

async function validateRegex(expression: string, { terminal }: ToolEnvironment): Promise<number> {
  const { RE2JS } = await import('re2js');
  try {
    RE2JS.compile(expression);
    await terminal.print(`The regular expression \`${expression}\` is valid.\n`);
  } catch (error) {
    const reason = (error as Error).message.replace(/^error parsing regexp: /, '').replace(/: `[^]*`$/, '');
    await terminal.print(`The regular expression \`${expression}\` is invalid: ${reason}.\n`);
  }
  return 0;
}

/** Kafka's tool prints the exception that wraps the cause, except where it resets offsets. */
function failure(error: unknown, action: Action): string {
  const isFromCluster = error instanceof KafkaError || error instanceof ClientError;
  return isFromCluster && action !== 'reset-offsets' ? javaException(error) : javaMessage(error);
}
