/** What every tool does around its work: parse, `--help`, `--version`, messages, exit codes. */
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
  /** Returns the exit code. */
  run(options: Options, environment: ToolEnvironment): Promise<number>;
}

const commonOptions: readonly OptionSpec[] = [
  { name: 'help', description: 'Print usage information.' },
  { name: 'version', description: 'Display the version.' },
];

/** Runs the tool on its arguments and returns the exit code. Every failure ends up as text on standard error. */
export async function runTool(tool: Tool, argv: readonly string[], environment: ToolEnvironment): Promise<number> {
  const { terminal } = environment;
  const specs = [...tool.options, ...commonOptions];
  try {
    const options = parseOptions(argv, specs, tool.replacements);
    if (options.has('help')) {
      await terminal.print(helpText(tool.name, tool.purpose, specs));
      return 0;
    }
    if (options.has('version')) {
      await terminal.print(`${packageVersion()}\n`);
      return 0;
    }
    if (options.words.length > 0) terminal.complain(`ignored, since no option takes it: ${options.words.join(' ')}`);
    return await tool.run(options, environment);
  } catch (error) {
    terminal.complain(messageOf(error));
    if (error instanceof UsageError) terminal.complain(`${tool.name} --help shows all options.`);
    return 1;
  }
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
