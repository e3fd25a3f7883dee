import type { Random } from '../../base/ports.ts';
import type { ShardHost, Write } from '../coordinator.ts';
import { ClassicGroup } from './classic/group.ts';
import type { GroupTally } from './classic/group.ts';
import { OffsetStore } from './offsets/store.ts';
import type { GroupChange } from './records.ts';
import type { GroupSettings } from './settings.ts';

export type GroupWrite = Write<GroupChange>;

/** What one partition of `__consumer_offsets` is about: groups and their committed offsets. */
export class GroupState {
  readonly host: ShardHost<GroupChange>;
  readonly settings: GroupSettings;
  readonly random: Random;
  readonly groups = new Map<string, ClassicGroup>();
  readonly offsets = new OffsetStore();
  /** So that a flood is seen. */
  readonly tally: GroupTally = { pendingJoins: 0 };

  constructor(host: ShardHost<GroupChange>, settings: GroupSettings, random: Random) {
    this.host = host;
    this.settings = settings;
    this.random = random;
  }

  /** Milliseconds since the epoch, for what is kept. */
  now(): number {
    return this.host.clock.now();
  }

  createGroup(groupId: string): ClassicGroup {
    const group = new ClassicGroup(groupId, this.now(), this.tally);
    this.groups.set(groupId, group);
    return group;
  }

  /** Forgets a group that holds nothing and of which the log knows nothing. */
  dropIfUnused(group: ClassicGroup): void {
    if (!group.isEmpty || group.isPersisted || group.pendingJoins.size > 0 || group.members.size > 0) return;
    if (this.offsets.topicsOf(group.groupId) === undefined && this.groups.get(group.groupId) === group) this.groups.delete(group.groupId);
  }
}
