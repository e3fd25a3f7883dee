/** What the kernel says about another process. Linux only: elsewhere the answers are null. */
import { readFileSync } from 'node:fs';

const MIB = 2 ** 20;

/** Memory of its own, without mapped files, in MiB; null where the system does not say. */
export function ownMemoryMib(pid: number): number | null {
  try {
    const match = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match === null ? null : (Number(match[1]) * 1024) / MIB;
  } catch {
    return null;
  }
}

/** Seconds on a processor since it began; null where the system does not say. */
export function processorSeconds(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const TICKS_PER_SECOND = 100;
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}

/** Keeps the largest memory seen. */
export class MemoryWatch {
  readonly startMib: number;
  peakMib: number;
  readonly #timer: NodeJS.Timeout;
  readonly #pid: number;

  constructor(pid: number, everyMs = 10) {
    this.#pid = pid;
    this.startMib = ownMemoryMib(pid) ?? 0;
    this.peakMib = this.startMib;
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  get grownMib(): number {
    return this.peakMib - this.startMib;
  }

  stop(): void {
    this.#look();
    clearInterval(this.#timer);
  }

  #look(): void {
    this.peakMib = Math.max(this.peakMib, ownMemoryMib(this.#pid) ?? 0);
  }
}
