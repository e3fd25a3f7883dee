/** The configuration room: key tables, parsing, validation, resolution and description of settings. */
export { AlterOperation, alterTopicConfigs, type AlterResult, type ConfigAlteration } from './alter.ts';
export { validateBrokerConfig, withDynamicSettings, type ValidatedBrokerConfig } from './brokerConfig.ts';
export { ConfigError } from './configError.ts';
export {
  CONFIG_TYPE_CODES, ConfigSource, describeBrokerConfigs, describeDynamicDefaults, describeTopicConfigs,
  type ConfigSourceCode, type ConfigSynonym, type DescribedConfig,
} from './describe.ts';
export { alterBrokerConfigs, validateDynamicBrokerConfigs } from './dynamicBroker.ts';
export { systemEnvironment, type ConfigEnvironment } from './environment.ts';
export type { ConfigKey, ConfigKeyTable, ConfigRule, ConfigType } from './keys.ts';
export { NO_SETTINGS, staticLayers, type BrokerLayers, type Settings } from './layers.ts';
export { parseOverride, parseProperties, readPropertiesFile } from './properties.ts';
export { brokerTable, clientMetricsTable, groupTable, topicTable } from './tables.ts';
export { defaultTopicConfig, resolveTopicConfig, validateTopicConfigs } from './topicConfig.ts';
export type {
  BatchValidation, BrokerConfig, CompressionTypeName, ConfigEntry, ConfigProblem, ListenerConfig, TimestampTypeName, TopicConfig,
} from './types.ts';
export { allowedText, canonicalText, parseValue, splitList, type ConfigValue, type Parsed } from './values.ts';
