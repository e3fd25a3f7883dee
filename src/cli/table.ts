/** Columns of text, as printf's `%-15s` lays them out. */

/** The longest of the texts, or `min`. */
export function widthOf(texts: Iterable<string>, min = 0): number {
  let width = min;
  for (const text of texts) width = Math.max(width, text.length);
  return width;
}

/** Cells padded to their widths with a blank between; a width of 0 leaves a cell as it is. */
export function row(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' ');
}

/** Columns as wide as their longest cell, with a tab after each: what kafka-transactions and kafka-metadata-quorum print. */
export function prettyTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headers.map((header, index) => widthOf(rows.map((cells) => cells[index] ?? ''), header.length));
  return [headers, ...rows].map((cells) => `${cells.map((cell, index) => `${cell.padEnd(widths[index] ?? 0)}\t`).join('')}\n`).join('');
}
