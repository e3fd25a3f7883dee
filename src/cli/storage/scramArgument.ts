/** `--add-scram`, in the words of `kafka-storage format`: `SCRAM-SHA-256=[name=alice,password=secret,iterations=4096]`. */
import type { FirstScramUser } from '../../node/index.ts';

/** Null for text of another form. Nothing of it may be shown: it holds a password. */
export function parseScramArgument(text: string): FirstScramUser | null {
  const match = /^(SCRAM-SHA-(?:256|512))=\[(.*)\]$/s.exec(text.trim());
  if (match === null) return null;
  const fields = new Map<string, string>();
  for (const part of (match[2] as string).split(',')) {
    const field = /^\s*(name|password|iterations)\s*=\s*(?:"(.*)"|(.*?))\s*$/s.exec(part);
    if (field === null) return null;
    fields.set(field[1] as string, field[2] ?? field[3] ?? '');
  }
  const user = fields.get('name') ?? '';
  const password = fields.get('password') ?? '';
  const iterations = fields.get('iterations');
  if (user === '' || password === '' || (iterations !== undefined && !/^\d{1,6}$/.test(iterations))) return null;
  return { mechanism: match[1] as string, user, password, ...(iterations === undefined ? {} : { iterations: Number(iterations) }) };
}
