import { write } from 'node:fs';
import { Writable } from 'node:stream';

const DESCRIPTOR = 1;
/** A pipe that takes nothing for now is tried again. */
const FULL_MS = 5;

/** Standard output that never blocks the process: `process.stdout` does on a pipe that nobody empties, and with it the heartbeats of a group's member. */
export function openStandardOutput(): Writable {
  return new Writable({
    write: (bytes: Buffer, _encoding, done) => writeAll(bytes, 0, done),
    writev: (pieces, done) => writeAll(Buffer.concat(pieces.map(({ chunk }) => chunk as Buffer)), 0, done),
  });
}

function writeAll(bytes: Buffer, from: number, done: (error?: Error) => void): void {
  if (from >= bytes.length) return done();
  write(DESCRIPTOR, bytes, from, bytes.length - from, null, (error, written) => {
    if (error === null) writeAll(bytes, from + written, done);
    else if (error.code === 'EAGAIN') setTimeout(() => writeAll(bytes, from, done), FULL_MS);
    else done(error);
  });
}
