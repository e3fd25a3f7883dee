/** `npm run bench:client -- ...`, `npm run bench:scale -- ...`: sets up, bundles bench/<part>/main.ts, runs it. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { setUp } from './setup.mjs';
import { root } from './setup/stamps.mjs';

const [part] = process.argv.splice(2, 1);
console.error(await setUp());
const { build } = await import('esbuild');
const outfile = path.join(root, `dist/bench/${part}.js`);
await build({
  entryPoints: [path.join(root, `bench/${part}/main.ts`)], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', sourcemap: true, logLevel: 'error',
});
await import(pathToFileURL(outfile).href);
