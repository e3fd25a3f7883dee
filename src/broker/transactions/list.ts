import { compileLinearPattern, isPatternError } from '../../base/linearPattern.ts';
import type { LinearPattern } from '../../base/linearPattern.ts';
import { STATUS_NAMES, TransactionStatus } from './transaction.ts';
import type { Transaction } from './transaction.ts';

/** What of the transactions is asked for; empty lists, a negative duration and an empty pattern ask for all. */
export interface TransactionFilter {
  readonly stateNames: readonly string[];
  readonly producerIds: readonly number[];
  readonly durationMs: number;
  readonly pattern: string;
}

/** Null: the pattern is none. */
export function compilePattern(pattern: string): LinearPattern | null {
  try {
    // linear in time whatever the pattern is
    return compileLinearPattern(pattern);
  } catch (error) {
    if (isPatternError(error)) return null;
    throw error;
  }
}

export function unknownStates(stateNames: readonly string[]): string[] {
  const known = new Set(Object.values(STATUS_NAMES));
  return stateNames.filter((name) => !known.has(name));
}

export function listTransactions(transactions: Iterable<Transaction>, filter: TransactionFilter, pattern: LinearPattern | null, nowMs: number): Transaction[] {
  const stateNames = new Set(filter.stateNames);
  const producerIds = new Set(filter.producerIds);
  const listed: Transaction[] = [];
  for (const transaction of transactions) {
    if (transaction.status === TransactionStatus.dead) continue;
    if (producerIds.size > 0 && !producerIds.has(transaction.producerId)) continue;
    if (stateNames.size > 0 && !stateNames.has(STATUS_NAMES[transaction.status])) continue;
    if (filter.durationMs >= 0 && nowMs - transaction.startedMs <= filter.durationMs) continue;
    if (pattern !== null && !pattern.matches(transaction.transactionalId)) continue;
    listed.push(transaction);
  }
  return listed;
}
