import { UsageError } from './toolError.ts';

/**
 * Topics by a regular expression that must match the whole name, or several of them separated by commas, as Kafka's tools
 * read them: spaces and quotes around are dropped. Throws UsageError for a broken expression.
 */
export function topicFilter(text: string): (topic: string) => boolean {
  const pattern = text.trim().replaceAll(',', '|').replaceAll(' ', '').replace(/^["']+/, '').replace(/["']+$/, '');
  return wholeMatch(pattern);
}

/** Java's `matches`: the whole text. Leading flags, as `(?i)`, are understood; Java's possessive quantifiers are not. */
export function wholeMatch(pattern: string): (text: string) => boolean {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  try {
    const expression = new RegExp(`^(?:${pattern.slice(flags?.[0].length ?? 0)})$`, flags?.[1] ?? '');
    return (text) => expression.test(text);
  } catch (error) {
    throw new UsageError(`${pattern} is an invalid regex: ${(error as Error).message}`);
  }
}
