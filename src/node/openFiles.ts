/** How many files and sockets this process may have open. */
import { readFileSync } from 'node:fs';

/** Null where the system does not say. */
export function openFilesMax(): number | null {
  if (process.platform !== 'linux') return null;
  try {
    const match = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return match === null || match[1] === 'unlimited' ? null : Number(match[1]);
  } catch {
    return null;
  }
}

const FILES_RESERVED_MIN = 32;

/**
 * The most connections that leave files enough for the logs: a client that takes the last descriptor is
 * refused, a log that cannot open a segment is a failed disk.
 */
export function connectionsMaxFor(filesMax: number | null): number {
  if (filesMax === null) return Infinity;
  return Math.max(1, filesMax - Math.max(FILES_RESERVED_MIN, Math.floor(filesMax / 4)));
}
