/** The completion script in the shells that it is for. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { completionScript } from '../../src/main/tools/completion.ts';

const hasShell = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

describe.each(['bash', 'zsh'])('completion in %s', (shell) => {
  const hasIt = hasShell(shell);
  if (!hasIt) console.warn(`SKIPPED: completion in ${shell}, which is not installed`);

  it.runIf(hasIt).each([
    [['kafka-topics', '--desc'], ['--describe']], [['tidelog', 'console-p'], ['console-producer']], [['tidelog', 'topics', '--creat'], ['--create']], [['/opt/bin/kafka-cluster', 'cluster'], ['cluster-id']], [['tidelog', 'completi'], ['completion']],
    [['kafka-topics', '--nosuch'], []],
  ])('%j', async (words, completed) => {
    const place = `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}`;
    // zsh calls the function so, and leaves the choice among the words to the shell
    const ask = shell === 'zsh' ? 'compgen -F _tidelog' : `_tidelog; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync(shell, [], { input: `${await completionScript(shell)}\n${place}\n${ask}\n`, encoding: 'utf8' });
    const offered = stdout.split('\n').filter((line) => line !== '' && (shell === 'bash' || line.startsWith(words.at(-1) as string)));
    expect([offered, stderr]).toEqual([completed, '']);
  });
});
