import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { validateBrokerConfig } from '../../config/brokerConfig.ts';
import type { BrokerConfig } from '../../config/types.ts';
import { readPropertiesFile } from '../../config/properties.ts';
import { formatMetaProperties, FORMAT_VERSION, parseMetaProperties, type MetaProperties } from '../../storage/metaProperties.ts';
import type { FirstScramUser } from '../../node/index.ts';
import { dependenciesText, mappingText } from '../features/versionTexts.ts';
import type { Options, OptionSpec } from '../options.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';
import { initialLevels, metadataName } from './initialLevels.ts';
import { parseScramArgument } from './scramArgument.ts';

const FILE = 'meta.properties';
const UUID_BYTES = 16;
const configOptions: readonly OptionSpec[] = [
  { name: 'config', argument: 'file', description: 'REQUIRED: The configuration file of the broker.' },
  { name: 'c', argument: 'file', description: 'Short for --config.' },
];
const releaseOption: OptionSpec = { name: 'release-version', argument: 'version', description: 'The release, as 4.2.' };
const VOTER_OPTIONS = ['standalone', 's', 'no-initial-controllers', 'N', 'initial-controllers', 'I'] as const;

export const storageTool: Tool = {
  name: 'kafka-storage',
  purpose: 'The Kafka storage tool.',
  options: [],
  commands: {
    format: {
      purpose: 'Format the log directories: say which cluster and which broker they belong to. A broker that starts on empty directories does so itself.',
      options: [
        ...configOptions,
        { name: 'cluster-id', argument: 'id', description: 'REQUIRED: The id of the cluster.' },
        { name: 't', argument: 'id', description: 'Short for --cluster-id.' },
        { name: 'ignore-formatted', description: 'Leave directories alone that are formatted.' },
        { name: 'g', description: 'Short for --ignore-formatted.' },
        { name: 'add-scram', argument: 'credential', isList: true, description: "A user that the cluster begins with, as 'SCRAM-SHA-256=[name=alice,password=secret]'. May be repeated." },
        { name: 'S', argument: 'credential', isList: true, description: 'Short for --add-scram.' },
        { name: 'release-version', argument: 'version', description: 'The release whose feature levels the cluster begins with, as 4.2 (default: the newest).' },
        { name: 'r', argument: 'version', description: 'Short for --release-version.' },
        { name: 'feature', argument: 'name=level', isList: true, description: 'A feature and the level that the cluster begins with. May be repeated.' },
        { name: 'f', argument: 'name=level', isList: true, description: 'Short for --feature.' },
        { name: 'standalone', description: 'Begin with kraft.version 1: the one voter that there is has a directory.' },
        { name: 's', description: 'Short for --standalone.' },
        { name: 'no-initial-controllers', description: 'As --standalone: there is always one voter.' },
        { name: 'N', description: 'Short for --no-initial-controllers.' },
        { name: 'initial-controllers', argument: 'controllers', description: 'As --standalone: there is always one voter.' },
        { name: 'I', argument: 'controllers', description: 'Short for --initial-controllers.' },
      ],
    },
    info: { purpose: 'Get information about the log directories.', options: configOptions },
    'random-uuid': { purpose: 'Print a random UUID.', options: [] },
    'version-mapping': { purpose: 'Look up the feature levels of a release.', options: [releaseOption, { ...releaseOption, name: 'r' }] },
    'feature-dependencies': { purpose: 'Look up what feature levels need.', options: [{ name: 'feature', argument: 'name=level', isList: true, description: 'The feature.' }, { name: 'f', argument: 'name=level', isList: true, description: 'Short for --feature.' }] },
  },
  run,
};

async function run(options: Options, environment: ToolEnvironment, command: string): Promise<number> {
  const { terminal } = environment;
  if (command === 'random-uuid') await terminal.print(`${randomUuid()}\n`);
  else if (command === 'version-mapping') await terminal.print(mappingText(options.value('release-version') ?? options.value('r')));
  else if (command === 'feature-dependencies') await terminal.print(dependenciesText([...options.values('feature'), ...options.values('f')]));
  else return command === 'info' ? info(readConfig(options), environment) : format(readConfig(options), options, environment);
  return 0;
}

/** 16 random bytes in base64url, without a dash at the start, which would look like an option. */
function randomUuid(): string {
  for (;;) {
    const text = randomBytes(UUID_BYTES).toString('base64url');
    if (!text.startsWith('-')) return text;
  }
}

function readConfig(options: Options): BrokerConfig {
  const file = options.value('config') ?? options.value('c');
  if (file === undefined) throw new UsageError('kafka-storage: error: argument --config/-c is required');
  return validateBrokerConfig(readPropertiesFile(file)).config;
}

