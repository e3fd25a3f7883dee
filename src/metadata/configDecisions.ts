/** What a controller decides about settings of topics and brokers. */
import { ErrorCode } from '../protocol/errors.ts';
import { alterTopicConfigs } from '../config/alter.ts';
import type { AlterResult, ConfigAlteration } from '../config/alter.ts';
import { alterClientMetricsConfigs, clientMetricsProblem } from '../config/clientMetricsConfig.ts';
import { alterBrokerConfigs, validateDynamicBrokerConfigs } from '../config/dynamicBroker.ts';
import { alterGroupConfigs, validateGroupConfigs } from '../config/groupConfig.ts';
import { validateTopicConfigs } from '../config/topicConfig.ts';
import { accepted, refused } from './decisions.ts';
import type { DecisionContext } from './decisions.ts';
import type { MetadataRecord } from './records.ts';
import { sharedMinimumProblem } from './sharedMinimum.ts';
import { topicNameProblem } from './topicNames.ts';
import { ConfigResourceType } from './types.ts';
import type { ChangeOutcome, ConfigChange } from './types.ts';

/** A settings text is bounded by the protocol's strings; this bounds how many a resource may have. */
const SETTINGS_MAX = 10_000;

/** `records` is added to when the change can be made. */
export function decideIncrementalConfigs(
  context: DecisionContext, type: ConfigResourceType, name: string, changes: readonly ConfigChange[], records: MetadataRecord[],
): ChangeOutcome {
  const problem = resourceProblem(context, type, name);
  if (problem !== null) return problem;
  const current = context.image.configsOf(type, name);
  const alterations = changes.map(({ key, value, operation }) => ({ name: key, value, operation }));
  const result = altered(context, type, name, current, alterations);
  if (!result.ok) return refused(ErrorCode[result.error], result.message);
  return replaceConfigs(context, type, name, current, result.settings, records);
}

function altered(
  { layers }: DecisionContext, type: ConfigResourceType, name: string, current: ReadonlyMap<string, string>, alterations: readonly ConfigAlteration[],
): AlterResult {
  if (type === ConfigResourceType.topic) return alterTopicConfigs(current, alterations, layers);
  if (type === ConfigResourceType.clientMetrics) return alterClientMetricsConfigs(current, alterations);
  return type === ConfigResourceType.group ? alterGroupConfigs(current, alterations, layers) : alterBrokerConfigs(current, alterations, name === '', layers);
}

/** Replaces all settings of the resource. */
export function decideConfigs(
  context: DecisionContext, type: ConfigResourceType, name: string, configs: ReadonlyMap<string, string | null>, records: MetadataRecord[],
): ChangeOutcome {
  const problem = resourceProblem(context, type, name);
  if (problem !== null) return problem;
  const empty = [...configs].find(([, value]) => value === null);
  if (empty !== undefined) return refused(ErrorCode.INVALID_REQUEST, `Null value not supported for : ${empty[0]}`);
  const message = configsProblem(context, type, name, configs);
  if (message !== null) return refused(type === ConfigResourceType.broker ? ErrorCode.INVALID_REQUEST : ErrorCode.INVALID_CONFIG, message);
  return replaceConfigs(context, type, name, context.image.configsOf(type, name), configs as ReadonlyMap<string, string>, records);
}

function configsProblem({ layers }: DecisionContext, type: ConfigResourceType, name: string, configs: ReadonlyMap<string, string | null>): string | null {
  if (type === ConfigResourceType.topic) return validateTopicConfigs(configs, layers);
  if (type === ConfigResourceType.clientMetrics) return clientMetricsProblem(configs)?.message ?? null;
  return type === ConfigResourceType.group ? validateGroupConfigs(configs, layers) : validateDynamicBrokerConfigs(configs as ReadonlyMap<string, string>, name === '', layers);
}

function replaceConfigs(
  { image }: DecisionContext, resourceType: ConfigResourceType, resourceName: string, before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>, records: MetadataRecord[],
): ChangeOutcome {
  const problem = resourceType === ConfigResourceType.broker ? sharedMinimumProblem(image, resourceName, before, after) : null;
  if (problem !== null) return problem;
  if (after.size > SETTINGS_MAX) return refused(ErrorCode.INVALID_REQUEST, `A resource may have at most ${SETTINGS_MAX} settings.`);
  for (const [key, value] of after) {
    if (before.get(key) !== value) records.push({ kind: 'config', resourceType, resourceName, key, value });
  }
  for (const key of before.keys()) {
    if (!after.has(key)) records.push({ kind: 'config', resourceType, resourceName, key, value: null });
  }
  return accepted;
}

function resourceProblem(context: DecisionContext, type: ConfigResourceType, name: string): ChangeOutcome | null {
  if (type === ConfigResourceType.topic) {
    const problem = topicNameProblem(name);
    if (problem !== null) return refused(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
    if (!context.image.topicsByName.has(name)) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`);
    return null;
  }
  if (type === ConfigResourceType.group) return name === '' ? refused(ErrorCode.INVALID_REQUEST, 'Default group resources are not allowed.') : null;
  if (type === ConfigResourceType.clientMetrics) return name === '' ? refused(ErrorCode.INVALID_REQUEST, "Subscription name can't be empty") : null;
  if (type !== ConfigResourceType.broker) return refused(ErrorCode.INVALID_REQUEST, `Settings of resource type ${type} cannot be changed on this broker.`);
  if (name === '') return null;
  if (!/^\d+$/.test(name)) return refused(ErrorCode.INVALID_REQUEST, `Unable to parse broker name '${name}' as a base 10 number.`);
  if (!context.image.brokers.has(Number(name))) return refused(ErrorCode.BROKER_ID_NOT_REGISTERED, `No broker with id ${name} found.`);
  return null;
}
