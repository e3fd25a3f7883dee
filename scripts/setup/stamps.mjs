/**
 * Stamps: what a step of the set-up last ran on, so that it is not run twice. A stamp holds a hash of the content, and
 * a cheap key of names, sizes and times; only when the key differs is the content read again.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');
const stampFolder = path.join(root, 'node_modules/.tidelog-stamps');

/** Every file below the given files and folders that `accept` takes, sorted; paths from the project's root. */
export function listFiles(entries, accept = () => true) {
  const files = [];
  const visit = (relative) => {
    const stat = statSync(path.join(root, relative), { throwIfNoEntry: false });
    if (!stat) return;
    if (!stat.isDirectory()) {
      if (accept(relative)) files.push({ relative, key: `${relative}:${stat.size}:${stat.mtimeMs}` });
      return;
    }
    for (const name of readdirSync(path.join(root, relative))) visit(`${relative}/${name}`);
  };
  entries.forEach(visit);
  return files.sort((a, b) => (a.relative < b.relative ? -1 : 1));
}

/** The state of some files plus `facts` (versions, options); the content is hashed only when it is asked for. */
export function stateOf(files, facts = []) {
  const key = hashOf([...facts, ...files.map((file) => file.key)]);
  const content = () => hashOf([...facts, ...files.flatMap((file) => [file.relative, readFileSync(path.join(root, file.relative))])]);
  return { key, content };
}

function hashOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}

export function readStamp(step) {
  try {
    return JSON.parse(readFileSync(path.join(stampFolder, `${step}.json`), 'utf8'));
  } catch {
    return null;
  }
}

/** Returns the stamp when the step has run on just this state, else null. */
export function currentStamp(step, state) {
  const stamp = readStamp(step);
  if (!stamp) return null;
  if (stamp.key === state.key) return stamp;
  if (stamp.content !== state.content()) return null;
  return writeStamp(step, state, stamp.result);
}

export function writeStamp(step, state, result) {
  const stamp = { key: state.key, content: state.content(), result };
  mkdirSync(stampFolder, { recursive: true });
  writeFileSync(path.join(stampFolder, `${step}.json`), JSON.stringify(stamp));
  return stamp;
}

export function dropStamp(step) {
  rmSync(path.join(stampFolder, `${step}.json`), { force: true });
}

/** Where the output of a step is kept for reading. */
export function logPath(step) {
  mkdirSync(stampFolder, { recursive: true });
  return path.join(stampFolder, `${step}.log`);
}
