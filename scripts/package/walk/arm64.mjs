/** The package on arm64: Node for that processor under qemu-user, with Debian's C library for it. */
import { cpSync, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from '../../setup/run.mjs';
import { root } from '../../setup/stamps.mjs';
import { bundleContract } from '../contract/bundleContract.mjs';
import { contractResult } from './contractStep.mjs';
import { cacheFolder, fetchNode, installInto, mustRun } from './machine.mjs';
import { walkBroker } from './programs.mjs';
import { walkAuditLog } from './storage.mjs';

const NODE_LINES = ['20', '26'];
const LIBRARY_PACKAGES = ['libc6-arm64-cross', 'libstdc++6-arm64-cross', 'libgcc-s1-arm64-cross', 'libatomic1-arm64-cross'];

export async function runArm64(context) {
  const emulator = findProgram(['qemu-aarch64-static', 'qemu-aarch64']);
  if (process.platform !== 'linux' || emulator === null) return context.skip('arm64', 'it needs Linux and qemu-aarch64 (Debian: qemu-user-static)');
  const libraries = process.env.TIDELOG_ARM64_ROOT ?? (context.fetch ? fetchLibraries() : null);
  const programs = process.env.TIDELOG_ARM64_NODES?.split(':') ?? (context.fetch ? NODE_LINES.map((line) => fetchNode('arm64', line)) : []);
  if (libraries === null || programs.length === 0) return context.skip('arm64', 'no Node and C library for it: --fetch brings them');
  const folder = path.join(context.folder, 'arm64');
  cpSync(path.join(root, 'examples/audit-log'), folder, { recursive: true });
  const installed = installInto(folder, context, { arch: 'arm64' });
  const bundle = context.withContract ? await bundleContract(installed) : null;
  for (const program of programs) await walkNode(context, folder, nodeUnder(emulator, libraries, program, context.nodes[0].env), bundle);
}

function nodeUnder(emulator, libraries, program, { HOME, PATH }) {
  const command = [emulator, '-L', libraries, program];
  const version = mustRun(command[0], [...command.slice(1), '-p', 'process.version']).trim();
  return { name: `Node ${version} for arm64 under ${path.basename(emulator)}`, version, arch: 'arm64', command, env: { HOME, PATH } };
}

async function walkNode(context, folder, node, bundle) {
  context.say(`${node.name}: ${walkAuditLog(folder, node, context.folder)}`);
  const [command, ...words] = node.command;
  const program = (name) => ({ command, args: [...words, path.join(folder, 'node_modules/tidelog/bin', name)] });
  context.say(`${node.name}: ${await walkBroker(folder, node, program, context.folder)}`);
  if (bundle !== null) context.say(`${node.name}: disk contract: ${contractResult(node, bundle)}`);
}

/** Debian's packages, unpacked without installing them. */
function fetchLibraries() {
  const folder = cacheFolder('arm64-libraries');
  const unpacked = path.join(folder, 'usr/aarch64-linux-gnu');
  if (existsSync(path.join(unpacked, 'lib/libatomic.so.1'))) return unpacked;
  mustRun('apt-get', ['download', ...LIBRARY_PACKAGES], { cwd: folder });
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) mustRun('dpkg', ['-x', file, '.'], { cwd: folder });
  return unpacked;
}
