import { createInterface } from 'node:readline';
import type { Terminal } from './terminal.ts';

/** Asks on the terminal and takes a line that is y for yes; the end of the input is no. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  await terminal.print(`${question}\n`);
  const lines = createInterface({ input: terminal.input });
  try {
    for await (const line of lines) return line.trim().toLowerCase() === 'y';
    return false;
  } finally {
    lines.close();
  }
}
