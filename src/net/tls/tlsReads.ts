/**
 * Reads of an accepted TLS socket into our own memory. Node offers that (`onread`) for sockets that it makes for us, not for those that a server accepts; without it
 * each record of 16 KiB costs a buffer of 64 KiB, and so much memory outside of its heap keeps V8 collecting.
 */
/* oxlint-disable no-underscore-dangle -- the names are Node's */
import type tls from 'node:tls';
import { createSocketReads, type SocketReads } from '../socketReads.ts';

interface Handle {
  useUserBuffer(buffer: Uint8Array): void;
}

type Inside = Record<symbol, unknown> & { _handle: Partial<Handle> | null };

const NAMES = ['kBuffer', 'kBufferGen', 'kBufferCb'] as const;

/** Null where this runtime has no such parts: then the socket is read as a stream. */
export function takeReads(socket: tls.TLSSocket): SocketReads | null {
  const inside = socket as unknown as Inside;
  const symbols = Object.getOwnPropertySymbols(socket);
  const [kBuffer, kBufferGen, kBufferCb] = NAMES.map((name) => symbols.find((symbol) => symbol.description === name));
  const handle = inside._handle;
  if (kBuffer === undefined || kBufferGen === undefined || kBufferCb === undefined || typeof handle?.useUserBuffer !== 'function') return null;
  const reads = createSocketReads();
  const first = reads.buffer();
  inside[kBuffer] = first;
  inside[kBufferGen] = reads.buffer;
  inside[kBufferCb] = reads.callback;
  handle.useUserBuffer(first);
  return reads;
}
