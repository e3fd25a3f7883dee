/** Runs a program of this benchmark in a process of its own, so that rows do not disturb each other. */
import { spawn } from 'node:child_process';
import path from 'node:path';

const ERROR_TEXT_MAX = 600;

export interface ChildOptions {
  /** Name of the bundle beside this one. */
  readonly program: 'engine' | 'load';
  readonly order: unknown;
  readonly env?: NodeJS.ProcessEnv;
  readonly nodeOptions?: readonly string[];
  readonly timeoutMs: number;
  /** The child ends itself by this signal instead of answering. */
  readonly expectedSignal?: NodeJS.Signals;
}

/** The child's last line of output as JSON, null where a signal was expected. Rejects with what it wrote to standard error. */
export function runChild(options: ChildOptions): Promise<unknown> {
  const script = path.join(import.meta.dirname, `${options.program}.js`);
  const args = [...(options.nodeOptions ?? []), '--enable-source-maps', script, JSON.stringify(options.order)];
  const child = spawn(process.execPath, args, { env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  const errors: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (signal !== null && signal === options.expectedSignal) return resolve(null);
      const said = errors.join('').trim();
      if (code !== 0) return reject(new Error(`it ended with ${signal ?? `code ${code}`}: ${errorLine(said)}`));
      return resolve(lastJson(output.join(''), said));
    });
  });
}

function lastJson(output: string, said: string): unknown {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  if (line === '') throw new Error(`it said nothing: ${errorLine(said)}`);
  return JSON.parse(line);
}

/** The line of an uncaught error that says what it is. */
function errorLine(said: string): string {
  const lines = said.split('\n');
  return (lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? '').slice(0, ERROR_TEXT_MAX);
}
