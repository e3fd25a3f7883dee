/** Regular expressions of strangers, in RE2's syntax: matching takes time in proportion to the text, whatever the expression is. */
import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';

export type LinearPattern = RE2JS;

let library: typeof import('re2js') | null = null;

/** Loaded with the first expression: it would take a tenth of a start. */
function loaded(): typeof import('re2js') {
  library ??= createRequire(import.meta.url)('re2js') as typeof import('re2js');
  return library;
}

/** Throws an Error whose message says what is wrong with the expression. */
export function compileLinearPattern(expression: string): LinearPattern {
  return loaded().RE2JS.compile(expression);
}

/** Whether `error` says that an expression is none. */
export function isPatternError(error: unknown): error is Error {
  return error instanceof loaded().RE2JSException;
}
