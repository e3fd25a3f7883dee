/** Bundles test/contract into one module that runs beside an installed package: its addon is found where the package keeps it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build, stop } from 'esbuild';
import { root } from '../../setup/stamps.mjs';

const SUITES = ['test/contract/disk.test.ts', 'test/contract/diskFuzz.test.ts'];

/** Writes `dist/contract/contract.mjs` into the installed package; returns its path. */
export async function bundleContract(installed) {
  const output = path.join(installed, 'dist/contract/contract.mjs');
  const contents = SUITES.map((suite) => `import ${JSON.stringify(`./${suite}`)};`).join('\n');
  try {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: root, sourcefile: 'contract.ts' },
      bundle: true, platform: 'node', format: 'esm', target: 'node20', write: false, outfile: output,
      alias: { vitest: path.join(root, 'scripts/package/contract/smallRunner.mjs') },
      // What the suites' own packages require, being CommonJS.
      banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
      external: ['lz4-napi', 'snappy', 'lz4-wasm-nodejs', '@bokuweb/zstd-wasm', 'piscina', 'snappyjs'],
      logLevel: 'error',
    });
    mkdirSync(path.dirname(output), { recursive: true });
    for (const file of outputFiles) writeFileSync(file.path, file.contents);
  } finally {
    await stop();
  }
  return output;
}
