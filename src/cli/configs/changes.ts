import { readPropertiesFile } from '../../config/properties.ts';
import { ConfigError } from '../../config/configError.ts';
import type { Options } from '../options.ts';
import { ToolError } from '../toolError.ts';

const FORM = 'requirement failed: Invalid entity config: all configs to be added must be in the format "key=val" or  "key=[val1,val2]" to group values which contain commas.';

/** Settings to set, by name: those of the file, then those of the command line. */
export function settingsToAdd(options: Options): Map<string, string> {
  const settings = new Map<string, string>();
  const file = options.value('add-config-file');
  if (file !== undefined) for (const { key, value } of readFile(file)) settings.set(key, value);
  for (const piece of splitOutsideBrackets(options.value('add-config') ?? '')) {
    const at = piece.indexOf('=');
    const value = piece.slice(at + 1).trim();
    const isGrouped = value.startsWith('[') && value.endsWith(']');
    if (at < 0 || (!isGrouped && value.includes('=') && !value.includes('['))) throw new ToolError(FORM);
    settings.set(piece.slice(0, at).trim(), value.replaceAll(/[[\]]/g, '').trim());
  }
  for (const name of settings.keys()) if (!/^[a-zA-Z0-9._-]*$/.test(name)) throw new ToolError(`Invalid character found for config key: ${name}`);
  return settings;
}

function readFile(file: string): readonly { readonly key: string; readonly value: string }[] {
  try {
    return readPropertiesFile(file);
  } catch (error) {
    throw error instanceof ConfigError ? new ToolError(error.message) : error;
  }
}

export function namesToDelete(options: Options): string[] {
  return options.values('delete-config').flatMap((text) => text.split(',')).map((name) => name.trim()).filter((name) => name !== '');
}

/** By commas that stand in no brackets. */
function splitOutsideBrackets(text: string): string[] {
  const pieces: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    if (text[at] === '[') depth += 1;
    if (text[at] === ']') depth -= 1;
    if (at < text.length && (text[at] !== ',' || depth > 0)) continue;
    if (text.slice(from, at).trim() !== '') pieces.push(text.slice(from, at));
    from = at + 1;
  }
  return pieces;
}
