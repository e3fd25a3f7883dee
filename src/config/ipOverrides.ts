import { splitList } from './values.ts';

/** `host:count,...`; null when the text is not of that form. IPv6 addresses hold colons: the last one counts. */
export function parseOverridesPerIp(text: string): Map<string, number> | null {
  const overrides = parseHostCounts(text);
  return typeof overrides === 'string' ? null : overrides;
}

/** As `parseOverridesPerIp`; the item that is wrong, where one is. */
export function parseHostCounts(text: string): Map<string, number> | string {
  const overrides = new Map<string, number>();
  for (const item of splitList(text)) {
    const match = /^(.{1,255}):(\d{1,9})$/.exec(item);
    if (!match) return item;
    overrides.set((match[1] as string).replace(/^\[(.*)\]$/, '$1'), Number(match[2]));
  }
  return overrides;
}
