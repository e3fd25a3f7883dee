/** The addons that `npm run prebuilds` made: below prebuilds/, with the state of the sources that they were made of. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root } from './stamps.mjs';

export const PREBUILDS = 'prebuilds';
export const prebuiltFile = (name) => `${PREBUILDS}/${name}/tidelog.node`;

export const isAddonSource = (file) => /\.(cc|c|h|hpp|S|gyp|gypi|mjs)$/.test(file) && !file.endsWith('_test.cc');

/** What was written beside them: { sources, addons: { name: sha256 } }; null when there are none. */
export function readManifest() {
  try {
    return JSON.parse(readFileSync(path.join(root, PREBUILDS, 'manifest.json'), 'utf8'));
  } catch {
    return null;
  }
}

/** An addon of earlier sources must not be loaded beside newer TypeScript. */
export async function removeStalePrebuilds() {
  const folder = path.join(root, PREBUILDS);
  if (!existsSync(folder)) return;
  const { stateOfSources } = await import('../prebuild/compile.mjs');
  if (readManifest()?.sources !== stateOfSources()) rmSync(folder, { recursive: true, force: true });
}
