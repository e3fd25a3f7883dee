/** Kafka's consumer settings, as text, into the options of this consumer. */
import { rangeAssignor, roundRobinAssignor, type Assignor } from '../consumer/assignor.ts';
import type { ConsumerOptions } from '../consumer/consumerOptions.ts';
import { cooperativeStickyAssignor, stickyAssignor } from '../consumer/stickyAssignor.ts';
import { ClientError } from '../core/clientError.ts';
import { consumerSettings } from './settingTables.ts';
import { SettingValues, type ClientSettings } from './settingValues.ts';

/** Throws ClientError INVALID_ARGUMENT with Kafka's wording. */
export function consumerOptions(settings: ReadonlyMap<string, string>): ClientSettings<ConsumerOptions> {
  const values = new SettingValues(consumerSettings, settings);
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
    excludeInternalTopics: values.flag('exclude.internal.topics'), checkCrcs: values.flag('check.crcs'), ...group, ...groupProtocol(values, settings),
  };
  return { cluster: values.cluster(values.number('default.api.timeout.ms')), options, warnings: values.warnings() };
}

const ASSIGNORS: Readonly<Record<string, Assignor>> = { RangeAssignor: rangeAssignor, RoundRobinAssignor: roundRobinAssignor, StickyAssignor: stickyAssignor, CooperativeStickyAssignor: cooperativeStickyAssignor };
/** What the coordinator decides in the place of the member. */
const CLASSIC_ONLY = ['partition.assignment.strategy', 'session.timeout.ms', 'heartbeat.interval.ms'];

function groupProtocol(values: SettingValues, settings: ReadonlyMap<string, string>): Pick<ConsumerOptions, 'groupProtocol' | 'assignors' | 'remoteAssignor' | 'rackId'> {
  const rackId = values.text('client.rack');
  const rack = rackId === '' ? {} : { rackId };
  const remoteAssignor = values.text('group.remote.assignor');
  if (values.text('group.protocol').toLowerCase() === 'consumer') {
    const misplaced = CLASSIC_ONLY.find((name) => settings.has(name));
    if (misplaced !== undefined) throw new ClientError('INVALID_ARGUMENT', `${misplaced} cannot be set when group.protocol=CONSUMER`);
    return { groupProtocol: 'consumer', ...rack, ...(remoteAssignor === '' ? {} : { remoteAssignor }) };
  }
  if (remoteAssignor !== '') throw new ClientError('INVALID_ARGUMENT', 'group.remote.assignor cannot be set when group.protocol=CLASSIC');
  return settings.has('partition.assignment.strategy') ? { ...rack, assignors: values.list('partition.assignment.strategy').map(assignorOf) } : rack;
}

function assignorOf(className: string): Assignor {
  const assignor = ASSIGNORS[className.slice(className.lastIndexOf('.') + 1)];
  if (assignor === undefined) throw new ClientError('INVALID_ARGUMENT', `${className} ClassNotFoundException exception occurred`);
  return assignor;
}
