/** Settings of clients as the tools take them: a properties file, then `key=value` arguments on top. */
import { ConfigError } from '../config/configError.ts';
import { readPropertiesFile } from '../config/properties.ts';
import type { Options } from './options.ts';
import { ToolError, UsageError } from './toolError.ts';

/** `key=value`; the value may hold `=`, be empty, or be left out with the `=`. */
export function parseKeyValues(given: readonly string[]): Map<string, string> {
  const settings = new Map<string, string>();
  for (const text of given) {
    const at = text.indexOf('=');
    const name = at === -1 ? text : text.slice(0, at);
    if (name === '') throw new UsageError(`Invalid command line properties: '${text}' (wanted: key=value)`);
    settings.set(name, at === -1 ? '' : text.slice(at + 1));
  }
  return settings;
}

/** Empty without a file. Throws ToolError when it cannot be read. */
export function readSettings(file: string | undefined): Map<string, string> {
  if (file === undefined) return new Map();
  try {
    return new Map(readPropertiesFile(file).map(({ key, value }) => [key, value]));
  } catch (error) {
    if (error instanceof ConfigError) throw new ToolError(error.message);
    throw error;
  }
}

/** An option and its older name. */
export function refuseBoth(options: Options, name: string, olderName: string): void {
  if (options.has(name) && options.has(olderName)) throw new UsageError(`Options --${name} and --${olderName} cannot be specified together.`);
}
