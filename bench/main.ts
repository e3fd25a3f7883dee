/** `npm run bench`: runs the rows that were asked for, prints them as they come, writes the results. */
import path from 'node:path';
import { runBrokerRows } from './broker/rows.ts';
import { BROKER_ROWS, ENGINE_ROWS, LARGE_ROWS, SECURED_ROWS, START_ROWS } from './catalogue.ts';
import type { Row } from './catalogue.ts';
import { runEngineRows } from './engine/rows.ts';
import { runLargeRows } from './large/rows.ts';
import { USAGE, UsageError, parseOptions } from './options.ts';
import type { BenchOptions } from './options.ts';
import { Recorder } from './report/recorder.ts';
import { resultsOf, writeResults } from './report/results.ts';
import { rowLines } from './report/table.ts';

/** The bundle lies in dist/bench. */
const root = path.resolve(import.meta.dirname, '../..');

async function run(options: BenchOptions): Promise<void> {
  const say = (line: string): void => (options.asJson ? console.error(line) : console.log(line));
  const recorder = new Recorder((row, all) => rowLines(row, all).forEach(say));
  const isWanted = (row: Row): boolean => options.only.length === 0 || options.only.includes(row.name);
  const rows: Row[] = [];
  if (options.withEngine) {
    const engineRows = ENGINE_ROWS.filter(isWanted);
    rows.push(...engineRows);
    await runEngineRows(engineRows, options, recorder, say);
  }
  if (options.withBroker) rows.push(...(await runBrokerRows({ root, loads: BROKER_ROWS.filter(isWanted), secured: SECURED_ROWS.filter(isWanted), starts: START_ROWS.filter(isWanted), options, recorder, say })));
  if (options.withBroker) rows.push(...(await runLargeRows({ root, rows: LARGE_ROWS.filter(isWanted), options, recorder, say })));
  const results = resultsOf(recorder, { root, rows, isQuick: options.isQuick, rounds: options.rounds, seconds: options.seconds });
  if (options.resultsFolder !== null) {
    const files = writeResults(path.resolve(root, options.resultsFolder), results);
    say(`\nwritten: ${files.map((file) => path.relative(process.cwd(), file)).join(', ')}`);
  }
  if (options.asJson) console.log(JSON.stringify(results));
  if (recorder.measurements.length === 0) throw new Error('nothing was measured');
}

try {
  const options = parseOptions(process.argv.slice(2), path.join(root, 'bench/results'));
  if (options === null) console.log(USAGE);
  else await run(options);
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error);
  process.exitCode = 1;
}
