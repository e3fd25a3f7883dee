/** The table that people read. */
import type { Row } from '../catalogue.ts';
import type { Ratio, Recorder } from './recorder.ts';
import type { Summary } from './statistics.ts';

const CONTENDER_WIDTH = 14;
/** Of rows that compare contenders of their own choice. */
const LONG_CONTENDER_WIDTH = 20;
const FIGURE_WIDTH = 34;

/** Three digits that count. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return size >= 1 ? value.toFixed(2) : value.toPrecision(2);
}

/** Lines of one row: a title, then one line a contender with median, spread and the ratio to each peer. */
export function rowLines(row: Row, recorder: Recorder): string[] {
  const lines = ['', `${row.name}: ${row.title}`];
  const width = row.against === undefined ? CONTENDER_WIDTH : LONG_CONTENDER_WIDTH;
  for (const contender of row.contenders) {
    const measured = recorder.of(row, contender);
    if (measured === undefined) {
      const skipped = recorder.skipped.find((entry) => entry.row === row.name && entry.contender === contender);
      lines.push(`  ${contender.padEnd(width)}ABSENT: ${skipped?.reason ?? 'not run'}`);
      continue;
    }
    const figures = row.figures.flatMap(({ key, unit }) => (measured.figures[key] === undefined ? [] : [figureText(measured.figures[key], unit).padEnd(FIGURE_WIDTH)]));
    const ratios = recorder.ratios.filter((ratio) => ratio.row === row.name && ratio.contender === contender && (row.against !== undefined || ratio.figure === row.figures[0]?.key));
    lines.push(`  ${contender.padEnd(width)}${figures.join('')}${row.against === undefined ? ratioText(ratios) : ''}`.trimEnd());
    for (const peer of row.against?.[contender] ?? []) lines.push(...allRatios(row, peer, ratios));
  }
  return lines;
}

function figureText(summary: Summary, unit: string): string {
  const spread = summary.values.length > 1 ? ` (${shortNumber(summary.min)}..${shortNumber(summary.max)})` : '';
  return `${shortNumber(summary.median)} ${unit}${spread}`;
}

const ratioText = (ratios: readonly Ratio[]): string => ratios.map(({ ratio, peer }) => `${shortNumber(ratio)} x ${peer}`).join(', ');

/** Every figure beside one peer. */
function allRatios(row: Row, peer: string, ratios: readonly Ratio[]): string[] {
  const texts = row.figures.flatMap(({ key, unit }) => ratios.filter((ratio) => ratio.peer === peer && ratio.figure === key).map(({ ratio }) => `${shortNumber(ratio)} in ${unit}`));
  return texts.length === 0 ? [] : [`  ${''.padEnd(LONG_CONTENDER_WIDTH)}times as good as ${peer}: ${texts.join(', ')}`];
}
