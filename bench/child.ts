/** Runs a program of this benchmark in a process of its own, so that rows do not disturb each other. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { errorText } from './errorText.ts';

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
  const args = [...(options.nodeOptions ?? []), script, JSON.stringify(options.order)];
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
      const said = errors.join('');
      if (code !== 0) return reject(new Error(`it ended with ${signal ?? `code ${code}`}: ${errorText(said)}`));
      return resolve(lastJson(output.join(''), said));
    });
  });
}

function lastJson(output: string, said: string): unknown {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  if (line === '') throw new Error(`it said nothing: ${errorText(said)}`);
  return JSON.parse(line);
}
