/** How programs and workers become one file each. Shared by the set-up and by tests that start programs from the sources as they are. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { build, stop } from 'esbuild';

/** CommonJS has no `import.meta`. */
const MODULE_IN_COMMONJS = {
  define: { 'import.meta.url': '__moduleUrl' },
  banner: { js: "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
};

/** What is imported from `tidelog/...`: few files with what they share beside them, since hundreds of small modules take Node longer to load than to run. */
export async function bundleLibrary({ entries: { testing, ...entries }, outdir, logLevel = 'warning' }) {
  try {
    if (testing !== undefined) await bundleTesting(testing, outdir, logLevel);
    await build({
      entryPoints: entries, outdir, bundle: true, splitting: true, chunkNames: 'shared-[hash]', minifyWhitespace: true, minifySyntax: true, platform: 'node', format: 'esm', target: 'node20',
      packages: 'external', sourcemap: true, logLevel,
    });
  } finally {
    await stop();
  }
}

/** A whole broker takes V8 longer to compile than to run once: as CommonJS it comes from a cache of compiled code, which the first broker that closes writes. */
async function bundleTesting(entry, outdir, logLevel) {
  const options = { bundle: true, platform: 'node', target: 'node20', packages: 'external', logLevel };
  const { metafile } = await build({ ...options, entryPoints: [entry], format: 'esm', write: false, metafile: true, outfile: 'testing.js' });
  const names = Object.values(metafile.outputs).flatMap((output) => output.exports);
  await build({
    ...options, ...MODULE_IN_COMMONJS, supported: { 'dynamic-import': false }, entryPoints: [path.join(path.dirname(entry), 'bundled.ts')], outfile: path.join(outdir, 'testing.cjs'), format: 'cjs',
    minifyWhitespace: true, minifySyntax: true, sourcemap: true,
  });
  writeFileSync(path.join(outdir, 'testing.js'), `import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
const { exports, keep } = createRequire(import.meta.url)('../../bin/launch.cjs').load(fileURLToPath(new URL('testing.cjs', import.meta.url)), 'testing');
exports.keepCodeBy(keep);
export const { ${names.join(', ')} } = exports;
`);
}

/**
 * Programs become CommonJS (`.cjs`), which bin/launch.cjs can start from a cache of compiled code; workers become modules (`.js`). Each has its source's name.
 * Rejects with esbuild's error.
 */
// Without white space a start reads a fifth less; the maps beside the files lead back to the sources.
export async function bundle({ programs, workers, outdir, sourcemap = true, logLevel = 'warning' }) {
  const options = { outdir, entryNames: '[name]', bundle: true, minifyWhitespace: true, minifySyntax: true, platform: 'node', target: 'node20', packages: 'external', sourcemap, logLevel };
  try {
    // A script that comes from a cache has no loader for `import()`: what is asked for later is required then, which Node can do with modules too.
    await build({ ...options, ...MODULE_IN_COMMONJS, supported: { 'dynamic-import': false }, entryPoints: programs, format: 'cjs', outExtension: { '.js': '.cjs' } });
    await build({ ...options, entryPoints: workers, format: 'esm' });
  } finally {
    // esbuild's own process would live as long as the broker that starts in this one.
    await stop();
  }
}
