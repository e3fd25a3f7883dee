import { createAcls, deleteAcls, describeAcls } from '../../client/admin/acls.ts';
import type { AclBinding } from '../../client/admin/aclTypes.ts';
import { throwFirst } from '../../client/admin/outcome.ts';
import { ClientError } from '../../client/core/clientError.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { groupBy } from '../../base/collections.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { bootstrapOption, commandConfigOption, jsonOption, printJson, withCluster, zookeeperHint } from '../adminTool.ts';
import { confirm } from '../confirm.ts';
import { javaException } from '../javaErrors.ts';
import type { Options } from '../options.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { UsageError } from '../toolError.ts';
import { entryText, filterOf, parsePrincipal, patternTypeOf, planAcls, resourcesOf, resourceText, type Entry, type PlannedAcls, type ResourceFilter } from './aclPlan.ts';

const ACTIONS = ['add', 'remove', 'list'] as const;

const named = (name: string, argument: string, description: string) => ({ name, argument, isList: true, description });

export const aclsTool: Tool = {
  name: 'kafka-acls',
  purpose: 'This tool helps to manage acls on kafka.',
  options: [
    bootstrapOption, commandConfigOption,
    { name: 'add', description: 'Add ACLs.' },
    { name: 'remove', description: 'Remove ACLs.' },
    { name: 'list', description: 'List ACLs, of the resources that are named, or all.' },
    named('topic', 'topic', "The topic; '*' means all topics."),
    { name: 'cluster', description: 'The cluster.' },
    named('group', 'group', "The group; '*' means all groups."),
    named('transactional-id', 'id', "The transactional id; '*' means all of them."),
    named('delegation-token', 'token', "The delegation token; '*' means all tokens."),
    named('user-principal', 'principal', 'The user as a resource, for operations on tokens.'),
    { name: 'idempotent', description: 'With --producer: the producer may be idempotent.' },
    { name: 'resource-pattern-type', argument: 'type', default: 'LITERAL', description: 'LITERAL, PREFIXED; to list or remove also ANY, MATCH (what applies to the name).' },
    named('operation', 'operation', 'The operation, as Read, Write, Create, Delete, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, CreateTokens, DescribeTokens, TwoPhaseCommit or All (default: All).'),
    named('allow-principal', 'principal', 'Who is allowed, as User:alice.'),
    named('deny-principal', 'principal', 'Who is denied, as User:mallory.'),
    named('principal', 'principal', 'With --list, ACLs of this principal.'),
    named('allow-host', 'host', "From where (default: '*' with --allow-principal)."),
    named('deny-host', 'host', "From where (default: '*' with --deny-principal)."),
    { name: 'producer', description: 'The operations of a producer: WRITE, DESCRIBE and CREATE on the topic.' },
    { name: 'consumer', description: 'The operations of a consumer: READ and DESCRIBE on the topic, READ on the group.' },
    { name: 'force', description: 'Do not ask.' },
    jsonOption,
  ],
  replacements: { zookeeper: zookeeperHint, authorizer: zookeeperHint, 'authorizer-properties': zookeeperHint },
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const actions = ACTIONS.filter((action) => options.has(action));
  if (!options.has('bootstrap-server')) throw new UsageError('One of --bootstrap-server or --bootstrap-controller must be specified');
  if (actions.length !== 1) throw new UsageError('Command must include exactly one action: --list, --add, --remove. ');
  check(options);
  const planned = options.has('list') ? [] : planAcls(options);
  if (options.has('add')) checkAddition(options, planned);
  try {
    await withCluster(options, environment, async (cluster) => {
      if (options.has('add')) await add(cluster, planned, environment);
      else if (options.has('remove')) await remove(cluster, planned, options, environment);
      else await list(cluster, options, environment);
    });
    return 0;
  } catch (error) {
    if (!(error instanceof KafkaError) && !(error instanceof ClientError)) throw error;
    await environment.terminal.print(`Error while executing ACL command: ${javaException(error)}\n`);
    return 1;
  }
}

