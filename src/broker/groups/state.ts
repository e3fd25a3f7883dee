import type { Random } from '../../base/ports.ts';
import type { ShardHost, Write } from '../coordinator.ts';
import { ClassicGroup } from './classic/group.ts';
import type { ClusterView } from './cluster.ts';
import type { GroupTally } from './classic/group.ts';
import type { Group } from './group.ts';
import { PendingOffsets } from './offsets/pending.ts';
import { OffsetStore } from './offsets/store.ts';
import type { GroupChange } from './records.ts';
import type { GroupSettings } from './settings.ts';

/** What all shards work with. */
export interface GroupContext {
  readonly settings: () => GroupSettings;
  readonly random: Random;
  readonly cluster: ClusterView;
}

export type GroupWrite = Write<GroupChange>;

/** What one partition of `__consumer_offsets` is about: groups and their committed offsets. */
export class GroupState {
  readonly host: ShardHost<GroupChange>;
  readonly #settings: () => GroupSettings;
  readonly random: Random;
  readonly cluster: ClusterView;
  readonly groups = new Map<string, Group>();
  readonly offsets = new OffsetStore();
  /** Committed in transactions that are open. */
  readonly pending = new PendingOffsets();
  /** So that a flood is seen. */
  readonly tally: GroupTally = { pendingJoins: 0 };
  /** At least what members' protocols take in memory; counted anew only when it seems too much. */
  #protocolBytesAtMost = 0;

  constructor(host: ShardHost<GroupChange>, { settings, random, cluster }: GroupContext) {
    this.host = host;
    this.#settings = settings;
    this.random = random;
    this.cluster = cluster;
  }

  /** As they are now. */
  get settings(): GroupSettings {
    return this.#settings();
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

  /** The group when it is a classic one. */
  classicGroup(groupId: string): ClassicGroup | undefined {
    const group = this.groups.get(groupId);
    return group instanceof ClassicGroup ? group : undefined;
  }

  *classicGroups(): Generator<ClassicGroup> {
    for (const group of this.groups.values()) if (group instanceof ClassicGroup) yield group;
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
    for (const group of this.groups.values()) bytes += group.heldBytes?.() ?? 0;
    return bytes;
  }

  /** Forgets a group that holds nothing and of which the log knows nothing. */
  dropIfUnused(group: Group): void {
    if (!group.mayEnd || group.isPersisted || this.pending.hasGroup(group.groupId)) return;
    if (this.offsets.topicsOf(group.groupId) === undefined && this.groups.get(group.groupId) === group) this.groups.delete(group.groupId);
  }
}
