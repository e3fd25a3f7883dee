import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRule } from '../../scripts/generateConfig.mjs';
import { root } from './sources.ts';

const setUp = () => spawnSync(process.execPath, [path.join(root, 'scripts/setup.mjs'), '--verbose'], { cwd: root, encoding: 'utf8' });

describe('the set-up', () => {
  it('does nothing the second time, and says which core runs', { timeout: 300_000 }, () => {
    expect(setUp().status).toBe(0);
    const second = setUp();
    expect(second.stdout).toBe('');
    expect(second.stderr.trim()).toMatch(/^core: (native|WASM .*)$/);
  });
});

describe('expressions for valid values', () => {
  it.each([
    ['[0,...]', 'int', { kind: 'range', min: 0 }],
    ['[0,...,1]', 'double', { kind: 'range', min: 0, max: 1 }],
    ['[-131072,...,22]', 'int', { kind: 'range', min: -131072, max: 22 }],
    ['[1,...,9] or -1', 'int', { kind: 'range', min: 1, max: 9, also: -1 }],
    ['[compact, delete]', 'list', { kind: 'oneOf', values: ['compact', 'delete'] }],
    ['(case insensitive) [A, B]', 'string', { kind: 'oneOf', values: ['A', 'B'], ignoreCase: true }],
    ['non-empty string', 'string', { kind: 'nonEmpty' }],
    [undefined, 'int', { kind: 'any' }],
  ])('%s', (expression, type, rule) => {
    expect(parseRule(expression, type)).toEqual(rule);
  });

  it('that are not known stop the generator', () => {
    expect(() => parseRule('about 7', 'int')).toThrow(/about 7/);
  });
});