function check(options: Options): void {
  const isRole = options.has('producer') || options.has('consumer');
  if (isRole && ['operation', 'deny-principal', 'deny-host'].some((name) => options.has(name))) throw new UsageError('Option "[operation], [deny-principal] or [deny-host]" can\'t be used with option "[producer] or [consumer]"');
  if (options.has('producer') && !options.has('topic')) throw new UsageError('With --producer you must specify a --topic');
  if (options.has('idempotent') && !options.has('producer')) throw new UsageError('The --idempotent option is only available if --producer is set');
  if (options.has('consumer') && (!options.has('topic') || !options.has('group') || (!options.has('producer') && (options.has('cluster') || options.has('transactional-id'))))) {
    throw new UsageError('With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option should be specified.');
  }
  if (options.has('principal') && !options.has('list')) throw new UsageError('The --principal option is only available if --list is set');
}

function checkAddition(options: Options, planned: readonly PlannedAcls[]): void {
  const patternType = patternTypeOf(options);
  if (patternType === 'ANY' || patternType === 'MATCH') throw new UsageError(`A '--resource-pattern-type' value of '${patternType}' is not valid when adding acls.`);
  if (planned.some(({ entries }) => entries.length === 0)) throw new UsageError('You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.');
}

const bindingOf = ({ resourceType, name, patternType }: ResourceFilter, entry: Entry): AclBinding => ({ resourceType, resourceName: name ?? '', patternType, ...entry });
const linesOf = (entries: readonly Entry[]): string => entries.map((entry) => `\t${entryText(entry)}`).join('\n');

async function add(cluster: Cluster, planned: readonly PlannedAcls[], { terminal }: ToolEnvironment): Promise<void> {
  for (const { resource, entries: wanted } of planned) {
    const present = new Set((await describeAcls(cluster, filterOf(resource, null))).map((binding) => entryText(binding)));
    for (const entry of wanted) if (present.has(entryText(entry))) await terminal.print(`Acl (pattern=${resourceText(resource)}, entry=${entryText(entry)}) already exists.\n`);
    const entries = wanted.filter((entry) => !present.has(entryText(entry)));
    if (entries.length === 0) continue;
    await terminal.print(`Adding ACLs for resource \`${resourceText(resource)}\`: \n ${linesOf(entries)}\n\n`);
    throwFirst(await createAcls(cluster, entries.map((entry) => bindingOf(resource, entry))));
  }
}

async function remove(cluster: Cluster, planned: readonly PlannedAcls[], options: Options, { terminal }: ToolEnvironment): Promise<void> {
  for (const { resource, entries } of planned) {
    const title = resourceText(resource, true).replace('ResourcePatternFilter', 'ResourcePattern');
    const question = entries.length === 0 ? `Are you sure you want to delete all ACLs for resource filter \`${title}\`? (y/n)` : `Are you sure you want to remove ACLs: \n ${linesOf(entries)}\n from resource filter \`${title}\`? (y/n)`;
    if (!options.has('force') && !(await confirm(terminal, question))) continue;
    throwFirst(await deleteAcls(cluster, entries.length === 0 ? [filterOf(resource, null)] : entries.map((entry) => filterOf(resource, entry))));
  }
}

async function list(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const resources = resourcesOf(options, false);
  const wanted: readonly ResourceFilter[] = resources.length > 0 ? resources : [{ resourceType: 'ANY', name: null, patternType: 'ANY' }];
  const found = (await Promise.all(wanted.map((resource) => describeAcls(cluster, filterOf(resource, null))))).flat();
  const principals = options.values('principal').map(parsePrincipal);
  const shown = principals.length === 0 ? found : found.filter(({ principal }) => principals.includes(principal));
  if (options.has('json')) return printJson(environment, shown);
  if (principals.length === 0) return environment.terminal.print(listText(found));
  for (const principal of principals) await environment.terminal.print(`ACLs for principal \`${principal}\`\n${listText(found.filter((binding) => binding.principal === principal))}`);
}

function listText(bindings: readonly AclBinding[]): string {
  const byResource = groupBy(bindings, ({ resourceType, resourceName, patternType }) => resourceText({ resourceType, name: resourceName, patternType }));
  return [...byResource].sort().map(([resource, list]) => {
    const lines = [...new Set(list.map((entry) => entryText(entry)))].map((line) => `\t${line}`);
    return `Current ACLs for resource \`${resource}\`:\n${lines.join('\n')}\n\n`;
  }).join('');
}
