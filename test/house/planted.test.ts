/** The patches of test/planted fit the sources as they are: `npm run test:long` applies them, and would learn only then that one has been left behind. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../support/brokerProcess.ts';

const folder = path.join(projectRoot, 'test/planted');
const hasPatch = spawnSync('patch', ['--version']).status === 0;
if (!hasPatch) console.log('SKIPPED: planted bugs: there is no program named patch');

describe.skipIf(!hasPatch)('planted bugs', () => {
  it.each(readdirSync(folder).filter((file) => file.endsWith('.patch')))('%s fits', (file) => {
    const { status, stdout } = spawnSync('patch', ['-p1', '--fuzz=0', '--dry-run', '--force', '--input', path.join(folder, file)], { cwd: projectRoot, encoding: 'utf8' });
    expect({ status, stdout: status === 0 ? '' : stdout }).toEqual({ status: 0, stdout: '' });
  });
});
