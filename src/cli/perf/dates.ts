/** Java's letters of date formats. */
const PARTS: Readonly<Record<string, (date: Date) => number>> = {
  y: (date) => date.getFullYear(), M: (date) => date.getMonth() + 1, d: (date) => date.getDate(), H: (date) => date.getHours(), m: (date) => date.getMinutes(), s: (date) => date.getSeconds(), S: (date) => date.getMilliseconds(),
};

/** A printer of times in local time; quoted text stays as it is. */
export function formatDate(pattern: string): (ms: number) => string {
  const tokens = [...pattern.matchAll(/'([^']*)'|([yMdHmsS])\2*|[^]/g)];
  return (ms) => {
    const date = new Date(ms);
    return tokens.map(([text, quoted, letter]) => (letter === undefined ? (quoted ?? text) : String((PARTS[letter] as (date: Date) => number)(date)).padStart(text.length, '0'))).join('');
  };
}
