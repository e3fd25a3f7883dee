import { ClientError } from '../../client/core/clientError.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { listReassignments } from '../../client/admin/reassignments.ts';
import { comparePartitions } from '../../client/admin/partitionMap.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { bootstrapOption, commandConfigOption, jsonOption, printJson, withCluster, zookeeperHint } from '../adminTool.ts';
import { javaException } from '../javaErrors.ts';
import type { Options } from '../options.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';
import { nameOf } from './plan.ts';
import { TerseError } from './terseError.ts';

const ACTIONS = ['generate', 'execute', 'verify', 'cancel', 'list'] as const;
type Action = (typeof ACTIONS)[number];
const NEEDED: Readonly<Record<Action, readonly string[]>> = {
  generate: ['broker-list', 'topics-to-move-json-file'], execute: ['reassignment-json-file'], verify: ['reassignment-json-file'], cancel: ['reassignment-json-file'], list: [],
};
const PERMITTED: Readonly<Record<Action, readonly string[]>> = {
  generate: ['disable-rack-aware'], execute: ['additional', 'throttle', 'replica-alter-log-dirs-throttle', 'timeout', 'disallow-replication-factor-change'], verify: ['preserve-throttles'], cancel: ['preserve-throttles', 'timeout'], list: ['json'],
};

export const reassignTool: Tool = {
  name: 'kafka-reassign-partitions',
  purpose: 'This tool helps to move topic partitions between replicas.',
  options: [
    bootstrapOption, commandConfigOption,
    { name: 'verify', description: 'Show how far a reassignment is, and take limits away when it has ended.' },
    { name: 'generate', description: 'Propose a reassignment of topics to brokers; nothing is done.' },
    { name: 'execute', description: 'Start a reassignment.' },
    { name: 'cancel', description: 'Cancel a reassignment that is under way.' },
    { name: 'list', description: 'List all reassignments under way.' },
    { name: 'reassignment-json-file', argument: 'file', description: '{"version": 1, "partitions": [{"topic": "foo", "partition": 1, "replicas": [1,2,3], "log_dirs": ["dir1","any","any"]}]}; "log_dirs" may be left out.' },
    { name: 'topics-to-move-json-file', argument: 'file', description: '{"topics": [{"topic": "foo"}, {"topic": "foo1"}], "version": 1}' },
    { name: 'broker-list', argument: 'ids', description: 'With --generate: the brokers to use, as 0,1,2.' },
    { name: 'disable-rack-aware', description: 'With --generate: do not look at racks.' },
    { name: 'throttle', argument: 'bytes', type: 'long', default: '-1', description: 'Limit what goes from broker to broker, in bytes a second.' },
    { name: 'replica-alter-log-dirs-throttle', argument: 'bytes', type: 'long', default: '-1', description: 'Limit what goes from directory to directory of a broker, in bytes a second.' },
    { name: 'timeout', argument: 'ms', type: 'long', default: '10000', description: 'How long to wait until moves between directories begin.' },
    { name: 'additional', description: 'Start it beside reassignments that are under way.' },
    { name: 'preserve-throttles', description: 'Leave limits as they are.' },
    { name: 'disallow-replication-factor-change', description: 'Refuse plans that change a replication factor.' },
    jsonOption,
  ],
  replacements: { zookeeper: zookeeperHint },
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const action = chooseAction(options);
  try {
    await withCluster(options, environment, (cluster) => act(cluster, action, options, environment));
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof TerseError) await environment.terminal.print(`${error.message}\n`);
    else if (error instanceof ToolError) await environment.terminal.print(`Error: ${error.message}\n`);
    else if (error instanceof KafkaError || error instanceof ClientError) await environment.terminal.print(`Error: ${javaException(error)}\n`);
    else throw error;
    return 1;
  }
}

function chooseAction(options: Options): Action {
  const actions = ACTIONS.filter((action) => options.has(action));
  const [action] = actions;
  if (action === undefined || actions.length > 1) throw new UsageError(`Command must include exactly one action: ${ACTIONS.map((name) => `--${name}`).join(', ')}`);
  if (!options.has('bootstrap-server')) throw new UsageError('Please specify either --bootstrap-server or --bootstrap-controller');
  for (const name of NEEDED[action]) if (!options.has(name)) throw new UsageError(`Missing required argument "[${name}]"`);
  const allowed = ['bootstrap-server', 'command-config', action, ...NEEDED[action], ...PERMITTED[action]];
  const wrong = options.order.find((name) => !allowed.includes(name));
  if (wrong !== undefined) throw new UsageError(`Option "[${wrong}]" can't be used with action "[${action}]"`);
  return action;
}

async function act(cluster: Cluster, action: Action, options: Options, environment: ToolEnvironment): Promise<void> {
  if (action === 'list') return list(cluster, options, environment);
  const actions = await import('./actions.ts');
  if (action === 'generate') return actions.generate(cluster, options, environment);
  if (action === 'execute') return actions.execute(cluster, options, environment);
  return action === 'verify' ? actions.verify(cluster, options, environment) : actions.cancel(cluster, options, environment);
}

async function list(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const ongoing = [...await listReassignments(cluster)].sort(([a], [b]) => comparePartitions(a, b));
  if (options.has('json')) return printJson(environment, ongoing.map(([key, move]) => ({ ...key, ...move })));
  const part = (title: string, ids: readonly number[]) => (ids.length === 0 ? '' : ` ${title}: ${ids.join(',')}.`);
  const lines = ongoing.map(([key, { replicas, addingReplicas, removingReplicas }]) => `${nameOf(key)}: replicas: ${replicas.join(',')}.${part('adding', addingReplicas)}${part('removing', removingReplicas)}\n`);
  await environment.terminal.print(lines.length === 0 ? 'No partition reassignments found.\n' : `Current partition reassignments:\n${lines.join('')}`);
}
