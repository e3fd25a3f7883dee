import { throwFirst } from '../../client/admin/outcome.ts';
import { describeTopics as askForTopics } from '../../client/admin/describeTopics.ts';
import { createPartitions, deleteTopics, listTopics, type TopicListing } from '../../client/admin/topics.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { adminOptions } from '../../client/settings/adminOptions.ts';
import { zeroUuid } from '../../protocol/types.ts';
import { bootstrapOf, connect } from '../connect.ts';
import { failureText } from '../failure.ts';
import type { Options } from '../options.ts';
import { readSettings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';
import { topicFilter } from '../topicFilter.ts';
import { chooseAction } from './checks.ts';
import { createTopic, parseReplicaAssignment } from './create.ts';
import { describeTopics } from './describe.ts';
import { topicOptions, type Action } from './options.ts';

const DELETE_CONFIG_NOTE = 'delete-config option is no longer supported and deprecated since version 4.0. The config will be fully removed in future releases.';

const UUID_BYTES = 16;
const UUID_CHARACTERS_MAX = 24;

export const topicsTool: Tool = {
  name: 'kafka-topics',
  purpose: 'This tool helps to create, delete, describe, or change a topic.',
  options: topicOptions,
  replacements: { zookeeper: 'topics are asked of a broker, not of ZooKeeper: type --bootstrap-server HOST:PORT (as localhost:9092) instead of --zookeeper' },
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const { terminal } = environment;
  const action = chooseAction(options);
  if (options.has('delete-config')) terminal.complain(DELETE_CONFIG_NOTE);
  const settings = readSettings(options.value('command-config'));
  const { cluster: clusterSettings, warnings } = adminOptions(settings.set('bootstrap.servers', bootstrapOf(options)));
  for (const warning of warnings) terminal.complain(warning, 'warning');
  const cluster = connect(clusterSettings, environment);
  environment.interrupted.addEventListener('abort', () => cluster.close());
  try {
    await act(action, cluster, options, terminal);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (environment.interrupted.aborted) return 1;
    await terminal.print(`Error while executing topic command : ${failureText(error)}\n`);
    terminal.complain(`ERROR ${(error as Error).message}`);
    return 1;
  } finally {
    cluster.close();
  }
}

async function act(action: Action, cluster: Cluster, options: Options, terminal: Terminal): Promise<void> {
  if (action === 'create') return createTopic(cluster, options, terminal);
  const topicId = options.value('topic-id') ?? zeroUuid;
  if (action === 'describe' && topicId !== zeroUuid) return describeTopics(cluster, await topicsById(cluster, topicId, options), options, terminal);
  const names = selectTopics(await listTopics(cluster), options);
  if (action === 'list') return terminal.print(`${options.has('json') ? JSON.stringify(names.map((topic) => ({ topic }))) : names.join('\n')}\n`);
  const topic = options.value('topic') ?? '';
  if (names.length === 0 && topic !== '' && !options.has('if-exists')) throw new ToolError(`Topic '${topic}' does not exist as expected`);
  if (action === 'describe') return describeTopics(cluster, names, options, terminal);
  if (action === 'delete') return throwFirst(await deleteTopics(cluster, names));
  return addPartitions(cluster, names, options);
}

function selectTopics(listings: readonly TopicListing[], options: Options): string[] {
  const topic = options.value('topic');
  const isWanted = topic === undefined ? () => true : topicFilter(topic);
  return listings.filter(({ name, isInternal }) => isWanted(name) && !(isInternal && options.has('exclude-internal'))).map(({ name }) => name);
}

function checkUuid(text: string): void {
  if (text.length > UUID_CHARACTERS_MAX) throw new ToolError(`Input string with prefix \`${text.slice(0, UUID_CHARACTERS_MAX)}\` is too long to be decoded as a base64 UUID`);
  const { length } = Buffer.from(text, 'base64url');
  if (length !== UUID_BYTES) throw new ToolError(`Input string \`${text}\` decoded as ${length} bytes, which is not equal to the expected ${UUID_BYTES} bytes of a base64-encoded UUID`);
}

async function topicsById(cluster: Cluster, topicId: string, options: Options): Promise<string[]> {
  checkUuid(topicId);
  const found = (await listTopics(cluster)).filter((listing) => listing.topicId === topicId).map(({ name }) => name);
  if (found.length === 0 && !options.has('if-exists')) throw new ToolError(`TopicId '${topicId}' does not exist as expected`);
  return found;
}

async function addPartitions(cluster: Cluster, names: readonly string[], options: Options): Promise<void> {
  if (names.length === 0) return;
  const count = options.number('partitions') ?? 0;
  const assignments = parseReplicaAssignment(options.value('replica-assignment') ?? '');
  const present = assignments.length === 0 ? [] : await askForTopics(cluster, names);
  throwFirst(await createPartitions(cluster, names.map((topic, index) => {
    const added = assignments.slice(present[index]?.partitions.length ?? 0);
    return { topic, count, ...(assignments.length === 0 ? {} : { assignments: added }) };
  })));
}
