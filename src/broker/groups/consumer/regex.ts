/** Subscriptions by regular expression: RE2 expressions that the broker matches, in time that grows with their length and no faster. */
import { compileLinearPattern } from '../../../base/linearPattern.ts';
import type { LinearPattern } from '../../../base/linearPattern.ts';
import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import type { TopicAccess } from '../classic/join.ts';
import type { Draft } from '../draft.ts';
import { decideAlone } from '../modern/decide.ts';
import type { GroupState } from '../state.ts';
import { raiseEpoch } from './epoch.ts';
import type { ConsumerGroup } from './group.ts';
import type { ConsumerMember } from './member.ts';

/** Not more often is a group's subscription matched with all topics. */
const REFRESH_INTERVAL_MS_MIN = 10_000;
const FIRST_REFRESH_INTERVAL_MS = 500;
/** A slice of the matching, after which others get a turn. */
const SLICE_MS = 2;
const SLICE_PAUSE_MS = 1;
/** Longer ones take long to compile, and everybody waits. */
const EXPRESSION_LENGTH_MAX = 4_096;
/** Instructions of the compiled form: with a name of 249 letters, a match takes some milliseconds at most. */
const PROGRAM_SIZE_MAX = 2_000;

/** Throws INVALID_REGULAR_EXPRESSION. */
export function compileRegex(expression: string): LinearPattern {
  const refuse = (reason: string): never => {
    throw new KafkaError(ErrorCode.INVALID_REGULAR_EXPRESSION, `SubscribedTopicRegex \`${expression.slice(0, 200)}\` is not a valid regular expression: ${reason}.`);
  };
  if (expression.length > EXPRESSION_LENGTH_MAX) return refuse(`it is longer than ${EXPRESSION_LENGTH_MAX} characters`);
  try {
    const compiled = compileLinearPattern(expression);
    return compiled.programSize() > PROGRAM_SIZE_MAX ? refuse('it is too large once compiled') : compiled;
  } catch (error) {
    if (error instanceof KafkaError) throw error;
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** How the expression of a member that has just been updated differs from before. */
export type RegexChange = 'none' | 'pending' | 'resolved';

/** The member's record is in the draft already. Throws INVALID_REGULAR_EXPRESSION. */
export function updateRegexes(draft: Draft, group: ConsumerGroup, before: ConsumerMember, member: ConsumerMember, access?: TopicAccess): RegexChange {
  let change: RegexChange = 'none';
  if (before.regex !== member.regex) {
    dropUnused(draft, group, before.regex);
    change = 'pending';
    if (member.regex === '' || group.resolved.has(member.regex)) change = 'resolved';
    else if (group.regexes.of(member.regex) === 1) compileRegex(member.regex);
  }
  if (needsRefresh(draft.state, group)) resolveLater(draft, group, access);
  return change;
}

/** Forgets what an expression matched once nobody subscribes by it. */
export function dropUnused(draft: Draft, group: ConsumerGroup, regex: string): void {
  if (regex !== '' && group.regexes.of(regex) === 0 && group.resolved.has(regex)) draft.put('consumerRegex', group.groupId, regex, null);
}

function needsRefresh(state: GroupState, group: ConsumerGroup): boolean {
  if (group.regexes.size === 0 || group.isResolving) return false;
  const nowMs = state.now();
  const soft = group.resolvedSoft;
  // a group that has nothing resolved is served at once, as in Kafka, but cannot keep the broker busy
  if (group.resolved.size === 0) return soft === null || nowMs < soft.timestampMs || nowMs > soft.timestampMs + FIRST_REFRESH_INTERVAL_MS;
  let lastMs = soft?.timestampMs ?? -Infinity;
  let version = soft?.version ?? -1;
  for (const resolved of group.resolved.values()) {
    lastMs = Math.max(lastMs, resolved.timestampMs);
    version = Math.max(version, resolved.version);
  }
  // a clock that was set back holds nobody up
  if (nowMs >= lastMs && nowMs <= lastMs + REFRESH_INTERVAL_MS_MIN) return false;
  return group.regexes.size !== group.resolved.size || version !== state.cluster.version || nowMs > lastMs + state.settings.consumer.regexRefreshMs;
}

/** Matches the group's expressions with all topics that the asking member may describe, in slices; then the group's epoch rises if they match others than before. */
function resolveLater({ state }: Draft, group: ConsumerGroup, access: TopicAccess | undefined): void {
  group.isResolving = true;
  const matching = new Matching(state, [...group.regexes.names()], access);
  const timer = state.host.timers.create(() => {
    if (state.groups.get(group.groupId) !== group) return;
    if (!matching.advance()) return timer.set(SLICE_PAUSE_MS);
    group.isResolving = false;
    group.resolvedSoft = { version: matching.version, timestampMs: matching.startedMs };
    decideAlone(state, `topics by regular expression of ${group.groupId}`, (draft) => takeResolved(draft, group, matching));
  });
  timer.set(SLICE_PAUSE_MS);
}

class Matching {
  readonly matched = new Map<string, Set<string>>();
  readonly version: number;
  readonly startedMs: number;
  readonly #state: GroupState;
  readonly #topics: readonly string[];
  readonly #left: string[];
  #compiled: LinearPattern | null = null;
  #next = 0;

  constructor(state: GroupState, expressions: readonly string[], access: TopicAccess | undefined) {
    this.#state = state;
    const topics = [...state.cluster.topicNames()];
    this.#topics = access === undefined ? topics : topics.filter((topic) => access.mayDescribe(topic));
    this.#left = [...expressions];
    this.version = state.cluster.version;
    this.startedMs = state.now();
  }

  /** One slice; true when all is done. */
  advance(): boolean {
    const { clock } = this.#state.host;
    const untilMs = clock.monotonicMs() + SLICE_MS;
    for (let expression = this.#left.at(-1); expression !== undefined; expression = this.#left.at(-1)) {
      const topics = this.matched.get(expression) ?? new Set<string>();
      this.matched.set(expression, topics);
      this.#compiled ??= compileRegex(expression);
      while (this.#next < this.#topics.length) {
        if (clock.monotonicMs() > untilMs) return false;
        const topic = this.#topics[this.#next++]!;
        if (this.#compiled.matches(topic)) topics.add(topic);
      }
      this.#left.pop();
      this.#compiled = null;
      this.#next = 0;
    }
    return true;
  }
}

function takeResolved(draft: Draft, group: ConsumerGroup, { matched, version, startedMs }: Matching): void {
  let hasNews = false;
  for (const [regex, topics] of matched) {
    if (group.regexes.of(regex) === 0) continue;
    const before = group.resolved.get(regex)?.topics;
    if (before !== undefined && before.size === topics.size && [...topics].every((topic) => before.has(topic))) continue;
    // an expression that matches nothing has nothing to assign
    hasNews ||= before !== undefined || topics.size > 0;
    draft.put('consumerRegex', group.groupId, regex, { topics: [...topics].toSorted(), version, timestamp: startedMs });
  }
  if (!draft.isEmpty) raiseEpoch(draft, group, hasNews);
}
