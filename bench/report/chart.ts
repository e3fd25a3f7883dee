/** One SVG: a bar for each row, how many times better ours is than its peer. Readable on light and dark ground. */
import { shortNumber } from './table.ts';

export interface Bar {
  readonly label: string;
  readonly peer: string;
  /** Above 1: ours is better. */
  readonly ratio: number;
}

export interface ChartSection {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 940;
const LABEL_WIDTH = 410;
const BAR_HEIGHT = 18;
const LINE_HEIGHT = 26;
const SECTION_GAP = 18;
const TITLE_HEIGHT = 30;
const VALUE_WIDTH = 150;
const AXIS_HEIGHT = 30;
const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; }
  .quiet { fill: #57606a; font-size: 12px; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .one { stroke: #57606a; stroke-width: 1.5; }
  .ahead { fill: #1a7f64; }
  .behind { fill: #b35900; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9da7b3; }
    .grid { stroke: #3d444d; }
    .one { stroke: #9da7b3; }
    .ahead { fill: #3fb68f; }
    .behind { fill: #e0823d; }
  }`;

/** The scale is logarithmic; bars start at 1. Sections without bars are left out. */
export function chart(title: string, sections: readonly ChartSection[]): string {
  const shown = sections.filter((section) => section.bars.length > 0);
  const ratios = shown.flatMap((section) => section.bars.map((bar) => bar.ratio));
  const scale = scaleFor(ratios);
  const parts: string[] = [];
  let y = TITLE_HEIGHT + 8;
  for (const section of shown) {
    y += SECTION_GAP;
    parts.push(text(0, y, section.title, 'title'));
    y += 10;
    for (const bar of section.bars) {
      parts.push(barParts(bar, y, scale));
      y += LINE_HEIGHT;
    }
  }
  const grid = scale.ticks.map((tick) => gridLine(tick, scale.x(tick), y));
  const height = y + AXIS_HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-16 0 ${WIDTH + 32} ${height}" width="${WIDTH + 32}" height="${height}" role="img" aria-label="${escape(title)}">`,
    `<style>${STYLE}\n</style>`,
    text(0, TITLE_HEIGHT - 8, title, 'title'),
    ...grid,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

interface Scale {
  readonly ticks: readonly number[];
  x(ratio: number): number;
}

function scaleFor(ratios: readonly number[]): Scale {
  const low = Math.min(1, ...ratios);
  const high = Math.max(2, ...ratios);
  const from = TICKS.findLast((tick) => tick <= low) ?? low;
  const to = TICKS.find((tick) => tick >= high) ?? high;
  const left = LABEL_WIDTH;
  const right = WIDTH - VALUE_WIDTH;
  const span = Math.log(to) - Math.log(from);
  const x = (ratio: number): number => left + ((Math.log(ratio) - Math.log(from)) / span) * (right - left);
  return { ticks: TICKS.filter((tick) => tick >= from && tick <= to), x };
}

function barParts({ label, peer, ratio }: Bar, y: number, scale: Scale): string {
  const one = scale.x(1);
  const end = scale.x(ratio);
  const start = Math.min(one, end);
  const width = Math.max(Math.abs(end - one), 1);
  const middle = y + BAR_HEIGHT - 5;
  return [
    text(0, middle, label),
    `<rect class="${ratio >= 1 ? 'ahead' : 'behind'}" x="${fixed(start)}" y="${y}" width="${fixed(width)}" height="${BAR_HEIGHT}" rx="2"/>`,
    text(Math.max(one, end) + 6, middle, `${shortNumber(ratio)} x ${peer}`),
  ].join('\n');
}

function gridLine(tick: number, x: number, bottom: number): string {
  const line = `<line class="${tick === 1 ? 'one' : 'grid'}" x1="${fixed(x)}" y1="${TITLE_HEIGHT + 8}" x2="${fixed(x)}" y2="${bottom}"/>`;
  return `${line}\n<text class="quiet" x="${fixed(x)}" y="${bottom + 18}" text-anchor="middle">${tick}</text>`;
}

const fixed = (value: number): string => value.toFixed(1);

function text(x: number, y: number, content: string, className = ''): string {
  return `<text${className === '' ? '' : ` class="${className}"`} x="${fixed(x)}" y="${fixed(y)}">${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
