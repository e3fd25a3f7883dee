import type { Random } from '../../base/ports.ts';
import type { ShardHost, Write } from '../coordinator.ts';
import { ClassicGroup } from './classic/group.ts';
import { protocolBytes } from './classic/member.ts';
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
  /** At least what members' protocols take in memory; counted anew only when it seems too much. */
  #protocolBytesAtMost = 0;

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

  /** Whether members may say so much more of themselves: it is kept as long as they are. */
  takeProtocolBytes(moreBytes: number): boolean {
    if (this.#protocolBytesAtMost + moreBytes > this.settings.protocolBytesMax) this.#protocolBytesAtMost = this.#countProtocolBytes();
    if (this.#protocolBytesAtMost + moreBytes > this.settings.protocolBytesMax) return false;
    this.#protocolBytesAtMost += moreBytes;
    return true;
  }

  #countProtocolBytes(): number {
    let bytes = 0;
    for (const group of this.groups.values()) for (const member of group.members.values()) bytes += protocolBytes(member.protocols);
    return bytes;
  }

  /** Forgets a group that holds nothing and of which the log knows nothing. */
  dropIfUnused(group: ClassicGroup): void {
    if (!group.isEmpty || group.isPersisted || group.pendingJoins.size > 0 || group.members.size > 0) return;
    if (this.offsets.topicsOf(group.groupId) === undefined && this.groups.get(group.groupId) === group) this.groups.delete(group.groupId);
  }
}
