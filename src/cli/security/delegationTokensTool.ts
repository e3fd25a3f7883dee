import { createDelegationToken, describeDelegationTokens, expireDelegationToken, renewDelegationToken, type DelegationToken, type Principal } from '../../client/admin/tokens.ts';
import { ClientError } from '../../client/core/clientError.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { bootstrapOption, commandConfigOption, jsonOption, printJson, withCluster } from '../adminTool.ts';
import { javaException } from '../javaErrors.ts';
import type { Options } from '../options.ts';
import { row } from '../table.ts';
import { required, type Tool, type ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';
import { parsePrincipal } from './aclPlan.ts';

const ACTIONS = ['create', 'renew', 'expire', 'describe'] as const;
const NEEDED: Readonly<Record<(typeof ACTIONS)[number], readonly string[]>> = { create: ['max-life-time-period'], renew: ['hmac', 'renew-time-period'], expire: ['hmac', 'expiry-time-period'], describe: [] };
const WIDTHS = [15, 30, 15, 15, 25, 15, 15, 15];
const period = (name: string, description: string) => ({ name, argument: 'ms', type: 'long', description } as const);

export const delegationTokensTool: Tool = {
  name: 'kafka-delegation-tokens',
  purpose: 'This tool helps to create, renew, expire, or describe delegation tokens.',
  options: [
    bootstrapOption, { ...commandConfigOption, description: 'REQUIRED: A properties file with settings of the client: tokens need an authenticated connection.' },
    { name: 'create', description: 'Create a token.' },
    { name: 'renew', description: 'Renew a token.' },
    { name: 'expire', description: 'Expire a token.' },
    { name: 'describe', description: 'Describe tokens.' },
    { name: 'owner-principal', argument: 'principal', isList: true, description: 'The owner, as User:alice.' },
    { name: 'renewer-principal', argument: 'principal', isList: true, description: 'Who may renew the token, beside the owner.' },
    period('max-life-time-period', 'How long the token can live at most; -1: as the broker says.'),
    period('renew-time-period', 'For how long to renew; -1: as the broker says.'),
    period('expiry-time-period', 'When to expire; -1: at once.'),
    { name: 'hmac', argument: 'hmac', description: 'The secret of the token, in base 64.' },
    jsonOption,
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const actions = ACTIONS.filter((action) => options.has(action));
  const [action] = actions;
  if (action === undefined || actions.length > 1) throw new UsageError('Command must include exactly one action: --create, --renew, --expire or --describe');
  for (const name of ['bootstrap-server', 'command-config', ...NEEDED[action]]) required(options, name);
  try {
    await withCluster(options, environment, (cluster) => act(cluster, action, options, environment));
  } catch (error) {
    if (error instanceof KafkaError || error instanceof ClientError) throw new ToolError(`Error while executing delegation token command : ${javaException(error)}`);
    throw error;
  }
  return 0;
}

async function act(cluster: Cluster, action: (typeof ACTIONS)[number], options: Options, environment: ToolEnvironment): Promise<void> {
  const { terminal } = environment;
  if (action === 'create') return create(cluster, options, environment);
  if (action === 'describe') return describe(cluster, options, environment);
  const hmac = Buffer.from(options.value('hmac') as string, 'base64');
  const isRenewal = action === 'renew';
  const periodMs = options.number(isRenewal ? 'renew-time-period' : 'expiry-time-period') as number;
  await terminal.print(`Calling ${action} token operation with hmac :${options.value('hmac')} , ${isRenewal ? 'renew' : 'expire'}-time-period :${periodMs}\n`);
  const expiresMs = isRenewal ? await renewDelegationToken(cluster, hmac, periodMs) : await expireDelegationToken(cluster, hmac, periodMs);
  await terminal.print(`Completed ${action} operation. New expiry date : ${dateText(expiresMs)}\n`);
}

async function create(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const renewers = options.values('renewer-principal').map(principalOf);
  const lifetimeMaxMs = options.number('max-life-time-period') as number;
  const [owner = null] = options.values('owner-principal').map(principalOf);
  if (!options.has('json')) await environment.terminal.print(`Calling create token operation with renewers :[${renewers.map(principalText).join(', ')}] , max-life-time-period :${lifetimeMaxMs}\n`);
  const token = await createDelegationToken(cluster, { owner, renewers, lifetimeMaxMs });
  if (options.has('json')) return printJson(environment, jsonOf(token));
  await environment.terminal.print(`Created delegation token with tokenId : ${token.tokenId}\n${tableText([token])}`);
}

async function describe(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const owners = options.has('owner-principal') ? options.values('owner-principal').map(principalOf) : null;
  const isJson = options.has('json');
  if (!isJson) await environment.terminal.print(owners === null ? 'Calling describe token operation for current user.\n' : `Calling describe token operation for owners: [${owners.map(principalText).join(', ')}]\n`);
  const tokens = await describeDelegationTokens(cluster, owners);
  if (isJson) return printJson(environment, tokens.map(jsonOf));
  await environment.terminal.print(`Total number of tokens : ${tokens.length}${tableText(tokens)}`);
}

function principalOf(text: string): Principal {
  const [type = '', ...name] = parsePrincipal(text).split(':');
  return { type, name: name.join(':') };
}

const principalText = ({ type, name }: Principal): string => `${type}:${name}`;

/** As Java's `yyyy-MM-dd'T'HH:mm`, in local time. */
function dateText(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

function tableText(tokens: readonly DelegationToken[]): string {
  const rows = tokens.map((token) => [
    token.tokenId, token.hmac.toString('base64'), principalText(token.owner), principalText(token.requester), `[${token.renewers.map(principalText).join(', ')}]`, dateText(token.issuedMs), dateText(token.expiresMs), dateText(token.expiresMaxMs),
  ]);
  return [['TOKENID', 'HMAC', 'OWNER', 'REQUESTER', 'RENEWERS', 'ISSUEDATE', 'EXPIRYDATE', 'MAXDATE'], ...rows].map((cells) => `\n${row(cells, WIDTHS)}\n`).join('');
}

const jsonOf = (token: DelegationToken): unknown => ({ ...token, hmac: token.hmac.toString('base64') });
