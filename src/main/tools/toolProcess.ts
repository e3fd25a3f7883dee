import { createWriteStream } from 'node:fs';
import { systemRandom } from '../../base/systemPorts.ts';
import { Terminal } from '../../cli/terminal.ts';
import { runTool, type Tool } from '../../cli/tool.ts';
import { clientClock } from '../../client/clientClock.ts';
import { createTcpNetwork } from '../../net/tcp.ts';

const STANDARD_OUTPUT = 1;
/** No timer may be longer. */
const LONG_MS = 2 ** 31 - 1;

/** Runs a tool as this process. The first SIGINT or SIGTERM lets it end what it began, the second ends it at once. */
export async function runToolProcess(tool: Tool, argv: readonly string[] = process.argv.slice(2)): Promise<never> {
  // `process.stdout` would block on a pipe that nobody empties, and with it the heartbeats of a group's member
  const output = createWriteStream('', { fd: STANDARD_OUTPUT, autoClose: false });
  const isInteractive = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const isScreen = process.stderr.isTTY;
  const terminal = new Terminal(() => process.stdin, output, process.stderr, isInteractive, { hasColours: isScreen && process.stderr.hasColors(), showsProgress: isScreen });
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
