/** What is in the tarball, and what must not be. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { TARGETS } from '../../prebuild/targets.mjs';
import { installInto, mustRun } from './machine.mjs';

const SIZE_MAX_BYTES = 12 << 20;
/** Not needed to run, or a sign that something slipped in. */
const FOREIGN = /\.(map|cache|log|tsbuildinfo|cc|gyp)$|\.d\.ts\.map$|(^|\/)(test|bench|src|node_modules|contract)\/(?!.*\.d\.ts$)|scratch/;

export function checkContents(context) {
  const files = mustRun('tar', ['-tzf', context.tarball]).trim().split('\n').map((file) => file.replace(/^package\//, ''));
  const { length: packedBytes } = readFileSync(context.tarball);
  const foreign = files.filter((file) => FOREIGN.test(file) && !file.startsWith('examples/'));
  if (foreign.length > 0) throw new Error(`these do not belong into a package: ${foreign.slice(0, 10).join(', ')}`);
  for (const file of ['LICENSE', 'README.md', 'wasm/dist/core.wasm']) if (!files.includes(file)) throw new Error(`${file} is missing`);
  if (packedBytes > SIZE_MAX_BYTES) throw new Error(`the tarball has ${packedBytes} bytes`);
  for (const target of TARGETS) if (!files.includes(`prebuilds/${target.name}/tidelog.node`)) context.skip(`the addon for ${target.name}`, 'it is not in this tarball');
  const installed = installInto(path.join(context.folder, 'contents'), context);
  checkExports(installed);
  checkLinks(path.join(installed, 'docs'));
  const unpackedKiB = Number(mustRun('du', ['-sk', installed]).split('\t')[0]);
  const allKiB = Number(mustRun('du', ['-sk', path.join(context.folder, 'contents/node_modules')]).split('\t')[0]);
  context.say(`${files.length} files, ${(packedBytes / 2 ** 20).toFixed(1)} MiB packed, ${(unpackedKiB / 1024).toFixed(1)} MiB unpacked, ${(allKiB / 1024).toFixed(1)} MiB with all it depends on`);
}

/** Each export has code and types; each program is there. */
function checkExports(installed) {
  const manifest = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8'));
  for (const [name, target] of Object.entries(manifest.exports)) {
    const files = typeof target === 'string' ? [target] : [target.types, target.default];
    for (const file of files) if (file === undefined || !existsSync(path.join(installed, file))) throw new Error(`export ${name} lacks ${file ?? 'types'}`);
  }
  for (const file of Object.values(manifest.bin)) if (!existsSync(path.join(installed, file))) throw new Error(`the program ${file} is missing`);
  if (manifest.scripts?.install ?? manifest.scripts?.postinstall) throw new Error('installing must run nothing');
}

/** Each link of the documentation to a file of the project leads to one that was installed with it. */
function checkLinks(folder) {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'))) {
    const file = path.join(folder, name);
    for (const [, target] of readFileSync(file, 'utf8').matchAll(/\]\(([^)#\s]+)/g)) {
      if (!/^[a-z]+:/.test(target) && !existsSync(path.resolve(path.dirname(file), target))) throw new Error(`docs/${name} leads to ${target}, which is not in the package`);
    }
  }
}
