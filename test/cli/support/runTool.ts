import { PassThrough, Readable, Writable } from 'node:stream';
import { systemRandom } from '../../../src/base/systemPorts.ts';
import type { Network } from '../../../src/base/wire.ts';
import { Terminal, type Screen } from '../../../src/cli/terminal.ts';
import { runTool, type Tool } from '../../../src/cli/tool.ts';
import { clientClock } from '../../../src/client/clientClock.ts';
import { createLoopbackNetwork } from '../../../src/net/loopback.ts';

export interface ToolRun {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

export interface ToolRunOptions {
  readonly network?: Network;
  readonly input?: string | Readable;
  readonly interrupted?: AbortSignal;
  readonly isInteractive?: boolean;
  readonly screen?: Screen;
  /** Hears each piece of output. */
  readonly onOutput?: (text: string, output: Writable) => void;
}

/** Runs a tool inside the test. */
export async function run(tool: Tool, argv: readonly string[], options: ToolRunOptions = {}): Promise<ToolRun> {
  const pieces: Buffer[] = [];
  const complaints: Buffer[] = [];
  const output = new Writable({
    highWaterMark: 1024,
    write(chunk: Buffer, _encoding, done) {
      pieces.push(Buffer.from(chunk));
      options.onOutput?.(chunk.toString(), output);
      setImmediate(done);
    },
  });
  const errors = new PassThrough();
  errors.on('data', (chunk: Buffer) => complaints.push(chunk));
  const input = typeof options.input === 'object' ? options.input : Readable.from([Buffer.from(options.input ?? '')]);
  const terminal = new Terminal(() => input, output, errors, options.isInteractive ?? false, options.screen);
  const interrupted = options.interrupted ?? new AbortController().signal;
  const environment = { terminal, network: options.network ?? createLoopbackNetwork(), clock: clientClock, random: systemRandom, interrupted };
  const code = await runTool(tool, argv, environment);
  await terminal.flush();
  await new Promise((resolve) => setImmediate(resolve));
  return { code, output: Buffer.concat(pieces).toString(), errors: Buffer.concat(complaints).toString() };
}
