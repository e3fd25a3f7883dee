import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const LEVELS_UP_MAX = 6;

/** Of the package that this file belongs to, wherever it was compiled or bundled to. */
export function version(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  for (let level = 0; level < LEVELS_UP_MAX; level += 1) {
    const file = path.join(folder, 'package.json');
    const found = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string }) : {};
    if (found.name === 'tidelog') return found.version ?? 'unknown';
    folder = path.dirname(folder);
  }
  return 'unknown';
}
