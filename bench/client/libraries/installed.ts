/** Libraries that are measured beside ours: pinned, in a folder of their own, so that the project need not depend on them. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** @platformatic/kafka does not run before Node 22.22, so all contenders run on this one, for the same terms. */
const NODE_VERSION = '24.21.0';
const NODE_PACKAGE = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const PINNED = { kafkajs: '2.2.4', '@platformatic/kafka': '2.12.1', [NODE_PACKAGE]: NODE_VERSION };
const INSTALL_TIMEOUT_MS = 180_000;
const MESSAGES_MAX_BYTES = 2 ** 20;

/** Installs them where they are not yet. Throws with npm's words when that cannot be done. */
export function installLibraries(): string {
  const folder = path.join(os.tmpdir(), `tidelog-bench-clients-${Object.values(PINNED).join('-')}`);
  const names = Object.keys(PINNED);
  if (names.every((name) => existsSync(path.join(folder, 'node_modules', name, 'package.json')))) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies: PINNED }));
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, encoding: 'utf8', maxBuffer: MESSAGES_MAX_BYTES, stdio: ['ignore', 'pipe', 'pipe'], timeout: INSTALL_TIMEOUT_MS });
  return folder;
}

/** The Node that runs all contenders. */
export const nodeIn = (folder: string): string => path.join(folder, 'node_modules', NODE_PACKAGE, 'bin/node');

export function versionIn(folder: string, name: string): string {
  return (JSON.parse(readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Whatever the library exports, the default export's fields too. */
export async function loadFrom(folder: string, name: string): Promise<unknown> {
  const require = createRequire(path.join(folder, 'package.json'));
  const loaded = (await import(pathToFileURL(require.resolve(name)).href)) as { readonly default?: object };
  return { ...loaded.default, ...loaded };
}
