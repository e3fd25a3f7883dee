/** Reads of one of Node's sockets into memory of our own. */
import { landingBuffer } from './landing.ts';

/** Where the reads of a socket go. */
export interface ReadTarget {
  nextReadBuffer(): Buffer;
  takeBytes(lengthBytes: number, buffer: Buffer): void;
}

/** A socket whose reads go to a wire; made before the wire, since Node wants the read functions first. */
export interface SocketReads {
  wire: ReadTarget | null;
  readonly buffer: () => Buffer;
  readonly callback: (lengthBytes: number, buffer: Uint8Array) => boolean;
}

export function createSocketReads(): SocketReads {
  const reads: SocketReads = {
    wire: null,
    buffer: () => reads.wire?.nextReadBuffer() ?? landingBuffer(),
    callback(lengthBytes, buffer) {
      reads.wire?.takeBytes(lengthBytes, buffer as Buffer);
      return true;
    },
  };
  return reads;
}
