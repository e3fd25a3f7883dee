import { Cluster } from '../client/core/cluster.ts';
import type { ClusterSettings } from '../client/settings/settingValues.ts';
import { packageVersion } from '../base/version.ts';
import type { Options } from './options.ts';
import type { ToolEnvironment } from './tool.ts';
import { toolLogger } from './toolLogger.ts';
import { UsageError } from './toolError.ts';

export function connect(settings: ClusterSettings, { terminal, network, clock, random }: ToolEnvironment): Cluster {
  return new Cluster({ ...settings, network: settings.network ?? network, clock, random, logger: toolLogger(terminal, clock), softwareVersion: packageVersion() });
}

/** `--bootstrap-server`, or `--broker-list` of the older tools. */
export function bootstrapOf(options: Options): string {
  const servers = options.value('bootstrap-server') ?? options.value('broker-list') ?? options.value('b');
  if (servers === undefined) throw new UsageError('Missing required argument "[bootstrap-server]"');
  return servers;
}
