/** Gathers the rounds of all rows, and why a row has none. */
import { NATIVE, OURS, WASM } from '../catalogue.ts';
import type { Row } from '../catalogue.ts';
import type { BenchOptions } from '../options.ts';
import { summarise } from './statistics.ts';
import type { Summary } from './statistics.ts';

/** One row of one contender. */
export interface Measurement {
  readonly row: string;
  readonly contender: string;
  /** Version, core: what really ran. */
  readonly ran: string;
  /** By figure, in the figure's unit. */
  readonly figures: Readonly<Record<string, Summary>>;
}

export interface Skipped {
  readonly row: string;
  readonly contender: string;
  readonly reason: string;
}

/** Ours against a peer of the same row in the same run, and the addon against WebAssembly: above 1 is better for ours, or for the addon, whatever the unit. */
export interface Ratio {
  readonly row: string;
  readonly figure: string;
  readonly contender: string;
  readonly peer: string;
  readonly ratio: number;
}

interface Rounds {
  ran: string;
  readonly values: Map<string, number[]>;
}

export class Recorder {
  readonly measurements: Measurement[] = [];
  readonly skipped: Skipped[] = [];
  readonly ratios: Ratio[] = [];
  readonly #rounds = new Map<string, Rounds>();
  readonly #onRow: (row: Row, recorder: Recorder) => void;

  constructor(onRow: (row: Row, recorder: Recorder) => void = () => {}) {
    this.#onRow = onRow;
  }

  isSkipped(row: Row, contender: string): boolean {
    return this.skipped.some((entry) => entry.row === row.name && entry.contender === contender);
  }

  /** What was measured before does not count any more: a row that failed once is not trusted. */
  skip(row: Row, contender: string, reason: string): void {
    this.#rounds.delete(keyOf(row, contender));
    if (!this.isSkipped(row, contender)) this.skipped.push({ row: row.name, contender, reason });
  }

  /** What these rows need could not be had. */
  skipAll(rows: readonly Row[], reason: string): void {
    for (const row of rows) for (const contender of row.contenders) this.skip(row, contender, reason);
  }

  /** One round, in raw figures; every figure of the row must be there. */
  add(row: Row, contender: string, figures: Readonly<Record<string, number>>, ran: string): void {
    const key = keyOf(row, contender);
    const rounds = this.#rounds.get(key) ?? { ran, values: new Map<string, number[]>() };
    for (const { key: name, scale } of row.figures) {
      const value = figures[name];
      if (value === undefined) continue;
      if (!Number.isFinite(value)) throw new Error(`${row.name} of ${contender}: ${name} is ${value}`);
      const list = rounds.values.get(name) ?? [];
      list.push(value * (scale ?? 1));
      rounds.values.set(name, list);
    }
    rounds.ran = ran;
    this.#rounds.set(key, rounds);
  }

  /** All rounds of the row were run. */
  finishRow(row: Row): void {
    for (const contender of row.contenders) {
      const rounds = this.#rounds.get(keyOf(row, contender));
      if (rounds === undefined) continue;
      const figures = Object.fromEntries([...rounds.values].map(([name, values]) => [name, summarise(values)]));
      this.measurements.push({ row: row.name, contender, ran: rounds.ran, figures });
    }
    this.ratios.push(...ratiosOf(row, this.measurements));
    this.#onRow(row, this);
  }

  of(row: Row, contender: string): Measurement | undefined {
    return this.measurements.find((entry) => entry.row === row.name && entry.contender === contender);
  }
}

const keyOf = (row: Row, contender: string): string => `${row.name} ${contender}`;

function ratiosOf(row: Row, measurements: readonly Measurement[]): Ratio[] {
  const inRow = measurements.filter((entry) => entry.row === row.name);
  const peersOf = (ours: Measurement): Measurement[] => inRow.filter(({ contender }) => !OURS.includes(contender) || (ours.contender === NATIVE && contender === WASM));
  const named = (ours: Measurement): Measurement[] => inRow.filter(({ contender }) => row.against?.[ours.contender]?.includes(contender));
  const ratios: Ratio[] = [];
  for (const ours of inRow.filter((entry) => row.against !== undefined || OURS.includes(entry.contender))) {
    for (const peer of row.against === undefined ? peersOf(ours) : named(ours)) {
      for (const { key, better } of row.figures) {
        const left = ours.figures[key]?.median;
        const right = peer.figures[key]?.median;
        if (left === undefined || right === undefined || !(left > 0) || !(right > 0)) continue;
        const ratio = better === 'higher' ? left / right : right / left;
        ratios.push({ row: row.name, figure: key, contender: ours.contender, peer: peer.contender, ratio });
      }
    }
  }
  return ratios;
}

/** Rows that need something of their own, and what they are run with. */
export interface RowsRun {
  readonly root: string;
  readonly rows: readonly Row[];
  readonly options: BenchOptions;
  readonly recorder: Recorder;
  readonly say: (line: string) => void;
}
