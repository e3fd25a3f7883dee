/** `npm run bench -- [options]`: sets up, bundles bench/ into dist/bench, runs it. `--help` lists the options. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { setUp } from './setup.mjs';
import { root } from './setup/stamps.mjs';

const ENTRIES = { main: 'bench/main.ts', engine: 'bench/engine/main.ts', load: 'bench/broker/load/main.ts' };

console.error(await setUp());
await bundle();
await import(pathToFileURL(path.join(root, 'dist/bench/main.js')).href);

/** Each entry whole in one file: bundles of an earlier state cannot mix with these. */
async function bundle() {
  const { build } = await import('esbuild');
  await build({
    entryPoints: Object.entries(ENTRIES).map(([out, file]) => ({ in: path.join(root, file), out })),
    outdir: path.join(root, 'dist/bench'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: true,
    logLevel: 'error',
  });
}
