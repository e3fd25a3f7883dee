/** `npm run bench:client -- HOST:PORT N SIZE`: sets up, bundles main.ts, runs it. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { setUp } from '../../scripts/setup.mjs';
import { root } from '../../scripts/setup/stamps.mjs';

console.error(await setUp());
const { build } = await import('esbuild');
const outfile = path.join(root, 'dist/bench/client.js');
await build({
  entryPoints: [path.join(root, 'bench/client/main.ts')], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', sourcemap: true, logLevel: 'error',
});
await import(pathToFileURL(outfile).href);
