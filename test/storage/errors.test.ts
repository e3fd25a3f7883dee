import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERROR_CATALOGUE } from '../../src/storage/index.ts';

it('the catalogue of errors is what docs/errors.md says', () => {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(\S+)` \| (.*) \| (.*) \|$/gm)].map(([, name, meaning, whatToDo]) => [name, { type: name!.split('.')[0], meaning, whatToDo }]);
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(ERROR_CATALOGUE));
});
