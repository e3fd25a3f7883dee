import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './stamps.mjs';

/** Runs a program to its end. Its output is returned, and kept in `logFile` when one is given. */
export function run(program, args, { logFile, ...options } = {}) {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20, ...options });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? `${result.error.message}\n` : ''}`;
  if (logFile) writeFileSync(logFile, `$ ${program} ${args.join(' ')}\n${output}`);
  return { ok: result.status === 0, output };
}

/** The path of a program on PATH, or null. */
export function findProgram(names) {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
      const file = path.join(folder, process.platform === 'win32' ? `${name}.exe` : name);
      if (folder !== '' && existsSync(file)) return file;
    }
  }
  return null;
}

export const lastLines = (text, count) => text.trimEnd().split('\n').slice(-count).join('\n');
