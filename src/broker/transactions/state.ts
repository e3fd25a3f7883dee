import type { CoordinatorMachine, ShardHost, Undo, Write } from '../coordinator.ts';
import { decodeTransactionChange, encodeTransactionChange } from './records.ts';
import type { TransactionChange } from './records.ts';
import { TransactionStatus } from './transaction.ts';
import type { Transaction } from './transaction.ts';

export type TransactionWrite = Write<TransactionChange>;

/** What one partition of `__transaction_state` is about. */
export class TransactionState {
  readonly host: ShardHost<TransactionChange>;
  readonly #transactions = new Map<string, Transaction>();
  /** Ids of those that are ongoing, which may time out. */
  readonly #ongoing = new Set<string>();

  constructor(host: ShardHost<TransactionChange>) {
    this.host = host;
  }

  get(transactionalId: string): Transaction | undefined {
    return this.#transactions.get(transactionalId);
  }

  get size(): number {
    return this.#transactions.size;
  }

  all(): IterableIterator<Transaction> {
    return this.#transactions.values();
  }

  *ongoing(): Generator<Transaction> {
    for (const transactionalId of this.#ongoing) yield this.#transactions.get(transactionalId)!;
  }

  set({ transactionalId, value }: TransactionChange): void {
    if (value === null) this.#transactions.delete(transactionalId);
    else this.#transactions.set(transactionalId, value);
    if (value?.status === TransactionStatus.ongoing) this.#ongoing.add(transactionalId);
    else this.#ongoing.delete(transactionalId);
  }
}

export interface TransactionMachineOptions {
  /** Level of the feature transaction.version. */
  readonly serverVersion: () => number;
  /** Resumes what the log says was under way. */
  readonly onActive: (state: TransactionState) => void;
}

/** Transactional ids as a state under records. */
export function transactionMachine({ serverVersion, onActive }: TransactionMachineOptions): CoordinatorMachine<TransactionState, TransactionChange> {
  return {
    create: (host: ShardHost<TransactionChange>) => new TransactionState(host),
    apply,
    encode: (change, writer) => encodeTransactionChange(change, serverVersion(), writer),
    decode: decodeTransactionChange,
    onActive,
    onInactive: () => {
      // nobody waits inside: whoever asked for something waits for its write
    },
  };
}

function apply(state: TransactionState, change: TransactionChange, undo: Undo | null): void {
  const before = state.get(change.transactionalId) ?? null;
  state.set(change);
  undo?.push(() => state.set({ transactionalId: change.transactionalId, value: before }));
}
