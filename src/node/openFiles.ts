/** How many connections there can be where the files that a process may have open are few. */
export { openFilesMax } from '../storage/disk/openFiles.ts';

/** What the process itself and its threads have open, and the logs that are being made. */
const FILES_RESERVED = 40;

/**
 * The most connections that leave files enough for the logs, which keep a quarter: a client that takes the last descriptor is
 * refused, a log that cannot open a segment is a failed disk.
 */
export function connectionsMaxFor(filesMax: number | null): number {
  if (filesMax === null) return Infinity;
  return Math.max(1, filesMax - Math.floor(filesMax / 4) - FILES_RESERVED);
}
