/** Java's tool and ours, called with the same words. */
import path from 'node:path';
import { projectRoot } from './broker.ts';
import type { JavaCalls } from './javaCalls.ts';
import { run, type RunResult } from './run.ts';
import { type ToolCase } from './toolCases.ts';

const OURS_TIMEOUT_MS = 60_000;
/** Tools with commands take --bootstrap-server behind the command. */
const SERVER_BEHIND: ReadonlySet<string> = new Set(['kafka-cluster']);

export const program = (tool: string): string => path.join(projectRoot, 'bin', tool);

export interface Compared {
  readonly line: string;
  readonly java: RunResult;
  readonly ours: RunResult;
  readonly isSame: boolean;
}

export interface Comparing {
  readonly java: JavaCalls;
  readonly address: string;
  /** What FOLDER in a line stands for. */
  readonly folder: string;
}

/** SIDE in a line is a name that each of the two has for itself, for what can be made or deleted only once. Of calls with ` ; ` between them the last is compared. */
export async function compareLine(toolCase: ToolCase, line: string, { java, address, folder }: Comparing): Promise<Compared> {
  const argsOf = (call: string, side: string): string[] => {
    const words = wordsOf(call.replaceAll('FOLDER', folder).replaceAll('ADDRESS', address).replaceAll('SIDE', side));
    const server = toolCase.isLocal === true ? [] : ['--bootstrap-server', address];
    return SERVER_BEHIND.has(toolCase.tool) ? [...words, ...server] : [...server, ...words];
  };
  const theirs = await lastOf(line, (call) => java.call(toolCase.mainClass, argsOf(call, 'side1')));
  const ours = await lastOf(line, (call) => run(process.execPath, [program(toolCase.tool), ...argsOf(call, 'side2')], { timeoutMs: OURS_TIMEOUT_MS }));
  const mask = (text: string) => (toolCase.mask ?? ((same) => same))(line.includes('SIDE') ? text.replaceAll(/side[12]/g, 'SIDE').replaceAll(/TopicId: \S+/g, '') : text);
  const wanted = [theirs.code, comparable(mask(withoutTrace(theirs.stdout)))];
  const found = [ours.code, comparable(mask(ours.stdout))];
  return { line: `${toolCase.tool} ${line}`, java: theirs, ours, isSame: JSON.stringify(wanted) === JSON.stringify(found) };
}

async function lastOf(line: string, make: (call: string) => Promise<RunResult>): Promise<RunResult> {
  const calls = line.split(' ; ');
  for (const call of calls.slice(0, -1)) await make(call);
  return make(calls.at(-1) as string);
}

/** Words between blanks; quotes hold blanks together. */
const wordsOf = (line: string): string[] => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? (bare as string));

const sortedList = (list: string): string => list.split(/(?<=\}),/).sort().join(',');

/** Lines without what differs from call to call, in an order of their own: Java's maps have none. */
const comparable = (text: string): string[] => {
  const ordered = text.replaceAll(/deadlineMs=.*$/gm, '').replaceAll(/"partitions":\[(\{[^\]]*\})\]/g, (_, list: string) => `"partitions":[${sortedList(list)}]`).replaceAll(/\tConfigs: (.*)$/gm, (_, list: string) => `\tConfigs: ${list.split(/,(?=[\w.]+=)/).sort().join(',')}`);
  return ordered.split('\n').filter((line) => line !== '').sort();
};

/** What Java's tools print of a failure on standard output beside the message. */
function withoutTrace(text: string): string {
  const lines = text.split('\n');
  const isOfTrace = (line: string) => /^\s+at |^\t*Caused by: |^\t\.\.\. \d+ more|^ at \[Source|^java\.util\.concurrent\.ExecutionException: /.test(line);
  const isHead = (line: string, index: number) => /^[\w.$]+(?:Exception|Error)\b/.test(line) && /^\s+at /.test(lines[index + 1] ?? '');
  return lines.filter((line, index) => !isOfTrace(line) && !isHead(line, index)).join('\n').replaceAll('java.util.concurrent.ExecutionException: ', '');
}
