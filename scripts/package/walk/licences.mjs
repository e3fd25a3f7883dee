/** What comes with the package may be used with it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { installInto } from './machine.mjs';

const ALLOWED = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'Unlicense', 'BlueOak-1.0.0'];

export function checkLicences(context) {
  const folder = path.join(context.folder, 'licences');
  installInto(folder, context);
  const { packages } = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8'));
  const found = new Map();
  for (const [name, { license }] of Object.entries(packages)) {
    if (name === '') continue;
    const choices = String(license).replace(/[()]/g, '').split(' OR ');
    if (!choices.some((choice) => choice.split(' AND ').every((one) => ALLOWED.includes(one)))) throw new Error(`${name} has the licence ${license}`);
    found.set(license, (found.get(license) ?? 0) + 1);
  }
  context.say([...found].map(([license, count]) => `${license}: ${count}`).join(', '));
}
