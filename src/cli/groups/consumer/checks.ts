import type { Options } from '../../options.ts';
import type { Terminal } from '../../terminal.ts';
import { UsageError } from '../../toolError.ts';
import { checkScenario } from '../reset.ts';
import { ACTIONS, type Action } from './options.ts';

const NO_ACTION_WARNING = 'WARN: No action will be performed as the --execute option is missing. In version 5.0, this command will require either --dry-run or --execute to be specified. You should add the --dry-run option explicitly if you are scripting this command and want to keep the current default behavior without prompting.';
const VIEWS = ['members', 'offsets', 'state'] as const;

/** What is asked for. Throws UsageError for options that do not go together. */
export function chooseAction(options: Options, terminal: Terminal): Action {
  const actions = ACTIONS.filter((name) => options.has(name));
  const [action] = actions;
  if (action === undefined || actions.length > 1) throw new UsageError(`Command must include exactly one action: ${ACTIONS.map((name) => `--${name}`).join(', ')}`);
  if (action !== 'validate-regex' && !options.has('bootstrap-server')) throw new UsageError('Missing required argument "[bootstrap-server]"');
  if (action === 'reset-offsets') checkReset(options, terminal);
  if (action === 'describe') checkDescribe(options);
  if (action === 'delete') checkDelete(options);
  if (action === 'delete-offsets' && !(options.has('group') && options.has('topic'))) throw new UsageError('Option [delete-offsets] takes the following options: [topic], [group]');
  if (options.has('all-groups')) exclude(options, 'group', ['all-groups']);
  exclude(options, 'group', ['list']);
  exclude(options, 'topic', ['list', 'describe', 'delete']);
  if (action !== 'describe') for (const view of ['members', 'offsets', 'verbose']) if (options.has(view)) throw new UsageError(`Option(s) [${view}] are unavailable given other options on the command line`);
  return action;
}

function checkDescribe(options: Options): void {
  needsGroup(options, 'describe');
  if (VIEWS.filter((view) => options.has(view)).length > 1) throw new UsageError('Option [describe] takes at most one of these options: [members], [offsets], [state]');
  if ((options.value('state') ?? '') !== '') throw new UsageError('Option [describe] does not take a value for [state]');
}

function checkDelete(options: Options): void {
  needsGroup(options, 'delete');
  if (options.has('topic')) throw new UsageError('The consumer does not support topic-specific offset deletion from a consumer group.');
}

function checkReset(options: Options, terminal: Terminal): void {
  if (options.has('dry-run') && options.has('execute')) throw new UsageError('Option [reset-offsets] only accepts one of [execute] and [dry-run]');
  if (!options.has('dry-run') && !options.has('execute')) terminal.complain(NO_ACTION_WARNING);
  needsGroup(options, 'reset-offsets');
  checkScenario(options);
  const needsScope = !options.has('from-file') && !options.has('all-topics') && !options.has('topic');
  if (needsScope) throw new UsageError('One of the reset scopes should be defined: --all-topics, --topic.');
}

function needsGroup(options: Options, action: string): void {
  if (!options.has('group') && !options.has('all-groups')) throw new UsageError(`Option [${action}] takes one of these options: [group], [all-groups]`);
}

function exclude(options: Options, name: string, others: readonly string[]): void {
  if (!options.has(name)) return;
  for (const other of others) if (options.has(other)) throw new UsageError(`Option "[${name}]" can't be used with option "[${other}]"`);
}

