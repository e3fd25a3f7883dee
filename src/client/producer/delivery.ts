/** Where the fate of records is told. One sink may stand for one record or for many. */
export interface DeliverySink {
  /**
   * `count` records in a row were delivered at `offset` and after (-1: not known), or failed where `error` is not null.
   * `index` is the place of the first one among those that were given to this sink.
   */
  settle(error: Error | null, topic: string, partition: number, offset: number, index: number, count: number): void;
}

/** Records of a batch that belong to one sink. */
export interface SinkRange {
  readonly sink: DeliverySink;
  /** Place of the first one in the batch. */
  readonly first: number;
  /** Place of the first one among those of the sink. */
  readonly index: number;
  count: number;
}

/** Notes that the record at `place` belongs to `sink`; neighbours of one sink share a range. */
export function noteSink(ranges: SinkRange[], place: number, sink: DeliverySink, index: number): void {
  const last = ranges[ranges.length - 1];
  if (last !== undefined && last.sink === sink && last.first + last.count === place && last.index + last.count === index) last.count += 1;
  else ranges.push({ sink, first: place, index, count: 1 });
}

/** The ranges of `from` up to `to`, counted from there. */
export function cutRanges(ranges: readonly SinkRange[], from: number, to: number): SinkRange[] {
  const cut: SinkRange[] = [];
  for (const { sink, first, index, count } of ranges) {
    const start = Math.max(first, from);
    const end = Math.min(first + count, to);
    if (start < end) cut.push({ sink, first: start - from, index: index + start - first, count: end - start });
  }
  return cut;
}

export function settleRanges(ranges: readonly SinkRange[], error: Error | null, topic: string, partition: number, baseOffset: number): void {
  for (const { sink, first, index, count } of ranges) sink.settle(error, topic, partition, error === null && baseOffset >= 0 ? baseOffset + first : -1, index, count);
}
