import { nearestName } from '../../base/nearest.ts';
import { packageVersion } from '../../base/version.ts';
import { tools } from './table.ts';
import { runToolProcess } from './toolProcess.ts';

const PREFIX = 'kafka-';

/** Runs the tool that the first argument names, with or without `kafka-`. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  const [word = 'help', ...rest] = argv;
  const load = tools[word] ?? tools[PREFIX + word];
  if (load !== undefined && (Object.hasOwn(tools, word) || Object.hasOwn(tools, PREFIX + word))) return runToolProcess(await load(), rest);
  if (word === 'version' || word === '--version') process.stdout.write(`${packageVersion()}\n`);
  else if (word === 'completion') process.stdout.write(await (await import('./completion.ts')).completionScript(rest[0] ?? ''));
  else if (['help', '--help', '-h', '-help'].includes(word)) process.stdout.write(overview());
  else refuse(word);
}

function overview(): string {
  const names = Object.keys(tools).map((name) => `  ${name.slice(name.startsWith(PREFIX) ? PREFIX.length : 0)}\n`).join('');
  return `Usage: tidelog <tool> [options]\n\nTools, each of them also to be called as kafka-<tool>:\n${names}\nOther words:\n  help\n  version\n  completion bash|zsh\n\ntidelog <tool> --help shows the options of a tool.\n`;
}

function refuse(word: string): void {
  const nearest = nearestName(word.startsWith(PREFIX) ? word : PREFIX + word, Object.keys(tools));
  process.stderr.write(`There is no tool ${word}.${nearest === null ? '' : ` Did you mean ${nearest}?`}\ntidelog help shows all tools.\n`);
  process.exitCode = 1;
}
