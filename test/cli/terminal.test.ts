import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Progress } from '../../src/cli/progress.ts';
import { Terminal, type Screen } from '../../src/cli/terminal.ts';
import { topicsTool } from '../../src/cli/topics/topicsTool.ts';
import { clientClock } from '../../src/client/clientClock.ts';
import { run } from './support/runTool.ts';

/** Both streams of a terminal in the order in which it shows them. */
function terminalOf(screen?: Screen): { readonly terminal: Terminal; readonly shown: string[] } {
  const shown: string[] = [];
  const stream = () => new Writable({
    write(chunk: Buffer, _encoding, done) {
      shown.push(chunk.toString());
      done();
    },
  });
  return { terminal: new Terminal(() => process.stdin, stream(), stream(), false, screen), shown };
}

describe('colours', () => {
  it('tell failures from warnings where there are colours', () => {
    const { terminal, shown } = terminalOf({ hasColours: true, showsProgress: false });
    terminal.complain('broken', 'failure');
    terminal.complain('odd', 'warning');
    terminal.complain('said');
    expect(shown).toEqual(['\u001b[31mbroken\u001b[39m\n', '\u001b[33modd\u001b[39m\n', 'said\n']);
  });

  it('are not for pipes and files', async () => {
    const failed = await run(topicsTool, ['--lisst']);
    expect(failed.errors).toBe('lisst is not a recognized option. Did you mean --list?\nkafka-topics --help shows all options.\n');
    const coloured = await run(topicsTool, ['--lisst'], { screen: { hasColours: true, showsProgress: false } });
    expect(coloured.errors).toBe('\u001b[31mlisst is not a recognized option. Did you mean --list?\u001b[39m\nkafka-topics --help shows all options.\n');
  });
});

describe('progress', () => {
  const clockAt = (times: number[]) => ({ ...clientClock, monotonicMs: () => times.shift() as number });

  it('is a line that gives way to all others', async () => {
    const { terminal, shown } = terminalOf({ hasColours: false, showsProgress: true });
    const progress = new Progress(terminal, clockAt([0, 100, 300, 400, 900, 1000]), 200, 'records');
    for (const done of [10, 50, 60, 199]) progress.at(done);
    await terminal.print('a line\n');
    terminal.complain('another');
    progress.at(200);
    expect(shown).toEqual(['\r\u001b[K25 % (50 of 200 records)', '\r\u001b[K99 % (199 of 200 records)', '\r\u001b[K', 'a line\n', 'another\n']);
  });

  it('is cleared at the end', async () => {
    const { terminal, shown } = terminalOf({ hasColours: false, showsProgress: true });
    terminal.progress('half');
    await terminal.flush();
    expect(shown.at(-1)).toBe('\r\u001b[K');
  });

  it('is not for pipes and files', () => {
    const { terminal, shown } = terminalOf();
    new Progress(terminal, clockAt([0, 1000]), 2, 'records').at(1);
    terminal.progress('half');
    expect(shown).toEqual([]);
  });
});
