/** What every tool does around its work: parse, `--help`, `--version`, messages, exit codes. */
import { nearestName } from '../base/nearest.ts';
import { ConfigError } from '../config/configError.ts';
import { packageVersion } from '../base/version.ts';
import type { Clock, Random } from '../base/ports.ts';
import type { Network } from '../base/wire.ts';
import { ClientError } from '../client/core/clientError.ts';
import { KafkaError } from '../protocol/errors.ts';
import { failureText } from './failure.ts';
import { helpText } from './help.ts';
import { parseOptions, type Options, type OptionSpec, type Replacements } from './options.ts';
import type { Terminal } from './terminal.ts';
import { ToolError, UsageError } from './toolError.ts';

/** What a tool meets of the outside; `main` gives it the process, tests give it what they like. */
export interface ToolEnvironment {
  readonly terminal: Terminal;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  /** The user asked to stop (SIGINT, SIGTERM): end what was begun. */
  readonly interrupted: AbortSignal;
}

export interface Tool {
  /** As it is called. */
  readonly name: string;
  readonly purpose: string;
  readonly options: readonly OptionSpec[];
  readonly replacements?: Replacements;
  /** Words of which the first argument must be one, each with options of its own beside those of the tool. */
  readonly commands?: Readonly<Record<string, Command>>;
  /** What stands after the options in the usage line, for tools that take words. */
  readonly words?: string;
  /** Returns the exit code. `command` is one of `commands`, or '' for a tool without them. */
  run(options: Options, environment: ToolEnvironment, command: string): Promise<number>;
}

export interface Command {
  readonly purpose: string;
  readonly options: readonly OptionSpec[];
}

const commonOptions: readonly OptionSpec[] = [
  { name: 'help', description: 'Print usage information.' },
  { name: 'version', description: 'Display the version.' },
];

/** Runs the tool on its arguments and returns the exit code. Every failure ends up as text on standard error. */
export async function runTool(tool: Tool, argv: readonly string[], environment: ToolEnvironment): Promise<number> {
  const { terminal } = environment;
  const isVersionWanted = argv.includes('--version') || argv.includes('-version');
  try {
    const { command, rest } = takeCommand(tool, argv);
    const specs = [...tool.options, ...(tool.commands?.[command]?.options ?? []), ...commonOptions];
    const options = parseOptions(rest, specs, tool.replacements);
    if (options.has('help')) return await printed(terminal, helpText(tool, command, specs));
    if (options.has('version')) return await printed(terminal, `${packageVersion()}\n`);
    if (tool.commands !== undefined && command === '') throw new UsageError(`${tool.name} needs one of: ${Object.keys(tool.commands).join(', ')}`);
    if (tool.words === undefined && options.words.length > 0) terminal.complain(`ignored, since no option takes it: ${options.words.join(' ')}`, 'warning');
    return await tool.run(options, environment, command);
  } catch (error) {
    if (isVersionWanted && error instanceof UsageError) return printed(terminal, `${packageVersion()}\n`);
    terminal.complain(messageOf(error), 'failure');
    if (error instanceof UsageError) terminal.complain(`${tool.name} --help shows all options.`);
    return 1;
  }
}

async function printed(terminal: Terminal, text: string): Promise<number> {
  await terminal.print(text);
  return 0;
}

/** The first word that names a command, wherever it stands, and the other arguments. */
function takeCommand(tool: Tool, argv: readonly string[]): { readonly command: string; readonly rest: readonly string[] } {
  const { commands } = tool;
  if (commands === undefined) return { command: '', rest: argv };
  const at = argv.findIndex((word, index) => Object.hasOwn(commands, word) && !takesValue(tool, argv[index - 1]));
  if (at >= 0) return { command: argv[at] as string, rest: argv.filter((_, index) => index !== at) };
  const stray = argv.find((word, index) => !word.startsWith('-') && !takesValue(tool, argv[index - 1]));
  if (stray === undefined) return { command: '', rest: argv };
  const nearest = nearestName(stray, Object.keys(commands));
  throw new UsageError(`invalid choice: '${stray}' (choose from ${Object.keys(commands).map((name) => `'${name}'`).join(',')})${nearest === null ? '' : `. Did you mean ${nearest}?`}`);
}

function takesValue(tool: Tool, word: string | undefined): boolean {
  return word !== undefined && tool.options.some(({ name, argument }) => argument !== undefined && (word === `--${name}` || word === `-${name}`));
}

function messageOf(error: unknown): string {
  const isExpected = [UsageError, ToolError, ConfigError, ClientError, KafkaError].some((kind) => error instanceof kind);
  if (isExpected) return failureText(error);
  // a defect of ours
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The value of a required option. Throws UsageError. */
export function required(options: Options, name: string): string {
  const value = options.value(name);
  if (value === undefined) throw new UsageError(`Missing required argument "[${name}]"`);
  return value;
}
