import { describeFeatures, updateFeatures, UpgradeType, type FeatureUpdate } from '../../client/admin/features.ts';
import { ClientError } from '../../client/core/clientError.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { bootstrapOption, commandConfigOption, jsonOption, printJson, withCluster } from '../adminTool.ts';
import { javaException, javaMessage } from '../javaErrors.ts';
import type { Options, OptionSpec } from '../options.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';
import { defaultLevels, levelText, METADATA_VERSION, metadataLevel } from './levels.ts';
import { dependenciesText, mappingText, parseFeature, releaseLevel } from './versionTexts.ts';

const featureOption: OptionSpec = { name: 'feature', argument: 'name=level', isList: true, description: 'A feature and its level, as share.version=1. May be repeated.' };
const releaseOption: OptionSpec = { name: 'release-version', argument: 'version', description: 'The features of this release, as 4.2.' };
const metadataOption: OptionSpec = { name: 'metadata', argument: 'version', description: 'DEPRECATED: The level of metadata.version, as 4.0-IV3.' };
const dryRunOption: OptionSpec = { name: 'dry-run', description: 'Validate the change without doing it.' };
const unsafeOption: OptionSpec = { name: 'unsafe', description: 'Even where metadata gets lost.' };

export const featuresTool: Tool = {
  name: 'kafka-features',
  purpose: 'This tool manages feature flags in Kafka.',
  options: [bootstrapOption, commandConfigOption, jsonOption],
  commands: {
    describe: { purpose: 'Describe one or more feature flags.', options: [{ name: 'node-id', argument: 'id', type: 'integer', description: 'The broker to ask (default: any).' }] },
    upgrade: { purpose: 'Upgrade one or more feature flags.', options: [metadataOption, featureOption, releaseOption, dryRunOption] },
    downgrade: { purpose: 'Downgrade one or more feature flags.', options: [metadataOption, featureOption, releaseOption, unsafeOption, dryRunOption] },
    disable: { purpose: 'Disable one or more feature flags.', options: [{ ...featureOption, argument: 'name' }, unsafeOption, dryRunOption] },
    'version-mapping': { purpose: 'Look up the feature levels of a release.', options: [releaseOption] },
    'feature-dependencies': { purpose: 'Look up what feature levels need.', options: [featureOption] },
  },
  run,
};

async function run(options: Options, environment: ToolEnvironment, command: string): Promise<number> {
  if (command === 'version-mapping') return printed(environment, mappingText(options.value('release-version')));
  if (command === 'feature-dependencies' && !options.has('feature')) throw new UsageError('Command line error: argument --feature is required. Type --help for help.');
  if (command === 'feature-dependencies') return printed(environment, dependenciesText(options.values('feature')));
  if (!options.has('bootstrap-server')) throw new UsageError('Command line error: You must specify either --bootstrap-controller or --bootstrap-server.. Type --help for help.');
  try {
    await withCluster(options, environment, (cluster) => (command === 'describe' ? describe(cluster, options, environment) : update(cluster, command, options, environment)));
  } catch (error) {
    if (error instanceof KafkaError || error instanceof ClientError) throw new ToolError(javaException(error));
    throw error;
  }
  return 0;
}

async function printed({ terminal }: ToolEnvironment, text: string): Promise<number> {
  await terminal.print(text);
  return 0;
}

async function describe(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const { supported, finalized, finalizedEpoch } = await describeFeatures(cluster, options.number('node-id') ?? null);
  const features = [...supported].sort().map(([name, { min, max }]) => ({ name, min, max, finalized: finalized.get(name)?.max ?? 0 }));
  if (options.has('json')) {
    return printJson(environment, { epoch: finalizedEpoch, features: features.map((each) => ({ name: each.name, supportedMin: each.min, supportedMax: each.max, finalizedLevel: each.finalized })) });
  }
  const lines = features.map(({ name, min, max, finalized: level }) => [
    `Feature: ${name}`.padEnd(50), `SupportedMinVersion: ${levelText(name, min)}`.padEnd(37), `SupportedMaxVersion: ${levelText(name, max)}`.padEnd(37), `FinalizedVersionLevel: ${levelText(name, level)}`.padEnd(39),
    `Epoch: ${finalizedEpoch ?? '-'}`,
  ].join(' '));
  await environment.terminal.print(lines.map((line) => `${line}\n`).join(''));
}

async function update(cluster: Cluster, command: string, options: Options, environment: ToolEnvironment): Promise<void> {
  const updates = await updatesOf(command, options, environment);
  if (updates.size === 0) throw new ToolError(`You must specify at least one feature to ${command}`);
  const isDryRun = options.has('dry-run');
  const { features } = await updateFeatures(cluster, updates, isDryRun);
  const sorted = [...features].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [feature, error] of sorted) {
    const level = updates.get(feature)?.level ?? 0;
    const done = command === 'disable' ? 'disabled.' : `${command}d to ${level}.`;
    const wanted = command === 'disable' ? `disable ${feature}` : `${command} ${feature} to ${level}`;
    await environment.terminal.print(error === null ? `${feature} ${isDryRun ? 'can be' : 'was'} ${done}\n` : `${isDryRun ? 'Can not' : 'Could not'} ${wanted}. ${javaMessage(error)}\n`);
  }
  const failed = sorted.filter(([, error]) => error !== null).length;
  if (failed > 0) throw new ToolError(`${failed} out of ${updates.size} operation(s) failed.`);
}

async function updatesOf(command: string, options: Options, { terminal }: ToolEnvironment): Promise<Map<string, FeatureUpdate>> {
  const upgradeType = command === 'upgrade' ? UpgradeType.upgrade : options.has('unsafe') ? UpgradeType.unsafeDowngrade : UpgradeType.safeDowngrade;
  const updates = new Map<string, FeatureUpdate>();
  const add = (feature: string, level: number) => {
    if (updates.has(feature)) throw new ToolError(`Feature ${feature} was specified more than once.`);
    updates.set(feature, { level, upgradeType });
  };
  if (command === 'disable') for (const feature of options.values('feature')) add(feature, 0);
  const release = options.value('release-version');
  if (command === 'disable') return updates;
  if (release !== undefined) {
    if (options.has('metadata') || options.has('feature')) throw new ToolError('Can not specify `release-version` with other feature flags.');
    const level = releaseLevel(release);
    add(METADATA_VERSION, level);
    for (const [feature, value] of defaultLevels(level)) if (command !== 'upgrade' || value > 0) add(feature, value);
    return updates;
  }
  const metadata = options.value('metadata');
  if (metadata !== undefined) {
    await terminal.print(' `metadata` flag is deprecated and may be removed in a future release.\n');
    const level = metadataLevel(metadata);
    if (level === null) throw new ToolError(`Unknown metadata.version ${metadata}`);
    add(METADATA_VERSION, level);
  }
  for (const [feature, level] of options.values('feature').map(parseFeature)) add(feature, level);
  return updates;
}
