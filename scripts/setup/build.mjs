/** Step 3: TypeScript to dist/, the programs of src/main into one file each and what packages export into few, so that they start fast. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { lastLines, run } from './run.mjs';
import { currentStamp, dropStamp, listFiles, logPath, root, stateOf, writeStamp } from './stamps.mjs';

const isSource = (file) => file.endsWith('.ts') || file.endsWith('.json');

/** Compiles when a source changed. Errors are told, at each run, and what could be built is there. */
export async function buildScripts(say) {
  const sources = listFiles(['src'], isSource);
  const state = stateOf([...sources, ...listFiles(['tsconfig.json', 'package.json'])]);
  const stamp = existsSync(path.join(root, 'dist')) ? currentStamp('build', state) : null;
  if (stamp?.result === 'errors') say('set-up: there are errors in src, see npm run check');
  if (stamp) return;
  say('set-up: compiling TypeScript');
  dropStamp('build');
  removeOrphans(sources);
  const areTypesRight = compileTypes(say);
  const isBundled = await bundlePrograms(sources, say);
  writeStamp('build', state, areTypesRight && isBundled ? 'built' : 'errors');
}

/** Output of sources that are gone must not be found by an import. */
function removeOrphans(sources) {
  const stems = new Set(sources.map(({ relative }) => relative.replace(/^src\//, '').replace(/\.ts$/, '')));
  for (const { relative } of listFiles(['dist'])) {
    const stem = relative.replace(/^dist\//, '').replace(/(\.d\.ts|\.js|\.js\.map)$/, '');
    const isCompiled = /\.(js|d\.ts|js\.map)$/.test(relative) && !/^dist\/(bundle|library|bench)\//.test(relative);
    if (isCompiled && !stems.has(stem)) rmSync(path.join(root, relative));
  }
}

function compileTypes(say) {
  const logFile = logPath('tsc');
  const result = run(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'], { logFile });
  if (!result.ok) say(`set-up: TypeScript finds errors; npm run check shows all of them, the last are:\n${lastLines(result.output, 5)}`);
  return result.ok;
}

/** Programs: each file of src/main. Workers: each `*.worker.ts`, wherever it is. */
async function bundlePrograms(sources, say) {
  const pathsOf = (accept) => sources.filter(({ relative }) => accept(relative)).map(({ relative }) => path.join(root, relative));
  const programs = pathsOf((relative) => /^src\/main\/[^/]+\.ts$/.test(relative));
  const workers = pathsOf((relative) => relative.endsWith('.worker.ts'));
  rmSync(path.join(root, 'dist/bundle'), { recursive: true, force: true });
  rmSync(path.join(root, 'dist/library'), { recursive: true, force: true });
  if (programs.length + workers.length === 0) return true;
  const { bundle, bundleLibrary } = await import('./bundle.mjs');
  try {
    await bundle({ programs, workers, outdir: path.join(root, 'dist/bundle') });
    await bundleLibrary({ entries: exportedEntries(), outdir: path.join(root, 'dist/library') });
    return true;
  } catch (error) {
    say(`set-up: the programs could not be bundled: ${error.message.split('\n')[0]}`);
    return false;
  }
}

/** The sources of what package.json exports, by the name of the file in dist/library; the types say where each is. */
function exportedEntries() {
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const entries = {};
  for (const [name, target] of Object.entries(exports)) {
    if (target.types === undefined) continue;
    entries[name.slice('./'.length)] = path.join(root, target.types.replace(/^\.\/dist\//, 'src/').replace(/\.d\.ts$/, '.ts'));
  }
  return entries;
}
