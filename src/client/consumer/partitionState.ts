/** Where a partition without a position begins; `none` is an error. */
export type StartAt = 'earliest' | 'latest' | 'none';

/** How far one assigned partition is read. */
export class PartitionState {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record to hand out; -1 while it has to be looked up, as `startAt` says. */
  position: number;
  startAt: StartAt;
  /** Where the next fetch begins: ahead of `position` by what is buffered. */
  fetchOffset: number;
  /** No longer assigned: what still arrives for it is dropped. */
  isRevoked = false;

  constructor(topic: string, partition: number, position: number, startAt: StartAt) {
    this.topic = topic;
    this.partition = partition;
    this.position = position;
    this.fetchOffset = position;
    this.startAt = startAt;
  }

  get hasPosition(): boolean {
    return this.position >= 0;
  }

  seek(position: number): void {
    this.position = position;
    this.fetchOffset = position;
  }

  /** Its position is worth nothing: look one up. */
  reset(startAt: StartAt): void {
    this.seek(-1);
    this.startAt = startAt;
  }
}

export const partitionKey = (topic: string, partition: number): string => `${topic}/${partition}`;
