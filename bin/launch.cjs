/**
 * Starts a program of dist/bundle; in a clone that was never built, builds it first. What V8 compiled of it is kept beside it (`.cache`), by the version of Node
 * and the tool, so that the next start only reads it.
 */
'use strict';
const { existsSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const HEADER_BYTES = 24;
const MAGIC = 0x7469_6465;
/** A broker has run through what a start needs after this. */
const SERVER_SETTLED_MS = 3000;

/** `tool`, if given, becomes the program's first argument. */
exports.launch = function launch(name, tool) {
  const program = path.join(__dirname, '../dist/bundle', `${name}.cjs`);
  if (tool !== undefined) process.argv.splice(2, 0, tool);
  if (existsSync(program)) run(program, name, tool);
  else void build(program).then(() => run(program, name, tool));
};

async function build(program) {
  const setup = path.join(__dirname, '../scripts/setup.mjs');
  if (!existsSync(setup)) fail(`${program} is missing: install the package again`);
  await (await import(require('node:url').pathToFileURL(setup).href)).setUp();
  if (!existsSync(program)) fail('the program could not be built: run npm run build');
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function run(program, name, tool) {
  const { keep } = load(program, tool ?? name);
  if (keep !== null) keepLater(keep, tool);
}

/** Runs a CommonJS script of ASCII. `keep`, called when it has shown what it needs, saves what V8 compiled for the next load with this `purpose`; null where that was done. */
function load(program, purpose) {
  const stat = statSync(program);
  const cacheFile = `${program}.${purpose}.${process.version}-${process.arch}.cache`;
  const cachedData = readCache(cacheFile, stat);
  const source = readFileSync(program, 'latin1');
  const script = new vm.Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: program,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === null ? {} : { cachedData }),
  });
  const loaded = { exports: {} };
  script.runInThisContext()(loaded.exports, require('node:module').createRequire(program), loaded, program, path.dirname(program));
  const isKept = cachedData !== null && !script.cachedDataRejected;
  return { exports: loaded.exports, keep: isKept ? null : () => writeCache(cacheFile, script, stat) };
}
exports.load = load;

/** A tool has shown what it needs when it ends well; a broker when it runs. */
function keepLater(keep, tool) {
  if (tool === undefined) setTimeout(keep, SERVER_SETTLED_MS).unref();
  else process.once('exit', (code) => code === 0 && keep());
}

/** The bundle that the cache was made from, by size and time; also behind the data, so that a torn file is not believed. */
function headerOf(stat, dataBytes) {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt32LE(dataBytes, 4);
  header.writeDoubleLE(stat.size, 8);
  header.writeDoubleLE(stat.mtimeMs, 16);
  return header;
}

function readCache(file, stat) {
  let bytes;
  try {
    bytes = readFileSync(file);
  } catch {
    return null;
  }
  const dataBytes = bytes.length - 2 * HEADER_BYTES;
  if (dataBytes <= 0) return null;
  const header = headerOf(stat, dataBytes);
  const isWhole = bytes.subarray(0, HEADER_BYTES).equals(header) && bytes.subarray(bytes.length - HEADER_BYTES).equals(header);
  return isWhole ? bytes.subarray(HEADER_BYTES, bytes.length - HEADER_BYTES) : null;
}

/** Where the folder may not be written, starts take a little longer. */
function writeCache(file, script, stat) {
  const draft = `${file}.${process.pid}`;
  try {
    const data = script.createCachedData();
    const header = headerOf(stat, data.length);
    writeFileSync(draft, Buffer.concat([header, data, header]));
    renameSync(draft, file);
  } catch {
    try {
      unlinkSync(draft);
    } catch {
      // It was never there.
    }
  }
}
