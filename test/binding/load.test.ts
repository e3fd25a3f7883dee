import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadNativeCore, whyNotNative } from '../../src/binding/addon.ts';

async function load(core: string | undefined) {
  vi.resetModules();
  if (core === undefined) vi.stubEnv('TIDELOG_CORE', undefined);
  else vi.stubEnv('TIDELOG_CORE', core);
  return import('../../src/binding/load.ts');
}

describe('the choice of the core', () => {
  afterEach(() => vi.unstubAllEnvs());
  const native = loadNativeCore() !== null;

  it('is the addon where it is built, and says so in one line', async () => {
    const { compute, describeCore, usesNativeCore } = await load(undefined);
    expect(usesNativeCore()).toBe(native);
    expect(compute.name.startsWith(native ? 'native (' : 'wasm')).toBe(true);
    expect(describeCore()).toMatch(native ? /^core: native \(.+crc32c .+\)$/ : /^core: WASM \(.+\)$/);
  });

  it('is what TIDELOG_CORE says', async () => {
    expect((await load('wasm')).describeCore()).toBe('core: WASM (TIDELOG_CORE)');
    if (native) expect((await load('native')).compute.name).toMatch(/^native/);
    else await expect(load('native')).rejects.toThrow(whyNotNative());
    await expect(load('fast')).rejects.toThrow(/TIDELOG_CORE is 'fast': allowed are native and wasm/);
  });
});
