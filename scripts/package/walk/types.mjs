/** TypeScript finds the types of everything that the package exports, and checks them all. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../setup/stamps.mjs';
import { installInto, mustRun } from './machine.mjs';

export function checkTypes(context) {
  const folder = path.join(context.folder, 'types');
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  installInto(folder, context, { packages: [`@types/node@${manifest.devDependencies['@types/node']}`] });
  const names = Object.entries(manifest.exports).filter(([, target]) => typeof target !== 'string').map(([name]) => name.slice('./'.length));
  const lines = names.map((name, index) => `import * as m${index} from 'tidelog/${name}';\nconsole.log(Object.keys(m${index}));`);
  writeFileSync(path.join(folder, 'all.ts'), `${lines.join('\n')}\n// @ts-expect-error: an option that there is not\nm${names.indexOf('client')}.createClient({ bootstrapp: '' });\n`);
  for (const moduleKind of ['nodenext', 'esnext']) {
    const resolution = moduleKind === 'nodenext' ? 'nodenext' : 'bundler';
    const flags = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2023', '--types', 'node', '--module', moduleKind, '--moduleResolution', resolution];
    mustRun(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), ...flags, 'all.ts'], { cwd: folder });
  }
  context.say(`${names.length} exports have types that a strict program takes, resolved as Node does and as bundlers do`);
}
