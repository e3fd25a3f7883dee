import { readFileSync } from 'node:fs';
import type { Random } from '../../base/ports.ts';
import { ToolError } from '../toolError.ts';

const FIRST_LETTER = 65;
const LETTERS = 26;

/** A payload of capital letters. */
export function randomPayload(random: Random, sizeBytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: sizeBytes }, () => FIRST_LETTER + Math.floor(random.next() * LETTERS)));
}

/** The payloads of a file. Throws ToolError when there is none. */
export function readPayloads(file: string, delimiter: string): Buffer[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ToolError((error as Error).message);
  }
  const pieces = text.split(delimiter === '\\n' ? '\n' : delimiter);
  if (pieces.at(-1) === '') pieces.pop();
  if (pieces.length === 0 || text === '') throw new ToolError(`File does not exist or empty file provided: ${file}`);
  return pieces.map((piece) => Buffer.from(piece));
}
