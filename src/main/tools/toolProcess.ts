import { isatty } from 'node:tty';
import { systemRandom } from '../../base/systemPorts.ts';
import { Terminal } from '../../cli/terminal.ts';
import { runTool, type Tool } from '../../cli/tool.ts';
import { clientClock } from '../../client/clientClock.ts';
import { createTcpNetwork } from '../../net/tcp.ts';
import { openStandardOutput } from './standardOutput.ts';

const [STANDARD_INPUT, STANDARD_OUTPUT, STANDARD_ERROR] = [0, 1, 2];
/** No timer may be longer. */
const LONG_MS = 2 ** 31 - 1;

/** Runs a tool as this process. The first SIGINT or SIGTERM lets it end what it began, the second ends it at once. */
export async function runToolProcess(tool: Tool, argv: readonly string[] = process.argv.slice(2)): Promise<never> {
  // asked of the descriptors: `process.stdin` would load Node's file streams for a tool that reads nothing
  const isInteractive = isatty(STANDARD_INPUT) && isatty(STANDARD_OUTPUT);
  const isScreen = isatty(STANDARD_ERROR);
  const terminal = new Terminal(() => process.stdin, openStandardOutput(), process.stderr, isInteractive, { hasColours: isScreen && process.stderr.hasColors(), showsProgress: isScreen });
  const interruption = new AbortController();
  let signalCode = 0;
  const interrupt = (code: number) => () => {
    signalCode = code;
    interruption.abort();
  };
  process.once('SIGINT', interrupt(130));
  process.once('SIGTERM', interrupt(143));
  // a promise alone does not keep the process alive
  const alive = setInterval(() => {}, LONG_MS);
  const environment = { terminal, network: createTcpNetwork(), clock: clientClock, random: systemRandom, interrupted: interruption.signal };
  const code = await runTool(tool, argv, environment);
  await terminal.flush();
  clearInterval(alive);
  process.exit(signalCode === 0 ? code : signalCode);
}
