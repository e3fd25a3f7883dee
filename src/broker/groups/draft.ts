import type { Undo } from '../coordinator.ts';
import { applyChange } from './apply.ts';
import { modernChange } from './modernRecords.ts';
import type { ModernKind, ModernValues } from './modernRecords.ts';
import type { GroupChange } from './records.ts';
import type { GroupState, GroupWrite } from './state.ts';

/**
 * A decision of several steps, each of which sees what the ones before it changed. All its changes are written in one atomic batch, or, when the
 * decision ends in a refusal, taken back.
 */
export class Draft {
  readonly state: GroupState;
  readonly #changes: GroupChange[] = [];
  readonly #undo: Undo = [];
  readonly #after: (() => void)[] = [];

  constructor(state: GroupState) {
    this.state = state;
  }

  get isEmpty(): boolean {
    return this.#changes.length === 0;
  }

  change(change: GroupChange): void {
    applyChange(this.state, change, this.#undo);
    this.#changes.push(change);
  }

  put<Kind extends ModernKind>(kind: Kind, groupId: string, subject: string, value: ModernValues[Kind] | null): void {
    this.change(modernChange(kind, groupId, subject, value));
  }

  /** What must be undone beside the changes themselves. */
  onUndo(step: () => void): void {
    this.#undo.push(step);
  }

  /** What comes once the changes are on their way. */
  afterwards(step: () => void): void {
    this.#after.push(step);
  }

  /** Hands the changes to the log; `settle` as for every write. */
  finish(settle: (errorCode: number) => void): void {
    const write: GroupWrite = { changes: this.#changes, decided: true, undo: this.#undo, settle };
    this.state.host.write(write);
    for (const step of this.#after) step();
  }

  takeBack(): void {
    for (const step of this.#undo.toReversed()) step();
    this.#undo.length = 0;
    this.#changes.length = 0;
  }
}
