/** The disk contract suite, run with the addon of the installed package. */
import path from 'node:path';
import { bundleContract } from '../contract/bundleContract.mjs';
import { installInto, runNode } from './machine.mjs';

export async function runContract(context) {
  const installed = installInto(path.join(context.folder, 'contract'), context);
  const bundle = await bundleContract(installed);
  for (const node of context.nodes) context.say(`${node.name}: ${contractResult(node, bundle)}`);
}

/** The closing line; throws when a test failed, or none ran with the addon. */
export function contractResult(node, bundle) {
  const output = runNode(node, [bundle], { cwd: path.dirname(bundle), timeout: 3_600_000 });
  if (/SKIPPED: the native disk/.test(output)) throw new Error(output);
  const lines = output.trim().split('\n');
  return `${lines.at(-1)}${lines.filter((line) => line.startsWith('SKIPPED')).map((line) => `; ${line}`).join('')}`;
}
