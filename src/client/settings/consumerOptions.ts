/** Kafka's consumer settings, as text, into the options of this consumer. */
import type { ConsumerOptions } from '../consumer/consumerOptions.ts';
import { ClientError } from '../core/clientError.ts';
import { consumerSettings } from './settingTables.ts';
import { SettingValues, type ClientSettings } from './settingValues.ts';

/** Throws ClientError INVALID_ARGUMENT with Kafka's wording. */
export function consumerOptions(settings: ReadonlyMap<string, string>): ClientSettings<ConsumerOptions> {
  const values = new SettingValues(consumerSettings, settings);
  if (values.text('group.protocol').toLowerCase() !== 'classic') throw new ClientError('INVALID_ARGUMENT', 'group.protocol=consumer is not supported by this client yet: leave it out, or set classic');
  const groupId = settings.get('group.id');
  const instanceId = settings.get('group.instance.id');
  const group = groupId === undefined ? {} : { group: {
    groupId, sessionTimeoutMs: values.number('session.timeout.ms'), heartbeatIntervalMs: values.number('heartbeat.interval.ms'),
    maxPollIntervalMs: values.number('max.poll.interval.ms'), ...(instanceId === undefined ? {} : { instanceId }),
  } };
  const options: ConsumerOptions = {
    fetchMinBytes: values.number('fetch.min.bytes'), fetchWaitMsMax: values.number('fetch.max.wait.ms'), fetchMaxBytes: values.number('fetch.max.bytes'),
    maxPartitionFetchBytes: values.number('max.partition.fetch.bytes'), isolationLevel: values.text('isolation.level') as ConsumerOptions['isolationLevel'],
    autoOffsetReset: values.text('auto.offset.reset') as ConsumerOptions['autoOffsetReset'], enableAutoCommit: values.flag('enable.auto.commit'),
    autoCommitIntervalMs: values.number('auto.commit.interval.ms'), allowAutoCreateTopics: values.flag('allow.auto.create.topics'),
    excludeInternalTopics: values.flag('exclude.internal.topics'), checkCrcs: values.flag('check.crcs'), ...group,
  };
  return { cluster: values.cluster(values.number('default.api.timeout.ms')), options, warnings: values.warnings() };
}