function readMeta(directory: string): MetaProperties | null {
  const file = path.join(directory, FILE);
  if (!existsSync(file)) return null;
  const meta = parseMetaProperties(readFileSync(file, 'utf8'));
  if (meta === null) throw new ToolError(`${file} is corrupt: it must have version, cluster.id and node.id`);
  return meta;
}

async function format(config: BrokerConfig, options: Options, { terminal }: ToolEnvironment): Promise<number> {
  const { logDirs, nodeId } = config;
  const clusterId = clusterIdOf(options);
  const levels = initialLevels({
    release: options.value('release-version') ?? options.value('r'),
    features: [...options.values('feature'), ...options.values('f')],
    hasVoterDirectories: VOTER_OPTIONS.some((name) => options.has(name)),
    layers: config.layers,
  });
  const users = [...options.values('add-scram'), ...options.values('S')].map(scramUser);
  const fresh = freshDirectories(logDirs, clusterId, options.has('ignore-formatted') || options.has('g'));
  if (fresh.length === 0) await terminal.print('All of the log directories are already formatted.\n');
  for (const directory of fresh) {
    const isOfMetadata = directory === logDirs[0];
    await terminal.print(`Formatting ${isOfMetadata ? 'metadata' : 'data'} directory ${directory} with metadata.version ${metadataName(levels)}.\n`);
    mkdirSync(directory, { recursive: true });
    // Before the directory counts as formatted: both or neither.
    if (isOfMetadata) await (await import('./firstMetadata.ts')).writeFirstMetadata({ config, directory, clusterId, levels, users });
    const temporary = path.join(directory, `${FILE}.tmp`);
    writeFileSync(temporary, formatMetaProperties({ clusterId, nodeId, directoryId: randomUuid(), formatVersion: FORMAT_VERSION }), { flush: true });
    renameSync(temporary, path.join(directory, FILE));
  }
  return 0;
}

function clusterIdOf(options: Options): string {
  const clusterId = options.value('cluster-id') ?? options.value('t');
  if (clusterId === undefined) throw new UsageError('kafka-storage: error: argument --cluster-id/-t is required');
  if (!/^[A-Za-z0-9_-]{22}$/.test(clusterId) || clusterId.startsWith('-')) throw new ToolError(`Cluster ID string ${clusterId} does not appear to be a valid UUID: wanted are the 22 characters that kafka-storage random-uuid prints`);
  return clusterId;
}

/** Nothing of what was given may be shown: it holds a password. */
function scramUser(text: string): FirstScramUser {
  const user = parseScramArgument(text);
  if (user === null) throw new ToolError("--add-scram takes 'SCRAM-SHA-256=[name=alice,password=...]', or SCRAM-SHA-512; iterations may be added");
  return user;
}

function freshDirectories(logDirs: readonly string[], clusterId: string, isIgnoring: boolean): readonly string[] {
  const formatted = logDirs.filter((directory) => readMeta(directory) !== null);
  const other = formatted.map(readMeta).find((meta) => meta !== null && meta.clusterId !== clusterId);
  if (isIgnoring && other !== undefined && other !== null) throw new ToolError(`Found cluster.id ${other.clusterId} in a log directory, but ${clusterId} was given`);
  if (formatted.length > 0 && !isIgnoring) throw new ToolError(`Log directory ${formatted[0]} is already formatted. Use --ignore-formatted to ignore this directory and format the others.`);
  return logDirs.filter((directory) => !formatted.includes(directory));
}

async function info({ logDirs }: BrokerConfig, { terminal }: ToolEnvironment): Promise<number> {
  const isThere = logDirs.map((directory) => ({ directory, meta: existsSync(directory) ? readMeta(directory) : null, exists: existsSync(directory) }));
  const list = (title: string, items: readonly string[]) => (items.length === 0 ? '' : `${title}${items.length > 1 ? 's' : ''}:\n${items.map((item) => `  ${item}\n`).join('')}\n`);
  const found = isThere.filter(({ exists }) => exists);
  const metas = found.flatMap(({ meta }) => (meta === null ? [] : [meta]));
  const problems = [
    ...isThere.filter(({ exists }) => !exists).map(({ directory }) => `${directory} does not exist`),
    ...found.filter(({ meta }) => meta === null).map(({ directory }) => `${directory} is not formatted.`),
    ...(new Set(metas.map(({ clusterId }) => clusterId)).size > 1 ? ['The log directories belong to different clusters.'] : []),
  ];
  const metadata = metas[0];
  const metadataText = metadata === undefined ? '' : `Found metadata: {cluster.id=${metadata.clusterId}, node.id=${metadata.nodeId}, version=1}\n\n`;
  const directories = found.length === 0 ? '' : `Found log director${found.length > 1 ? 'ies' : 'y'}:\n${found.map(({ directory }) => `  ${directory}\n`).join('')}\n`;
  await terminal.print(directories + metadataText + list('Found problem', problems));
  return problems.length === 0 ? 0 : 1;
}
