import type { Undo } from '../../coordinator.ts';
import type { ModernChange } from '../modernRecords.ts';
import type { GroupState } from '../state.ts';

/** A record of a group whose assignment the broker makes. */
export function applyModern(_state: GroupState, _change: ModernChange, _undo: Undo | null): void {
  // each kind of group adds its own
}
