import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../src/net/bufferPool.ts';
import { FrameReader, type FrameSink } from '../../src/net/frameReader.ts';

class Frames implements FrameSink {
  readonly frames: Buffer[] = [];
  readonly badLengths: number[] = [];
  keeps = false;
  onFrameHook: (() => void) | null = null;
  onFrame(frame: Buffer, isOwn: boolean): boolean {
    this.frames.push(Buffer.from(frame));
    this.onFrameHook?.();
    return this.keeps && isOwn;
  }
  onBadLength(lengthBytes: number): void {
    this.badLengths.push(lengthBytes);
  }
}

function framed(bodies: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const prefix = Buffer.alloc(4);
      prefix.writeInt32BE(body.length);
      return [prefix, Buffer.from(body)];
    }),
  );
}

/** Plays a wire: gives at most `sizes[i]` bytes a read, into the buffer that is offered where `inPlace`, else into one that is reused. */
function play(reader: FrameReader, stream: Buffer, sizes: readonly number[], inPlace: readonly boolean[]): void {
  const landing = Buffer.alloc(1 << 16);
  let position = 0;
  for (let read = 0; position < stream.length; read += 1) {
    const offered = inPlace[read % inPlace.length] ? reader.nextReadBuffer() : null;
    const target = offered ?? landing;
    const count = Math.min(sizes[read % sizes.length] as number, target.length, stream.length - position);
    stream.copy(target, 0, position, position + count);
    reader.onBytes(target.subarray(0, count));
    landing.fill(0xee);
    position += count;
  }
}

const bodies = fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 100, max: 60_000 }).map((size) => new Uint8Array(size).map((_, index) => index * 7 + size))), {
  maxLength: 8,
});
const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 65_536 })), { minLength: 1, maxLength: 12 });

describe('FrameReader', () => {
  it('gives the same frames however the stream is cut, wherever the reads land, whoever keeps them', () => {
    const property = fc.property(bodies, sizes, fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), fc.boolean(), (given, cuts, inPlace, keeps) => {
      const sink = new Frames();
      sink.keeps = keeps;
      const reader = new FrameReader(1 << 20, sink, new BufferPool(1 << 20));
      const total = framed(given);
      const coarse = total.length > 5000 ? cuts.map((size) => Math.max(size, 700)) : cuts;
      play(reader, total, coarse, inPlace);
      expect(sink.frames.map((frame) => frame.toString('latin1'))).toEqual(given.map((body) => Buffer.from(body).toString('latin1')));
      expect(reader.isMidFrame).toBe(false);
      expect(reader.heldBytes).toBe(0);
    });
    fc.assert(property, { numRuns: 150 });
  });

  it('loses and repeats nothing when stopped and resumed at any frame', () => {
    const property = fc.property(bodies, sizes, fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }), (given, cuts, stops) => {
      const sink = new Frames();
      const reader = new FrameReader(1 << 20, sink);
      let seen = 0;
      sink.onFrameHook = () => {
        if (stops[seen % stops.length]) reader.stop();
        seen += 1;
      };
      const total = framed(given);
      const coarse = total.length > 5000 ? cuts.map((size) => Math.max(size, 700)) : cuts;
      play(reader, total, coarse, [true, false]);
      while (reader.isStopped) reader.resume();
      expect(sink.frames.map((frame) => frame.toString('latin1'))).toEqual(given.map((body) => Buffer.from(body).toString('latin1')));
      expect(reader.heldBytes).toBe(0);
    });
    fc.assert(property, { numRuns: 150 });
  });

  it.each([
    ['negative', -1],
    ['2 GiB', 0x7fffffff],
    ['one above the limit', 1001],
  ])('refuses a length that is %s, however it is cut, and takes no more', (_name, length) => {
    for (const cut of [1, 2, 3, 4, 20]) {
      const sink = new Frames();
      const reader = new FrameReader(1000, sink);
      const stream = Buffer.alloc(40);
      stream.writeInt32BE(length);
      for (let position = 0; position < stream.length; position += cut) reader.onBytes(stream.subarray(position, position + cut));
      expect(sink.badLengths).toEqual([length]);
      expect(sink.frames).toEqual([]);
      expect(reader.heldBytes).toBe(0);
    }
  });

  it('takes a frame of exactly the limit', () => {
    const sink = new Frames();
    const reader = new FrameReader(1000, sink);
    reader.onBytes(framed([Buffer.alloc(1000, 1)]));
    expect(sink.frames.length).toBe(1);
  });

  it('holds memory for what has come, not for what was claimed', () => {
    const sink = new Frames();
    const reader = new FrameReader(100 * 1024 * 1024, sink);
    const start = Buffer.alloc(10);
    start.writeInt32BE(100 * 1024 * 1024);
    reader.onBytes(start);
    expect(reader.heldBytes).toBeLessThanOrEqual(4096);
    let sent = 6;
    for (let round = 0; round < 200; round += 1) {
      const room = reader.nextReadBuffer() as Buffer;
      const count = Math.min(room.length, 5000);
      reader.onBytes(room.subarray(0, count));
      sent += count;
      expect(reader.heldBytes).toBeLessThanOrEqual(Math.max(16 * 1024, sent * 16));
    }
  });

  it('offers exactly the rest of the frame', () => {
    const sink = new Frames();
    const reader = new FrameReader(1000, sink);
    const stream = framed([Buffer.alloc(100, 5)]);
    expect(reader.nextReadBuffer()).toBeNull();
    reader.onBytes(stream.subarray(0, 30));
    expect(reader.nextReadBuffer()?.length).toBe(74);
  });

  it('reuses the memory of frames that nobody kept, and only of those', () => {
    const pool = new BufferPool(1 << 20);
    const sink = new Frames();
    const reader = new FrameReader(1 << 20, sink, pool);
    const stream = framed([Buffer.alloc(20_000, 1)]);
    reader.onBytes(stream.subarray(0, 15_000));
    reader.onBytes(stream.subarray(15_000));
    expect(pool.keptBytes).toBeGreaterThanOrEqual(20_000);
    const kept = pool.keptBytes;
    sink.keeps = true;
    reader.onBytes(stream.subarray(0, 15_000));
    reader.onBytes(stream.subarray(15_000));
    expect(pool.keptBytes).toBe(kept - 32_768);
  });
});

describe('BufferPool', () => {
  it('gives at least what is asked and keeps no more than its bound', () => {
    const property = fc.property(fc.array(fc.integer({ min: 1, max: 6_000_000 }), { maxLength: 20 }), (wanted) => {
      const pool = new BufferPool(4_000_000);
      const taken = wanted.map((size) => pool.take(size));
      taken.forEach((buffer, index) => expect(buffer.length).toBeGreaterThanOrEqual(wanted[index] as number));
      for (const buffer of taken) pool.give(buffer);
      expect(pool.keptBytes).toBeLessThanOrEqual(4_000_000);
      const again = wanted.map((size) => pool.take(size));
      expect(new Set(again).size).toBe(again.length);
    });
    fc.assert(property, { numRuns: 30 });
  });
});
