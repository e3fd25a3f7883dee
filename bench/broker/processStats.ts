/** CPU time and memory of another process: from /proc where there is one, else from `ps`. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Clock ticks a second in /proc/<pid>/stat: 100 for programs on every Linux. */
const TICKS_PER_SECOND = 100;
const isLinux = process.platform === 'linux';

/** User and system time, seconds. */
export function cpuSeconds(pid: number): number {
  if (!isLinux) return parsePsTime(ps(pid, 'time='));
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory, MB; `anonymous`: without the pages of mapped files, which are page cache (Linux only, elsewhere all of it). */
export function residentMegabytes(pid: number, kind: 'all' | 'anonymous'): number {
  if (!isLinux) return Number(ps(pid, 'rss=')) / 1024;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = kind === 'all' ? 'VmRSS' : 'RssAnon';
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
}

function ps(pid: number, field: string): string {
  return execFileSync('ps', ['-o', field, '-p', String(pid)], { encoding: 'utf8' }).trim();
}

/** [[days-]hours:]minutes:seconds[.hundredths] */
export function parsePsTime(text: string): number {
  const [days, clock] = text.includes('-') ? (text.split('-') as [string, string]) : ['0', text];
  const seconds = clock.split(':').reduce((total, part) => total * 60 + Number(part), 0);
  return Number(days) * 86_400 + seconds;
}
