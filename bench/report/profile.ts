/** Where the time went: the functions of V8's CPU profiles by the time in themselves. */
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface HotFunction {
  readonly name: string;
  /** Of the time that the process was not idle. */
  readonly share: number;
}

const LINES = 25;
const IDLE = '(idle)';

/** Options for Node that make a process write its profile into `folder` when it ends. */
export const profileOptions = (folder: string): string[] => ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500'];

/** Most time first. Functions of the addon have no file; `(program)` is native code under no function of JavaScript. */
export function hotFunctions(profile: CpuProfile): HotFunction[] {
  const names = new Map(profile.nodes.map((node) => [node.id, nameOf(node)]));
  const times = new Map<string, number>();
  let total = 0;
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? '';
    const time = Math.max(profile.timeDeltas[index] ?? 0, 0);
    if (name === IDLE) continue;
    times.set(name, (times.get(name) ?? 0) + time);
    total += time;
  }
  return [...times].map(([name, time]) => ({ name, share: time / total })).sort((left, right) => right.share - left.share);
}

function nameOf({ callFrame }: ProfileNode): string {
  const name = callFrame.functionName === '' ? '(anonymous)' : callFrame.functionName;
  if (callFrame.url === '') return name;
  return `${name} ${path.basename(callFrame.url)}:${callFrame.lineNumber + 1}`;
}

/** Lines for the profiles in `folder`, which are removed. */
export function profileLines(folder: string, title: string): string[] {
  const lines: string[] = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
    const profile = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as CpuProfile;
    lines.push('', `time in itself, ${title}`);
    for (const { name, share } of hotFunctions(profile).slice(0, LINES)) lines.push(`  ${(share * 100).toFixed(1).padStart(5)} %  ${name}`);
    rmSync(path.join(folder, file));
  }
  return lines;
}
