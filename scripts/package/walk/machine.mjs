/** The machine of somebody who installs the package: which programs there are, and which are out of reach. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findProgram } from '../../setup/run.mjs';
import { root } from '../../setup/stamps.mjs';

const NODE_LINES = ['20', '22', '24', '26'];
const TIME_LIMIT_MS = 600_000;

export function cacheFolder(name) {
  const folder = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'tidelog', name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Runs to the end; throws with what was said when it ends badly. Returns standard output. */
export function mustRun(program, args, options = {}) {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 << 20, timeout: TIME_LIMIT_MS, ...options });
  if (result.status === 0) return result.stdout;
  throw new Error(`${[program, ...args].join(' ')} ended with ${result.status ?? result.signal ?? result.error?.message}:\n${result.stdout}\n${result.stderr}`);
}

const npmProgram = () => {
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? process.env.npm_execpath : findProgram(['npm']);
  if (npm === null) throw new Error('npm is needed');
  return realpathSync(npm);
};

/** Returns the tarball. */
export function pack({ folder, say }) {
  const target = path.join(folder, 'packed');
  mkdirSync(target);
  console.log('npm pack:');
  const result = spawnSync(process.execPath, [npmProgram(), 'pack', '--pack-destination', target], { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  for (const line of result.stderr.split('\n').filter((text) => /prepack|cannot/.test(text))) say(line);
  if (result.status !== 0) throw new Error(`npm pack failed:\n${result.stderr}`);
  return path.join(target, readdirSync(target)[0]);
}

/** { name, arch, command, env }: `command` is the words that start it. */
export function findNodes({ folder, fetch, skip }, given) {
  const programs = [process.execPath, ...given];
  if (fetch) programs.push(...NODE_LINES.map((line) => fetchNode('x64', line)));
  const nodes = new Map();
  for (const program of programs) {
    const version = mustRun(program, ['-p', 'process.version']).trim();
    nodes.set(version, { name: `Node ${version}`, version, arch: process.arch, command: [program], env: bareEnvironment(folder, program) });
  }
  for (const line of NODE_LINES) {
    if (![...nodes.keys()].some((version) => version.startsWith(`v${line}.`))) skip(`Node ${line}`, 'not at hand: --fetch brings it from npm, --node names one');
  }
  return [...nodes.values()];
}

/** A Node from the npm registry, which has them as packages; kept in the user's cache. */
export function fetchNode(arch, line) {
  const folder = cacheFolder(`node-linux-${arch}-${line}`);
  const program = path.join(folder, 'package/bin/node');
  if (existsSync(program)) return program;
  const name = JSON.parse(mustRun(process.execPath, [npmProgram(), 'pack', '--json', `node-linux-${arch}@${line}`], { cwd: folder }))[0].filename;
  mustRun('tar', ['-xzf', name], { cwd: folder });
  return program;
}

/** PATH leads to this Node and to a shell, to nothing else. */
function bareEnvironment(folder, program) {
  const bin = mkdtempSync(path.join(folder, 'path-'));
  symlinkSync(realpathSync(program), path.join(bin, 'node'));
  symlinkSync('/bin/sh', path.join(bin, 'sh'));
  const { HOME, LANG, TMPDIR } = process.env;
  return { PATH: bin, HOME, ...(LANG && { LANG }), ...(TMPDIR && { TMPDIR }) };
}

/** An empty project with the tarball and `packages` in it, install scripts blocked. */
export function installInto(folder, { tarball, nodes }, { packages = [], arch = process.arch, type = 'module' } = {}) {
  mkdirSync(folder, { recursive: true });
  const [{ command, env }] = nodes;
  const machine = arch === process.arch ? [] : [`--cpu=${arch}`, '--os=linux', '--libc=glibc'];
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...machine];
  const registry = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(npm_config_(registry|cache|userconfig)|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)$/i.test(name)));
  if (!existsSync(path.join(folder, 'package.json'))) mustRun(command[0], [npmProgram(), 'init', '--yes', `--init-type=${type}`], { cwd: folder, env });
  mustRun(command[0], [npmProgram(), 'install', ...flags, tarball, ...packages], { cwd: folder, env: { ...env, ...registry } });
  return path.join(folder, 'node_modules/tidelog');
}

/** Runs a script of Node's to its end in a folder; returns standard output. */
export function runNode(node, args, { cwd, ...options } = {}) {
  const [program, ...words] = node.command;
  return mustRun(program, [...words, ...args], { cwd, env: node.env, ...options });
}

export function expectSame(found, wanted, what) {
  if (String(found) !== String(wanted)) throw new Error(`${what} is ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
}
