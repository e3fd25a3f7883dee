import type { JoinGroupResponse } from '../../../protocol/generated/joinGroup.ts';
import type { SyncGroupResponse } from '../../../protocol/generated/syncGroup.ts';
import { emptyBytes } from '../../../protocol/types.ts';
import type { ShardTimer } from '../../coordinatorTimers.ts';

/** One way of sharing the work that a member knows, with what it says to the leader under that name. */
export interface MemberProtocol {
  readonly name: string;
  /** Owned, never a view of a frame. */
  readonly metadata: Buffer;
}

const PROTOCOL_OVERHEAD_BYTES = 100;

/** Memory that protocols take, about. */
export function protocolBytes(protocols: readonly { readonly name: string; readonly metadata: Uint8Array }[]): number {
  let bytes = 0;
  for (const { name, metadata } of protocols) bytes += PROTOCOL_OVERHEAD_BYTES + name.length + metadata.length;
  return bytes;
}

export type JoinReply = (response: JoinGroupResponse) => void;
export type SyncReply = (response: SyncGroupResponse) => void;

/** What a member says of itself when it joins. */
export interface MemberFields {
  readonly memberId: string;
  /** `group.instance.id` of a static member (KIP-345). */
  readonly instanceId: string | null;
  readonly clientId: string;
  /** As Kafka writes it: a slash, then the address. */
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  /** In the member's order of preference. */
  readonly protocols: readonly MemberProtocol[];
}

export class ClassicMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  protocols: readonly MemberProtocol[];
  assignment: Buffer = emptyBytes;
  /** Set while the member's JoinGroup waits. */
  joinReply: JoinReply | null = null;
  /** Set while the member's SyncGroup waits. */
  syncReply: SyncReply | null = null;
  /** Has not yet been through a whole join: it may expire although its JoinGroup waits. */
  isNew = false;
  session: ShardTimer | null = null;

  constructor(fields: MemberFields) {
    this.memberId = fields.memberId;
    this.instanceId = fields.instanceId;
    this.clientId = fields.clientId;
    this.clientHost = fields.clientHost;
    this.rebalanceTimeoutMs = fields.rebalanceTimeoutMs;
    this.sessionTimeoutMs = fields.sessionTimeoutMs;
    this.protocols = fields.protocols;
  }

  get isStatic(): boolean {
    return this.instanceId !== null;
  }

  /** Whoever waits for the coordinator cannot send heartbeats. */
  get needsNoHeartbeat(): boolean {
    return !this.isNew && (this.joinReply !== null || this.syncReply !== null);
  }

  metadataOf(protocolName: string): Buffer | null {
    return this.protocols.find(({ name }) => name === protocolName)?.metadata ?? null;
  }

  /** Same names with the same bytes in the same order. */
  hasProtocols(protocols: readonly { readonly name: string; readonly metadata: Buffer }[]): boolean {
    if (protocols.length !== this.protocols.length) return false;
    return this.protocols.every(({ name, metadata }, index) => name === protocols[index]!.name && metadata.equals(protocols[index]!.metadata));
  }

  /** Its favourite among `candidates`, or null. */
  vote(candidates: ReadonlySet<string>): string | null {
    return this.protocols.find(({ name }) => candidates.has(name))?.name ?? null;
  }

  answerSync(response: SyncGroupResponse): boolean {
    const reply = this.syncReply;
    if (reply === null) return false;
    this.syncReply = null;
    reply(response);
    return true;
  }
}
