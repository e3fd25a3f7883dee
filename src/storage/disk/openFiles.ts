/** How many files this process may have open, and how many of them the logs keep. */
import { readFileSync } from 'node:fs';

/** Files and sockets of the process; null where the system does not say. */
export function openFilesMax(): number | null {
  if (process.platform !== 'linux') return null;
  try {
    const match = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return match === null || match[1] === 'unlimited' ? null : Number(match[1]);
  } catch {
    return null;
  }
}

const LOG_FILES_MIN = 8;
const LOG_FILES_MAX = 2048;

/** A quarter, as the native disk takes: the rest is for connections and whatever the process itself opens. */
export function logFilesMax(filesMax: number | null = openFilesMax()): number {
  if (filesMax === null) return LOG_FILES_MAX;
  return Math.min(Math.max(Math.floor(filesMax / 4), LOG_FILES_MIN), LOG_FILES_MAX);
}
