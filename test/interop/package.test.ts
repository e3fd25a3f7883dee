/** The package as somebody who installs it meets it, with the one addon for this machine: scripts/package/walk.mjs does all of it. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { findZig } from '../../scripts/prebuild/zig.mjs';
import { prebuiltName } from '../../src/binding/prebuilt.ts';
import { skipLoudly } from './support/run.ts';

const projectRoot = fileURLToPath(new URL('../../', import.meta.url));
const hasToolChain = findZig() !== null;
if (!hasToolChain) skipLoudly('the package: the pinned tool chain is not at hand (npm run prebuilds fetches it)');

it.skipIf(!hasToolChain)('installs from the tarball without scripts or a compiler, and works', { timeout: 1_500_000 }, () => {
  const walk = spawnSync(process.execPath, [path.join(projectRoot, 'scripts/package/walk.mjs'), '--only', 'contents,storage,programs,testing,types,licences'], {
    cwd: projectRoot, encoding: 'utf8', env: { ...process.env, TIDELOG_PREBUILDS: prebuiltName() },
  });
  process.stderr.write(walk.stdout.split('\n').filter((line) => line.startsWith('***')).map((line) => `${line}\n`).join(''));
  expect(walk.status, `${walk.stdout}\n${walk.stderr}`).toBe(0);
  expect(walk.stdout).toMatch(/^\d+ passed, 0 failed$/m);
});
