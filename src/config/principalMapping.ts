/** `ssl.principal.mapping.rules` (KIP-371): from the name in a certificate to a user. */

interface MappingRule {
  /** Null: DEFAULT, the name as it is. */
  readonly pattern: RegExp | null;
  readonly replacement: string;
  readonly letters: 'L' | 'U' | '';
}

/** Throws Error for text that is no list of rules. */
export function parseMappingRules(text: string): readonly MappingRule[] {
  const rules: MappingRule[] = [];
  const form = /\s*(?:(DEFAULT)|RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?))\s*(?:,|$)/sy;
  let position = 0;
  while (position < text.length) {
    form.lastIndex = position;
    const match = form.exec(text);
    if (match === null || match[0] === '') throw new Error('allowed: DEFAULT, or RULE:pattern/replacement/[LU], separated by commas');
    position = form.lastIndex;
    const [, isDefault, pattern = '', replacement = '', letters = ''] = match;
    rules.push(isDefault === undefined ? { pattern: new RegExp(`^(?:${pattern})$`, 's'), replacement: replacement.trim(), letters: letters as MappingRule['letters'] } : DEFAULT_RULE);
  }
  return rules.length === 0 ? [DEFAULT_RULE] : rules;
}

const DEFAULT_RULE: MappingRule = { pattern: null, replacement: '', letters: '' };

/** The user's name; null where no rule applies. */
export function mapName(rules: readonly MappingRule[], distinguishedName: string): string | null {
  for (const { pattern, replacement, letters } of rules) {
    if (pattern === null) return distinguishedName;
    if (!pattern.test(distinguishedName)) continue;
    const name = distinguishedName.replace(pattern, replacement);
    return letters === 'L' ? name.toLowerCase() : letters === 'U' ? name.toUpperCase() : name;
  }
  return null;
}
