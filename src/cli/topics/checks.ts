import type { Options } from '../options.ts';
import { UsageError } from '../toolError.ts';
import { ACTIONS, PARTITION_REPORTS, type Action } from './options.ts';

/** Options that make sense with some actions only. */
const ALLOWED_ACTIONS: Readonly<Record<string, readonly Action[]>> = {
  config: ['alter', 'create'],
  partitions: ['alter', 'create'],
  'replication-factor': ['create'],
  'replica-assignment': ['alter', 'create'],
  'under-replicated-partitions': ['describe'],
  'under-min-isr-partitions': ['describe'],
  'at-min-isr-partitions': ['describe'],
  'unavailable-partitions': ['describe'],
  'topics-with-overrides': ['describe'],
  'if-exists': ['alter', 'delete', 'describe'],
  'if-not-exists': ['create'],
  'exclude-internal': ['list', 'describe'],
};
const ALTER_CONFIG_ADVICE = '(To alter topic configurations, the kafka-configs tool can be used.)';

/** What is asked for. Throws UsageError for options that do not go together. */
export function chooseAction(options: Options): Action {
  const actions = ACTIONS.filter((action) => options.has(action));
  const [action] = actions;
  if (action === undefined || actions.length > 1) throw new UsageError('Command must include exactly one action: --list, --describe, --create, --alter or --delete');
  if (!options.has('bootstrap-server') && !options.has('broker-list')) throw new UsageError('--bootstrap-server must be specified');
  checkRequired(options, action);
  for (const [name, allowed] of Object.entries(ALLOWED_ACTIONS)) if (!allowed.includes(action)) exclude(options, name, [action]);
  if (action === 'create') exclude(options, 'replica-assignment', ['partitions', 'replication-factor']);
  const reports = PARTITION_REPORTS.filter((name) => options.has(name));
  exclude(options, 'topics-with-overrides', reports);
  return action;
}

function checkRequired(options: Options, action: Action): void {
  const hasTopic = options.has('topic');
  if (action === 'describe' && options.has('if-exists') && !hasTopic && !options.has('topic-id')) throw new UsageError('--topic or --topic-id is required to describe a topic');
  if (action !== 'list' && action !== 'describe' && !hasTopic) throw new UsageError('Missing required argument "[topic]"');
  if (action !== 'alter') return;
  if (options.has('config')) throw new UsageError(`Option combination "[[bootstrap-server], [config]]" can't be used with option "[alter]" ${ALTER_CONFIG_ADVICE}`);
  if (!options.has('partitions')) throw new UsageError('Missing required argument "[partitions]"');
}

function exclude(options: Options, name: string, others: readonly string[]): void {
  if (!options.has(name)) return;
  for (const other of others) if (options.has(other)) throw new UsageError(`Option "[${name}]" can't be used with option "[${other}]"`);
}
