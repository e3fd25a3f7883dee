import { appendFileSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExitCode, runVerify } from '../../src/main/verify/verifyProgram.ts';
import { openLogs } from '../../src/storage/index.ts';
import type { OpenLog, OpenLogs } from '../../src/storage/index.ts';

let root = '';
let logs: OpenLogs;
let log: OpenLog;

beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'tidelog-verify-'));
  logs = await openLogs(root, { settings: { segmentBytes: 300, fileDeleteDelayMs: 0 } });
  log = await logs.open('a');
  for (let index = 0; index < 20; index += 1) await log.append({ key: 'k', value: `value ${index}`, timestampMs: index }).accepted;
});
afterEach(async () => {
  await logs.close();
  rmSync(root, { recursive: true, force: true });
});

const file = (name: string): string => path.join(root, 'a-0', name);
const segments = (): string[] => readdirSync(path.join(root, 'a-0')).filter((name) => name.endsWith('.log')).sort();

async function verify(...argv: string[]): Promise<{ code: number; text: string; progress: string }> {
  let text = '';
  let progress = '';
  const code = await runVerify(argv, { out: (more) => void (text += more), progress: (more) => void (progress += more) });
  return { code, text, progress };
}

const damage = (name: string, position: number): void => {
  const descriptor = openSync(file(name), 'r+');
  writeSync(descriptor, Buffer.from([255]), 0, 1, position);
  closeSync(descriptor);
};

const values = async (): Promise<string[]> => {
  const again = await openLogs(root);
  const found: string[] = [];
  for await (const { value } of (await again.open('a')).read()) found.push(String(value));
  await again.close();
  return found;
};

describe('tidelog-verify', () => {
  it('finds a sound store sound, also while it is written', async () => {
    expect(await verify(root)).toMatchObject({ code: ExitCode.sound, text: expect.stringMatching(/sound; 1 logs, \d+ segments, 20 batches, 20 records.*in use/) });
    await logs.close();
    const { code, text, progress } = await verify(root);
    expect([code, text.includes('in use'), progress.includes('100 %')]).toEqual([ExitCode.sound, false, true]);
  });

  it('names what is damaged, and repairs it without losing a byte', async () => {
    await logs.close();
    const [first, second] = segments() as [string, string];
    damage(second, 75);
    writeFileSync(file(first.replace('.log', '.index')), Buffer.alloc(11, 1));
    writeFileSync(path.join(root, 'log-start-offset-checkpoint'), 'nonsense');
    const found = await verify('--quiet', root);
    expect(found.code).toBe(ExitCode.damaged);
    for (const part of [`batch: ${file(second)} at 0`, 'index: ', 'checkpoint: ', '3 problems']) expect(found.text).toContain(part);
    expect(found.progress).toBe('');
    const repaired = await verify('--repair', root);
    expect([repaired.code, repaired.text.includes('3 problems repaired')]).toEqual([ExitCode.sound, true]);
    const kept = readdirSync(path.join(root, 'a-0.damaged'));
    expect(kept).toContain(`${second}.from-0`);
    expect(kept.filter((name) => name.endsWith('.log')).length).toBeGreaterThan(0);
    const left = await values();
    expect(left.length).toBe(Number(second.slice(0, 20)));
    expect(left[0]).toBe('value 0');
    expect((await verify(root)).code).toBe(ExitCode.sound);
  });

  it('cuts a torn end', async () => {
    await logs.close();
    appendFileSync(file(segments().at(-1)!), Buffer.alloc(40, 7));
    expect((await verify(root)).code).toBe(ExitCode.damaged);
    expect((await verify('--repair', root)).code).toBe(ExitCode.sound);
    expect(await values()).toHaveLength(20);
  });

  it('misses a segment', async () => {
    await logs.close();
    rmSync(file(segments()[1]!));
    const { code, text } = await verify(root);
    expect([code, text.includes('offsets: ')]).toEqual([ExitCode.damaged, true]);
  });

  it('says it in JSON, and how it is used', async () => {
    await logs.close();
    expect(JSON.parse((await verify('--json', '--quiet', root)).text)).toMatchObject({ folder: root, logs: 1, batches: 20, problems: [], isInUse: false, repaired: 0 });
    expect((await verify(path.join(root, 'nowhere'))).code).toBe(ExitCode.cannotTell);
    expect((await verify()).code).toBe(ExitCode.wrongUse);
    expect((await verify('--wrong', root)).code).toBe(ExitCode.wrongUse);
    expect(await verify('--help')).toMatchObject({ code: ExitCode.sound, text: expect.stringContaining('Exit codes') });
  });

  it('repairs no store that is in use', async () => {
    damage(segments()[0]!, 75);
    const { code, text } = await verify('--repair', root);
    expect([code, text.includes('in use')]).toEqual([ExitCode.cannotTell, true]);
  });
});
