/** Reading the project's own files, for the tests that hold the house rules. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'build', 'generated', '.git', 'results']);

/** Paths from the root of all files below the folders whose names end in one of `extensions`, sorted. */
export function listSources(folders: readonly string[], extensions: readonly string[]): string[] {
  const found: string[] = [];
  const visit = (relative: string) => {
    const stat = statSync(path.join(root, relative), { throwIfNoEntry: false });
    if (stat?.isDirectory()) {
      const names = readdirSync(path.join(root, relative)).filter((name) => !SKIPPED_FOLDERS.has(name));
      for (const name of names) visit(`${relative}/${name}`);
    } else if (stat && extensions.some((extension) => relative.endsWith(extension))) {
      found.push(relative);
    }
  };
  folders.forEach(visit);
  return found.sort();
}

export const readSource = (relative: string): string => readFileSync(path.join(root, relative), 'utf8');

/** The text without comments; line breaks stay, so that line numbers hold. Strings and templates are kept. */
export function withoutComments(text: string): string {
  const token = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|\/\/[^\n]*|\/\*[^]*?\*\//g;
  return text.replace(token, (match) => (match.startsWith('/') ? match.replace(/[^\n]/g, ' ') : match));
}

/** The text without comments and without what stands in quotes. */
export function codeOnly(text: string): string {
  return withoutComments(text).replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''");
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** Everything that a module names after `from`, `import` or `import(`, types included. */
export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const pattern = /\bfrom\s*['"]([^'"\n]+)['"]|\bimport\s*\(\s*['"]([^'"\n]+)['"]|\bimport\s*['"]([^'"\n]+)['"]/g;
  return [...code.matchAll(pattern)].map((match) => ({
    specifier: (match[1] ?? match[2] ?? match[3]) as string,
    line: code.slice(0, match.index).split('\n').length,
  }));
}
