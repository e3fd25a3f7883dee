/** Step 1: the packages of package-lock.json. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { lastLines, run } from './run.mjs';
import { currentStamp, listFiles, logPath, root, stateOf, writeStamp } from './stamps.mjs';

export function installPackages(say) {
  const state = stateOf(listFiles(['package-lock.json']));
  if (existsSync(path.join(root, 'node_modules')) && currentStamp('install', state)) return;
  if (!isInstalled()) npmInstall(say);
  writeStamp('install', state, 'installed');
}

/** Whether what npm says it has installed is what the lock file wants: somebody ran `npm install` already. */
function isInstalled() {
  const wanted = readPackages('package-lock.json');
  const found = readPackages('node_modules/.package-lock.json');
  if (!wanted || !found) return false;
  return Object.entries(wanted).every(([name, { version, optional, devOptional, peer }]) => {
    if (name === '') return true;
    if (!found[name]) return Boolean(optional || devOptional || peer);
    return found[name].version === version;
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8')).packages;
  } catch {
    return null;
  }
}

function npmInstall(say) {
  say('set-up: installing packages (npm ci)');
  const args = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--prefer-offline'];
  const result = run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args);
  const logFile = logPath('install');
  writeFileSync(logFile, result.output);
  if (!result.ok) throw new Error(`npm ci failed:\n${lastLines(result.output, 15)}\nall of it: ${logFile}`);
}
