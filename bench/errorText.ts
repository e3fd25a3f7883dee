const CHARACTERS_MAX = 600;

/** The line that says what went wrong in what a program wrote before it ended: that of the error, else the last. */
export function errorText(output: string): string {
  const lines = output.trim().split('\n');
  const line = lines.find((text) => /^\s*(\[[^\]]*\] )?(\w*Error\b|ERROR\b)/.test(text)) ?? lines.at(-1) ?? '';
  return line.trim().slice(0, CHARACTERS_MAX);
}
