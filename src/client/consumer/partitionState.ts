/** Where a partition without a position begins: `committed`: where the group committed, else by the reset policy; `none` is an error; a number: the first record that is as young, in milliseconds. */
export type StartAt = 'committed' | 'earliest' | 'latest' | 'none' | number;

/** How far one assigned partition is read. */
export class PartitionState {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record to hand out; -1 while it has to be looked up, as `startAt` says. */
  position: number;
  startAt: StartAt;
  /** Where the next fetch begins: ahead of `position` by what is buffered. */
  fetchOffset: number;
  /** What the application is done with: the offset to commit; -1: nothing yet. */
  consumed = -1;
  /** Leader epoch of the last batch handed out, -1 for none. */
  leaderEpoch = -1;
  /** Leader epoch of the last batch fetched, and the newest epoch under which the place in the log was found right; -1 for none. */
  fetchEpoch = -1;
  checkedEpoch = -1;
  isChecking = false;
  /** As last told by the leader, -1 before. */
  highWatermark = -1;
  lastStableOffset = -1;
  logStartOffset = -1;
  /** Another replica that the leader sent us to, until that time of the monotonic clock. */
  preferredReplica = -1;
  preferredUntilMs = 0;
  isPaused = false;
  /** It is being given up: nothing more is handed out, so that what is committed last is what was handed out. */
  isLeaving = false;
  /** No longer assigned: what still arrives for it is dropped. */
  isRevoked = false;
  /** Changes with each seek: what was handed out before is no longer what the application reads. */
  seeks = 0;
  /** Changes with each seek and return: what was fetched before is not handed out any more. */
  round = 0;

  constructor(topic: string, partition: number, position: number, startAt: StartAt) {
    this.topic = topic;
    this.partition = partition;
    this.position = position;
    this.fetchOffset = position;
    this.startAt = startAt;
    this.consumed = position;
  }

  get hasPosition(): boolean {
    return this.position >= 0;
  }

  seek(position: number): void {
    this.position = position;
    this.fetchOffset = position;
    this.consumed = position;
    this.fetchEpoch = -1;
    this.seeks += 1;
    this.round += 1;
  }

  /** Hands out again from `position` on, which was handed out and not consumed. */
  putBack(position: number): void {
    this.position = position;
    this.fetchOffset = position;
    this.round += 1;
  }

  /** Its position is worth nothing: look one up. */
  reset(startAt: StartAt): void {
    this.seek(-1);
    this.startAt = startAt;
  }

  /** Records that are there and were not handed out; -1 while that is not known. */
  lag(isReadCommitted: boolean): number {
    const end = isReadCommitted ? this.lastStableOffset : this.highWatermark;
    return end < 0 || this.position < 0 ? -1 : Math.max(end - this.position, 0);
  }
}

export const partitionKey = (topic: string, partition: number): string => `${topic}/${partition}`;
