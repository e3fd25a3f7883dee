import type { PartitionToRead } from '../../client/consumer/consumer.ts';
import type { ConsumerOptions } from '../../client/consumer/consumerOptions.ts';
import { consumerOptions } from '../../client/settings/consumerOptions.ts';
import type { ClientSettings } from '../../client/settings/settingValues.ts';
import { bootstrapOf } from '../connect.ts';
import type { Options } from '../options.ts';
import { parseKeyValues, readSettings, refuseBoth } from '../settings.ts';
import { ToolError, UsageError } from '../toolError.ts';
import { wholeMatch } from '../topicFilter.ts';
import { formatterOf, unknownFormatterProperties, type Formatter } from './formatter.ts';

/** What the command line asks for. */
export interface ConsumeRequest {
  readonly source: { readonly partition: PartitionToRead } | { readonly topics: readonly string[] } | { readonly matches: (topic: string) => boolean };
  readonly client: ClientSettings<ConsumerOptions>;
  readonly format: Formatter;
  readonly messagesMax: number;
  readonly timeoutMs: number;
  readonly skipsErrors: boolean;
  readonly warnings: readonly string[];
}

/** Throws UsageError, ToolError, ClientError. */
export function requestOf(options: Options): ConsumeRequest {
  const source = sourceOf(options);
  const settings = settingsOf(options);
  const properties = formatterPropertiesOf(options);
  const client = consumerOptions(settings);
  const messagesMax = options.number('max-messages') ?? -1;
  const timeoutMs = options.number('timeout-ms') ?? -1;
  return {
    source, client, format: formatterOf(options.value('formatter') as string, properties), skipsErrors: options.has('skip-message-on-error'),
    messagesMax: messagesMax < 0 ? Infinity : messagesMax, timeoutMs: timeoutMs < 0 ? Infinity : timeoutMs,
    warnings: [...client.warnings, ...unknownFormatterProperties(properties)],
  };
}

function sourceOf(options: Options): ConsumeRequest['source'] {
  const topic = options.value('topic');
  const include = options.value('include');
  if ((topic === undefined) === (include === undefined)) throw new UsageError('Exactly one of the following arguments is required: [topic], [include]');
  const partition = options.number('partition');
  if (partition === undefined) {
    if (options.has('offset')) throw new UsageError('The partition is required when offset is specified.');
    return include === undefined ? { topics: [topic as string] } : { matches: wholeMatch(include) };
  }
  if (topic === undefined) throw new UsageError('The topic is required when partition is specified.');
  if (options.has('from-beginning') && options.has('offset')) throw new UsageError('Options from-beginning and offset cannot be specified together.');
  return { partition: { topic, partition, start: startOf(options) } };
}

function startOf(options: Options): number | 'earliest' | 'latest' {
  const text = options.value('offset')?.toLowerCase() ?? (options.has('from-beginning') ? 'earliest' : 'latest');
  if (text === 'earliest' || text === 'latest') return text;
  const offset = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(offset)) return offset;
  throw new UsageError(`The provided offset value '${options.value('offset')}' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.`);
}

function settingsOf(options: Options): Map<string, string> {
  refuseBoth(options, 'command-property', 'consumer-property');
  refuseBoth(options, 'command-config', 'consumer.config');
  const settings = readSettings(options.value('command-config') ?? options.value('consumer.config'));
  const given = parseKeyValues([...options.values('consumer-property'), ...options.values('command-property')]);
  const groups = new Set([options.value('group'), settings.get('group.id'), given.get('group.id')].filter((group) => group !== undefined));
  for (const [name, value] of given) settings.set(name, value);
  chooseGroup(options, settings, [...groups]);
  chooseReset(options, settings);
  settings.set('bootstrap.servers', bootstrapOf(options));
  if (!settings.has('client.id')) settings.set('client.id', 'console-consumer');
  if (options.has('isolation-level') || !settings.has('isolation.level')) settings.set('isolation.level', options.value('isolation-level') as string);
  return settings;
}

function chooseGroup(options: Options, settings: Map<string, string>, groups: readonly string[]): void {
  if (groups.length > 1) {
    throw new UsageError(`The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer.config') do not match. Detected group ids: ${groups.map((group) => `'${group}'`).join(', ')}`);
  }
  const [group] = groups;
  if (group === undefined) return;
  if (options.has('partition')) throw new UsageError('Options group and partition cannot be specified together.');
  settings.set('group.id', group);
}

function chooseReset(options: Options, settings: Map<string, string>): void {
  const isFromBeginning = options.has('from-beginning');
  const chosen = settings.get('auto.offset.reset');
  if (chosen === undefined) settings.set('auto.offset.reset', isFromBeginning ? 'earliest' : 'latest');
  else if (isFromBeginning && chosen !== 'earliest') throw new ToolError(`Can't simultaneously specify --from-beginning and 'auto.offset.reset=${chosen}', please remove one option`);
}

/** Properties of the formatter, from a file, from options of their own, and one by one. */
export function formatterPropertiesOf(options: Options): Map<string, string> {
  refuseBoth(options, 'formatter-property', 'property');
  const properties = readSettings(options.value('formatter-config'));
  const keyDeserializer = options.value('key-deserializer');
  const valueDeserializer = options.value('value-deserializer');
  if (keyDeserializer !== undefined && keyDeserializer !== '') properties.set('key.deserializer', keyDeserializer);
  if (valueDeserializer !== undefined && valueDeserializer !== '') properties.set('value.deserializer', valueDeserializer);
  for (const [name, value] of parseKeyValues([...options.values('property'), ...options.values('formatter-property')])) properties.set(name, value);
  return properties;
}
