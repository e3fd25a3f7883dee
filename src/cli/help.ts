import type { OptionSpec } from './options.ts';
import type { Tool } from './tool.ts';

const WIDTH = 100;
const INDENT = '  ';
const NAME_WIDTH_MAX = 34;

/** What `--help` prints: the commands, if the tool has any and none is chosen, and every option in alphabetical order. */
export function helpText(tool: Tool, command: string, specs: readonly OptionSpec[]): string {
  const rows = [...specs].sort((a, b) => (a.name < b.name ? -1 : 1)).map((spec) => [titleOf(spec), describe(spec)] as const);
  const column = Math.min(NAME_WIDTH_MAX, Math.max(...rows.map(([title]) => title.length))) + INDENT.length * 2;
  const lines = rows.flatMap(([title, text]) => layOut(title, text, column));
  const commands = command === '' ? Object.entries(tool.commands ?? {}) : [];
  const commandLines = commands.length === 0 ? [] : ['Commands:', ...commands.flatMap(([name, { purpose }]) => layOut(name, purpose, column)), ''];
  const usage = [tool.name, commands.length > 0 ? '<command>' : command, '[options]', tool.words ?? ''].filter((word) => word !== '').join(' ');
  return [tool.commands?.[command]?.purpose ?? tool.purpose, '', `Usage: ${usage}`, '', ...commandLines, 'Options:', ...lines, ''].join('\n');
}

function titleOf({ name, argument, isArgumentOptional }: OptionSpec): string {
  if (argument === undefined) return `--${name}`;
  return isArgumentOptional === true ? `--${name} [${argument}]` : `--${name} <${argument}>`;
}

function describe(spec: OptionSpec): string {
  return spec.default === undefined ? spec.description : `${spec.description} (default: ${spec.default})`;
}

function layOut(title: string, text: string, column: number): string[] {
  const pieces = text.split('\n').flatMap((line) => wrap(line, WIDTH - column));
  const head = `${INDENT}${title}`;
  const isTooLong = head.length > column - INDENT.length;
  const [first = '', ...rest] = isTooLong ? ['', ...pieces] : pieces;
  return [(head.padEnd(column) + first).trimEnd(), ...rest.map((piece) => ' '.repeat(column) + piece)];
}

/** Lines of at most `width` characters; what a line is indented by, its continuations are too. */
function wrap(line: string, width: number): string[] {
  const indent = /^ */.exec(line)?.[0] ?? '';
  const lines: string[] = [];
  let current = indent;
  for (const word of line.trim().split(/ +/)) {
    const isFirst = current.length === indent.length;
    if (!isFirst && current.length + 1 + word.length > width) {
      lines.push(current);
      current = indent + word;
    } else {
      current += isFirst ? word : ` ${word}`;
    }
  }
  return [...lines, current];
}
