import type { Undo } from '../../coordinator.ts';
import { applyConsumer } from '../consumer/apply.ts';
import type { ConsumerChange } from '../consumer/apply.ts';
import type { ModernChange } from '../modernRecords.ts';
import { applyShare } from '../share/apply.ts';
import type { ShareChange } from '../share/apply.ts';
import { applyStreams } from '../streams/apply.ts';
import type { StreamsChange } from '../streams/apply.ts';
import type { GroupState } from '../state.ts';

/** A record of a group whose assignment the broker makes. */
export function applyModern(state: GroupState, change: ModernChange, undo: Undo | null): void {
  if (change.kind.startsWith('consumer')) applyConsumer(state, change as ConsumerChange, undo);
  else if (change.kind.startsWith('share')) applyShare(state, change as ShareChange, undo);
  else applyStreams(state, change as StreamsChange, undo);
}
