import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import type { Options } from '../options.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';

const WAIT_MS = 100;

export const serverStopTool: Tool = {
  name: 'kafka-server-stop',
  purpose: 'Stops brokers on this machine that were started with kafka-server-start: all of them that this user may stop, or one by its node id.',
  options: [
    { name: 'node-id', argument: 'id', description: 'Only the broker that was started with this node.id (or broker.id).' },
    { name: 'process-role', argument: 'role', description: 'broker, or controller, of which there are none.' },
    { name: 'wait', description: 'Return when they have ended.' },
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const role = options.value('process-role') ?? 'broker';
  if (role !== 'broker' && role !== 'controller') throw new UsageError(`The role ${role} is not known: wanted is broker or controller`);
  const processes = role === 'controller' ? [] : brokerProcesses().filter(({ words }) => isWanted(words, options.value('node-id')));
  if (processes.length === 0) throw new ToolError('No kafka server to stop');
  for (const { pid } of processes) process.kill(pid, 'SIGTERM');
  if (options.has('wait')) await ended(processes.map(({ pid }) => pid), environment);
  return 0;
}

interface BrokerProcess {
  readonly pid: number;
  readonly words: readonly string[];
}

/** Processes of Node whose program is ours, by what the system tells of each. */
function brokerProcesses(): BrokerProcess[] {
  if (process.platform !== 'linux') throw new ToolError('Processes can be found on Linux only: end the broker by its process id');
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    const pid = Number(name);
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').slice(0, -1);
      const isNode = path.basename(readlinkSync(`/proc/${name}/exe`)).startsWith('node');
      const program = words.findIndex((word, index) => index > 0 && /(^|\/)(kafka-server-start|server-start\.js)$/.test(word));
      return isNode && program > 0 && pid !== process.pid ? [{ pid, words: words.slice(program + 1) }] : [];
    } catch {
      // ended meanwhile, or another user's
      return [];
    }
  });
}

function isWanted(words: readonly string[], nodeId: string | undefined): boolean {
  if (nodeId === undefined) return true;
  const settings = words.map((word) => /^(?:node|broker)\.id=(.*)$/.exec(word)?.[1]).filter((id) => id !== undefined);
  return settings.length > 0 ? settings.at(-1) === nodeId : words.some((word) => word.endsWith('.properties') && hasNodeId(word, nodeId));
}

function hasNodeId(file: string, nodeId: string): boolean {
  try {
    return new RegExp(`^\\s*(?:node|broker)\\.id\\s*[=:]\\s*${nodeId.replaceAll(/\W/g, '')}\\s*$`, 'm').test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}

async function ended(pids: readonly number[], { clock, interrupted }: ToolEnvironment): Promise<void> {
  const isAlive = (pid: number) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  while (pids.some(isAlive) && !interrupted.aborted) await new Promise<void>((resolve) => void clock.setTimer(WAIT_MS, resolve));
}
