import { readFileSync } from 'node:fs';

let version = '';

/** The package's version. Source, compiled file and bundle all lie two folders below package.json. */
export function packageVersion(): string {
  if (version === '') version = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
  return version;
}
