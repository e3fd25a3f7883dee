// Writes src/protocol/generated from src/protocol/schema. With --check it writes nothing and fails when they differ.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emitModule, moduleOf } from './generate/files.mjs';
import { emitAllMessages, emitApis, emitErrors, emitRecordTypes } from './generate/tables.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const schemaFolder = join(root, 'src/protocol/schema');
const outputFolder = join(root, 'src/protocol/generated');

const load = (name) => JSON.parse(readFileSync(join(schemaFolder, `${name}.json`), 'utf8'));

/** All generated files: path below the output folder -> text. */
export function generate() {
  const names = readdirSync(schemaFolder).filter((file) => /^(requests|records-.*)\.json$/.test(file)).map((file) => file.replace('.json', '')).sort();
  const families = names.map((name) => [name, load(name)]);
  const modules = new Map();
  for (const [family, schemas] of families) {
    for (const schema of schemas) {
      const module = moduleOf(schema, family);
      if (!modules.has(module)) modules.set(module, { family, schemas: [] });
      const entry = modules.get(module);
      if (entry.family !== family) throw new Error(`${module} gets messages of two families`);
      entry.schemas.push(schema);
    }
  }
  const files = new Map();
  for (const [module, { schemas }] of modules) files.set(`${module}.ts`, emitModule(schemas, module));
  files.set('apis.ts', emitApis(load('api-versions-by-release'), load('requests')));
  files.set('errors.ts', emitErrors(load('errors')));
  files.set('records/types.ts', emitRecordTypes(families));
  files.set('allMessages.ts', emitAllMessages(families));
  return files;
}

function filesOnDisk() {
  let entries;
  try {
    entries = readdirSync(outputFolder, { recursive: true });
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
  return entries.map((path) => path.replaceAll('\\', '/')).filter((path) => path.endsWith('.ts'));
}

function contentOf(path) {
  try {
    return readFileSync(join(outputFolder, path), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** What is missing, stale or no longer generated. */
export function drift(files = generate()) {
  const changed = [...files].filter(([path, text]) => contentOf(path) !== text).map(([path]) => path);
  return { changed, gone: filesOnDisk().filter((path) => !files.has(path)) };
}

function main() {
  const files = generate();
  const { changed, gone } = drift(files);
  if (process.argv.includes('--check')) {
    for (const path of changed) console.error(`differs from its schema: src/protocol/generated/${path}`);
    for (const path of gone) console.error(`has no schema: src/protocol/generated/${path}`);
    if (changed.length + gone.length > 0) process.exitCode = 1;
    else console.log(`${files.size} generated files agree with the schemas`);
    return;
  }
  for (const path of changed) {
    mkdirSync(dirname(join(outputFolder, path)), { recursive: true });
    writeFileSync(join(outputFolder, path), files.get(path));
  }
  for (const path of gone) rmSync(join(outputFolder, path));
  console.log(`${files.size} generated files: ${changed.length} written, ${gone.length} removed`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
