/** `-daemon`: the broker goes on in a process of its own, whose output goes to a file. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { systemEnvironment } from '../../config/environment.ts';

const OUTPUT_FILE = 'kafkaServer.out';
const SHOWN_BYTES_MAX = 20_000;

/** Starts `program` without the terminal; resolves with the exit code of this process once the broker says that it listens, or has failed. */
export async function startDaemon(program: string, words: readonly string[]): Promise<number> {
  const folder = process.env['LOG_DIR'] ?? path.join(path.dirname(systemEnvironment().defaultLogDir), 'tidelog-logs');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, OUTPUT_FILE);
  const output = openSync(file, 'a');
  const startBytes = statSync(file).size;
  const child = spawn(process.execPath, [...process.execArgv, program, ...words], { detached: true, env: { ...process.env, TIDELOG_DAEMON: '1' }, stdio: ['ignore', output, output, 'ipc'] });
  closeSync(output);
  const outcome = await new Promise<'started' | number>((resolve, reject) => {
    child.once('message', () => resolve('started'));
    child.once('exit', (code) => resolve(code ?? 1));
    child.once('error', reject);
  });
  if (outcome === 'started') {
    child.disconnect();
    child.unref();
    process.stdout.write(`started in the background as process ${child.pid}; its output goes to ${file}\n`);
    return 0;
  }
  process.stderr.write(readFileSync(file).subarray(startBytes).subarray(-SHOWN_BYTES_MAX));
  return outcome === 0 ? 1 : outcome;
}
