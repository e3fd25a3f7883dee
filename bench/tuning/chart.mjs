/** One SVG for one setting: a panel of bars for each measure, a bar for each value. Readable on light and dark ground. */
const PANEL_WIDTH = 456;
const GAP = 28;
const LABEL_WIDTH = 150;
const VALUE_WIDTH = 120;
const LINE_HEIGHT = 24;
const BAR_HEIGHT = 15;
const HEAD = 34;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; }
  .quiet { fill: #57606a; font-size: 12px; }
  .bar { fill: #1a7f64; }
  .wide { fill: #1a7f64; opacity: 0.35; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9da7b3; }
    .bar, .wide { fill: #3fb68f; }
  }`;

const escape = (content) => content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const text = (x, y, content, kind = '') => `<text${kind === '' ? '' : ` class="${kind}"`} x="${x.toFixed(1)}" y="${y.toFixed(1)}">${escape(content)}</text>`;

/** `panels`: { title, rows: [{ label, value, wide?, text }] }; `wide` is drawn behind `value`, pale: a p99 behind a p50. Two panels stand side by side. */
export function tuningChart(title, panels) {
  const parts = [];
  let y = 26;
  for (let index = 0; index < panels.length; index += 2) {
    const pair = panels.slice(index, index + 2);
    pair.forEach((panel, column) => parts.push(...panelParts(panel, column * (PANEL_WIDTH + GAP), y + HEAD)));
    y += HEAD + Math.max(...pair.map(({ rows }) => rows.length)) * LINE_HEIGHT;
  }
  const width = 2 * PANEL_WIDTH + GAP;
  const height = y + 16;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 0 ${width + 16} ${height}" width="${width + 16}" height="${height}" role="img" aria-label="${escape(title)}">`,
    `<style>${STYLE}\n</style>`,
    text(0, 18, title, 'title'),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function panelParts({ title, rows }, x, y) {
  const largest = Math.max(...rows.map(({ value, wide }) => Math.max(value, wide ?? 0)), Number.MIN_VALUE);
  const room = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  const bar = (kind, value, at) => `<rect class="${kind}" x="${(x + LABEL_WIDTH).toFixed(1)}" y="${at}" width="${Math.max((value / largest) * room, 1).toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>`;
  const parts = [text(x, y, title, 'quiet')];
  rows.forEach((row, index) => {
    const top = y + 8 + index * LINE_HEIGHT;
    parts.push(text(x, top + 12, row.label));
    if (row.wide !== undefined) parts.push(bar('wide', row.wide, top));
    parts.push(bar('bar', row.value, top));
    parts.push(text(x + LABEL_WIDTH + (Math.max(row.value, row.wide ?? 0) / largest) * room + 6, top + 12, row.text));
  });
  return parts;
}
