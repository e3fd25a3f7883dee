import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prebuiltName } from '../../src/binding/prebuilt.ts';
import { REFUSED, TARGETS, TESTED, chooseTargets } from '../../scripts/prebuild/targets.mjs';

describe('the name of the addon for a machine', () => {
  let folder = '';
  const program = (loader: string): string => {
    const file = path.join(folder, path.basename(loader));
    writeFileSync(file, Buffer.concat([Buffer.from('\x7fELF'), Buffer.alloc(700), Buffer.from(`${loader}\0`), Buffer.alloc(9000)]));
    return file;
  };
  beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), 'tidelog-prebuilt-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('tells musl from glibc by the loader that the running program names', () => {
    expect(prebuiltName('linux', 'x64', program('/lib64/ld-linux-x86-64.so.2'))).toBe('linux-x64-glibc');
    expect(prebuiltName('linux', 'arm64', program('/lib/ld-musl-aarch64.so.1'))).toBe('linux-arm64-musl');
    expect(prebuiltName('linux', 'x64', path.join(folder, 'absent'))).toBe('linux-x64-glibc');
    expect(prebuiltName('darwin', 'arm64', program('/lib/ld-musl-x86_64.so.1'))).toBe('darwin-arm64');
  });

  it('is one of those that are built', () => {
    const names = TARGETS.map((target) => target.name);
    for (const arch of ['x64', 'arm64']) {
      for (const loader of ['/lib64/ld-linux', '/lib/ld-musl-']) expect(names).toContain(prebuiltName('linux', arch, program(loader)));
      expect(names).toContain(prebuiltName('darwin', arch));
    }
    expect(Object.keys(TESTED).sort()).toEqual([...names].sort());
  });

  it('is refused, with the reason, where there is none', () => {
    expect(Object.keys(REFUSED)).toContain(prebuiltName('win32', 'x64'));
    expect(() => chooseTargets(['win32-x64'])).toThrow(/win32-x64 is not built: .*POSIX/);
    expect(() => chooseTargets(['linux-riscv64-glibc'])).toThrow(/is no target; there are linux-x64-glibc, /);
    expect(chooseTargets([])).toBe(TARGETS);
  });
});
