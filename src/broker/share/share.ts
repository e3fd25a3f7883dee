/** Share groups on this broker: what their handlers work with, put together. */
import type { Clock, Logger } from '../../base/ports.ts';
import type { Uuid } from '../../protocol/types.ts';
import type { PartitionTable } from '../partition/partitions.ts';
import type { Waiting } from '../waiting.ts';
import type { ShareConfig } from './config.ts';
import type { ShareCoordinator } from './coordinator/shareCoordinator.ts';
import { SharePartitions } from './partition/sharePartitions.ts';
import type { SharePersister } from './persister.ts';
import { ShareSessions } from './sessions.ts';
import type { ShareSession } from './sessions.ts';

export interface ShareOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly waiting: Waiting;
  readonly partitions: PartitionTable;
  readonly config: ShareConfig;
  readonly coordinator: ShareCoordinator;
  readonly persister: SharePersister & { close(): void };
}

export class Share {
  readonly config: ShareConfig;
  readonly coordinator: ShareCoordinator;
  readonly persister: SharePersister;
  readonly partitions: SharePartitions;
  readonly sessions: ShareSessions;
  readonly #closePersister: () => void;
  #isClosed = false;

  constructor({ clock, logger, waiting, partitions, config, coordinator, persister }: ShareOptions) {
    this.config = config;
    this.coordinator = coordinator;
    this.persister = persister;
    this.#closePersister = () => persister.close();
    this.partitions = new SharePartitions(partitions, { clock, logger, waiting, config, persister });
    this.sessions = new ShareSessions(() => config.broker.sessionsMax, (session) => this.#onSessionEnd(session));
  }

  /** Nobody acknowledges any more what the member holds. */
  #onSessionEnd({ groupId, memberId, targets }: ShareSession): void {
    for (const { topicId, index } of targets.values()) this.partitions.known(groupId, topicId, index)?.release(memberId, () => undefined);
  }

  /** Whoever reads next asks the share coordinator anew. */
  onOffsetsChanged(groupId: string): void {
    this.partitions.dropGroup(groupId);
  }

  onTopicsDeleted(topicIds: ReadonlySet<Uuid>): void {
    this.partitions.dropTopics(topicIds);
    this.coordinator.onTopicsDeleted(topicIds);
  }

  /** The broker is about to end: all sessions are over, and clients must hear it while they still can. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.partitions.close();
    this.#closePersister();
    this.coordinator.close();
  }
}

/** What the machinery of share fetches needs of the broker. */
export interface ShareServices {
  readonly share: Share;
  readonly waiting: Waiting;
  readonly clock: Clock;
  readonly logger: Logger;
}
