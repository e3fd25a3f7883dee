import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Log, LogError, ReadResult } from '../../src/storage/index.ts';
import { append, batchOf, startStore, topicConfig, TOPIC_ID } from './support/store.ts';

const config = topicConfig({ segmentBytes: 900, indexIntervalBytes: 150 });

interface Written {
  readonly first: number;
  readonly last: number;
  readonly bytes: Buffer;
}

/** Fills a log; what was written comes back as the disk has it, read one batch at a time. */
async function fill(log: Log, sizes: readonly (readonly [records: number, size: number])[]): Promise<Written[]> {
  const written: Written[] = [];
  for (const [records, size] of sizes) {
    const { firstOffset, lastOffset } = await append(log, batchOf(Array.from({ length: records }, () => 'x'.repeat(size))));
    const result = log.read(firstOffset, 1, log.logEndOffset, true);
    written.push({ first: firstOffset, last: lastOffset, bytes: Buffer.from(result.bytes) });
    result.release();
  }
  return written;
}

const sizes = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 150 })), { minLength: 1, maxLength: 30 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

function warm(log: Log, offset: number, maxBytes: number, maxOffset: number, atLeastOneBatch: boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    log.readWarm(offset, maxBytes, maxOffset, atLeastOneBatch, (error, result) => {
      if (error !== null) return reject(error);
      const copy = Buffer.from((result as ReadResult).bytes);
      result?.release();
      resolve(copy);
    });
  });
}

describe('a read', () => {
  it('gives whole batches from the one that holds the offset, below the bound, within the size', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.array(fc.tuple(share, share, fc.integer({ min: 0, max: 1500 }), fc.boolean()), { maxLength: 30 }), async (batches, reads) => {
        const { store } = await startStore();
        const log = await store.open('t', 0, TOPIC_ID, config);
        const written = await fill(log, batches);
        const end = log.logEndOffset;
        for (const [from, to, maxBytes, atLeastOneBatch] of reads) {
          const offset = Math.floor(from * end);
          const maxOffset = Math.floor(to * (end + 1));
          const result = log.read(offset, maxBytes, maxOffset, atLeastOneBatch);
          const bytes = Buffer.from(result.bytes);
          expect(result.intact).toBe(true);
          result.release();
          const readable = written.filter((batch) => batch.last >= offset && batch.last < maxOffset);
          const fits = readable[0] !== undefined && offset < maxOffset && (atLeastOneBatch || readable[0].bytes.length <= maxBytes);
          expect(bytes.length > 0).toBe(fits);
          let taken = 0;
          let size = 0;
          while (size < bytes.length) size += readable[taken++]!.bytes.length;
          expect(bytes.equals(Buffer.concat(readable.slice(0, taken).map((batch) => batch.bytes)))).toBe(true);
          if (taken > 1) expect(bytes.length).toBeLessThanOrEqual(maxBytes);
          expect(await warm(log, offset, maxBytes, maxOffset, atLeastOneBatch)).toEqual(bytes);
        }
        await store.close();
      }),
      { numRuns: 60 },
    );
  });

  it('takes as much of a segment as fits', async () => {
    const { store } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig());
    const written = await fill(log, Array.from({ length: 10 }, () => [1, 40] as const));
    const size = written[0]!.bytes.length;
    for (const [maxBytes, batches] of [[size, 1], [size * 2 - 1, 1], [size * 2, 2], [size * 9.5, 9], [size * 10, 10], [size * 20, 10]] as const) {
      const result = log.read(0, Math.floor(maxBytes), 10, true);
      expect(result.bytes.length).toBe(size * batches);
      result.release();
    }
    await store.close();
  });

  it('outside the log is refused, at its end is empty', async () => {
    const { store } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, config);
    await fill(log, [[2, 10], [2, 10]]);
    expect(log.read(4, 100, 4, true).bytes).toHaveLength(0);
    for (const offset of [5, -1, 2 ** 53]) {
      expect(() => log.read(offset, 100, 4, true)).toThrow(expect.objectContaining({ kind: 'offsetOutOfRange' }));
      const error: LogError = await warm(log, offset, 100, 4, true).then(() => { throw new Error('it was read'); }, (reason: LogError) => reason);
      expect(error.kind).toBe('offsetOutOfRange');
      expect(log.bytesAvailable(offset, 4)).toBe(0);
    }
    await store.close();
  });

  it('knows how many bytes wait behind an offset, across segments', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, share, share, async (batches, from, to) => {
        const { store } = await startStore();
        const log = await store.open('t', 0, TOPIC_ID, config);
        const written = await fill(log, batches);
        const offset = Math.floor(from * log.logEndOffset);
        const bound = Math.floor(to * (log.logEndOffset + 1));
        const readable = written.filter((batch) => batch.last >= offset && batch.last < bound && offset < bound);
        expect(log.bytesAvailable(offset, bound)).toBe(readable.reduce((sum, batch) => sum + batch.bytes.length, 0));
        await store.close();
      }),
      { numRuns: 60 },
    );
  });

  it('gives sealed segments back when nobody reads them, and opens them again', async () => {
    const { store, ports, disk } = await startStore({ duties: { retentionCheckIntervalMs: 1000, initialDelayMs: 1000 } });
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentBytes: 300, retentionMs: -1 }));
    const written = await fill(log, Array.from({ length: 20 }, () => [1, 100] as const));
    const view = log.read(0, 1000, 20, true);
    let opened = 0;
    const { openSegment } = disk;
    disk.openSegment = (options) => {
      opened += 1;
      return openSegment.call(disk, options);
    };
    await ports.clock.advance(5000);
    expect(view.bytes.subarray(0, written[0]!.bytes.length).equals(written[0]!.bytes)).toBe(true);
    view.release();
    log.read(0, 1000, 20, true).release();
    log.read(0, 1000, 20, true).release();
    expect(opened).toBe(1);
    await store.close();
  });
});
