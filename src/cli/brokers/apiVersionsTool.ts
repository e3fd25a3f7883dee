import { describeCluster, type ClusterNode } from '../../client/admin/clusterInfo.ts';
import { describeApiVersions } from '../../client/admin/features.ts';
import type { Outcome } from '../../client/admin/outcome.ts';
import { apis } from '../../protocol/generated/apis.ts';
import type { ApiVersion } from '../../protocol/generated/apiVersions.ts';
import { bootstrapOption, commandConfigOption, jsonOption, printJson, withCluster } from '../adminTool.ts';
import { javaException } from '../javaErrors.ts';
import type { Options } from '../options.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';

/** Names by which Kafka's tool prints APIs that the schemas call otherwise. */
const OTHER_NAMES: Readonly<Record<string, string>> = { ListClientMetricsResources: 'ListConfigResources' };

export const apiVersionsTool: Tool = {
  name: 'kafka-broker-api-versions',
  purpose: 'This tool helps to retrieve broker version information.',
  options: [bootstrapOption, commandConfigOption, jsonOption],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  await withCluster(options, environment, async (cluster) => {
    const { nodes } = await describeCluster(cluster);
    const versions = await describeApiVersions(cluster, nodes.map(({ id }) => id));
    if (options.has('json')) return printJson(environment, nodes.map((node) => jsonOf(node, versions.get(node.id))));
    for (const node of nodes) await environment.terminal.print(textOf(node, versions.get(node.id)));
  });
  return 0;
}

const known = apis.filter((spec) => spec !== undefined && !spec.controllerOnly);
const nameOf = (key: number): string => {
  const name = known.find((spec) => spec.key === key)?.name ?? `UNKNOWN(${key})`;
  return OTHER_NAMES[name] ?? name;
};

function textOf({ host, port, id, rack }: ClusterNode, outcome: Outcome<readonly ApiVersion[]> | undefined): string {
  const title = `${host}:${port} (id: ${id} rack: ${rack ?? 'null'} isFenced: false)`;
  if (outcome?.error !== undefined) return `${title} -> ERROR: ${javaException(outcome.error)}\n`;
  const offered = new Map((outcome?.value ?? []).map((version) => [version.apiKey, version]));
  const keys = [...new Set([...known.filter(({ max }) => max >= 0).map(({ key }) => key), ...offered.keys()])].sort((a, b) => a - b);
  return `${title} -> (\n${keys.map((key) => `\t${nameOf(key)}(${key}): ${rangeOf(key, offered.get(key))}`).join(',\n')}\n)\n`;
}

/** What the broker offers, and the newest of it that this client has codecs for. */
function rangeOf(key: number, version: ApiVersion | undefined): string {
  if (version === undefined) return 'UNSUPPORTED';
  const range = version.minVersion === version.maxVersion ? String(version.minVersion) : `${version.minVersion} to ${version.maxVersion}`;
  return `${range} [usable: ${usableOf(key, version) ?? 'NONE'}]`;
}

function usableOf(key: number, { minVersion, maxVersion }: ApiVersion): number | null {
  const spec = known.find((candidate) => candidate.key === key);
  const usable = Math.min(maxVersion, spec?.codecMax ?? -1);
  return usable < minVersion ? null : usable;
}

const jsonOf = ({ id, host, port, rack }: ClusterNode, outcome: Outcome<readonly ApiVersion[]> | undefined): unknown => ({
  id, host, port, rack, error: outcome?.error === undefined ? null : javaException(outcome.error),
  apis: (outcome?.value ?? []).map((version) => ({ key: version.apiKey, name: nameOf(version.apiKey), min: version.minVersion, max: version.maxVersion, usable: usableOf(version.apiKey, version) })),
});

