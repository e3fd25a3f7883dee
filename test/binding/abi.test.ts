import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { generateAbi } from '../../scripts/generateAbi.mjs';

it('src/binding/abi.ts is what native/segment/abi.h says', () => {
  expect(readFileSync(new URL('../../src/binding/abi.ts', import.meta.url), 'utf8')).toBe(generateAbi());
});
