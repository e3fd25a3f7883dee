/** Settings of a broker's loggers (KIP-412): how much is logged, until the process ends. There is one logger, `root`. */
import { LOG_LEVEL_NAMES, type LogLevelName } from '../../base/logThreshold.ts';
import { ConfigSource, type DescribedConfig } from '../../config/describe.ts';
import { ConfigOperation } from '../../metadata/types.ts';
import type { ChangeOutcome } from '../../metadata/types.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { AlterableConfig, AlterConfigsResource } from '../../protocol/generated/incrementalAlterConfigs.ts';
import type { BrokerServices } from '../services.ts';
import { brokerNameProblem, duplicateProblem, invalidRequest } from './configResults.ts';
import type { ResourceRefusal } from './configResults.ts';

const ROOT = 'root';
const UNKNOWN_TYPE = 0;

const loggerNameProblem = (name: string, nodeId: number): ResourceRefusal | null => (name === '' ? invalidRequest('Broker id must not be empty') : brokerNameProblem(name, nodeId));

export function describeLoggers(name: string, keys: readonly string[] | null, { nodeId, logThreshold }: BrokerServices): DescribedConfig[] | ResourceRefusal {
  const problem = loggerNameProblem(name, nodeId);
  if (problem !== null) return problem;
  if (keys !== null && !keys.includes(ROOT)) return [];
  return [{ name: ROOT, value: logThreshold.level, source: ConfigSource.brokerLogger, readOnly: false, isSensitive: false, typeCode: UNKNOWN_TYPE, documentation: '', synonyms: [] }];
}

/** All changes or none. */
export function alterLoggers({ resourceName, configs: changes }: AlterConfigsResource, validateOnly: boolean, { nodeId, logThreshold, logger }: BrokerServices): ChangeOutcome {
  const problem = duplicateProblem(changes.map(({ name }) => name)) ?? loggerNameProblem(resourceName, nodeId) ?? changes.map(changeProblem).find((found) => found !== null) ?? null;
  if (problem !== null) return problem;
  if (!validateOnly) {
    for (const { value } of changes) logThreshold.level = value as LogLevelName;
    if (changes.length > 0) logger.info('the log level was changed', { logLevel: logThreshold.level });
  }
  return { code: ErrorCode.NONE, message: null };
}

const NOT_IN_A_LIST: ReadonlyMap<number, string> = new Map([[ConfigOperation.append, 'APPEND'], [ConfigOperation.subtract, 'SUBTRACT']]);

function changeProblem({ name, configOperation: operation, value }: AlterableConfig): ResourceRefusal | null {
  const verb = NOT_IN_A_LIST.get(operation);
  if (verb !== undefined) return invalidRequest(`${verb} operation is not allowed for the BROKER_LOGGER resource`);
  if (operation !== ConfigOperation.set && operation !== ConfigOperation.delete) return invalidRequest(`Unknown operation type ${operation} is not allowed for the BROKER_LOGGER resource`);
  if (name !== ROOT) return { code: ErrorCode.INVALID_CONFIG, message: `Logger ${name} does not exist!` };
  if (operation === ConfigOperation.delete) return invalidRequest('Removing the log level of the root logger is not allowed');
  if (LOG_LEVEL_NAMES.some((level) => level === value)) return null;
  return { code: ErrorCode.INVALID_CONFIG, message: `Cannot set the log level of ${name} to ${value} as it is not a supported log level. Valid log levels are ${[...LOG_LEVEL_NAMES].sort().join(', ')}` };
}
