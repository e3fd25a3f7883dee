/** The comparison as Markdown. */
import type { Summary } from '../../report/statistics.ts';

export interface Row {
  readonly contender: string;
  readonly version: string;
  /** By the name of the work: medians of the rounds. */
  readonly figures: Readonly<Record<string, { readonly perSecond: Summary; readonly cpuUs: Summary | null }>>;
}

export interface BrokerTable {
  readonly broker: string;
  readonly rows: readonly Row[];
  readonly absent: readonly { readonly contender: string; readonly reason: string }[];
}

export interface Comparison {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  readonly node: string;
  readonly loadAverage: { readonly before: number; readonly after: number };
  readonly rounds: number;
  readonly sizeBytes: number;
  readonly tables: readonly BrokerTable[];
}

const FAIR = [['produce', 'produce'], ['consume', 'consume'], ['single', 'single awaited sends']] as const;
const THEIRS = [['theirSingle', 'a record a call'], ['theirBatch', '100 records a call'], ['theirConsume', 'consume']] as const;
/** On Tidelog, records a second. On Apache Kafka: times the others. */
const GOALS: Readonly<Record<string, number>> = { produce: 2_000_000, consume: 4_000_000, single: 100_000 };
const KAFKA_GOALS: Readonly<Record<string, number>> = { '@platformatic/kafka': 3, 'Java client': 2 };
const OURS = 'tidelog';

export function markdownOf(comparison: Comparison): string {
  const { date, commit, machine, node, loadAverage, rounds, sizeBytes, tables } = comparison;
  const versions = [...new Map(tables.flatMap(({ rows }) => rows.map(({ contender, version }) => [contender, version]))).entries()].map(([contender, version]) => `${contender} ${version}`);
  return [
    `${date.slice(0, 10)}, ${commit}; ${machine}; Node ${node}; ${versions.join(', ')}. Medians of ${rounds} rounds of one run (smallest..largest), ${sizeBytes} B records; load average ${loadAverage.before.toFixed(1)} before, ${loadAverage.after.toFixed(1)} after.`,
    ...tables.flatMap((table) => fairTable(table)),
    ...tables.flatMap((table) => theirTable(table)),
    '',
  ].join('\n');
}

const BEGIN = '<!-- tables of npm run bench:client -- --table -->';
const END = '<!-- end of the tables -->';

/** The handbook with these tables in place of those that are there. */
export function withTables(handbook: string, text: string): string {
  const [from, to] = [handbook.indexOf(BEGIN), handbook.indexOf(END)];
  if (from === -1 || to < from) throw new Error('the handbook has no place for the tables');
  return `${handbook.slice(0, from + BEGIN.length)}\n\n${text.trim()}\n\n${handbook.slice(to)}`;
}

function fairTable(table: BrokerTable): string[] {
  return ['', `On ${table.broker}: records/s, and the client's CPU a record`, '', `| | ${FAIR.map(([, title]) => title).join(' | ')} |`, `|---|${'---|'.repeat(FAIR.length)}`,
    ...table.rows.filter(({ figures }) => figures['produce'] !== undefined).map((row) => `| ${row.contender} | ${FAIR.map(([name]) => cell(row, name)).join(' | ')} |`),
    ...visitRow(table), ...absentLines(table), '', ...goalLines(table)];
}

function visitRow({ rows }: BrokerTable): string[] {
  const row = rows.find(({ figures }) => figures['visit'] !== undefined);
  return row === undefined ? [] : [`| ${row.contender}, \`batch.visit\` | | ${cell(row, 'visit')} | |`];
}

function theirTable(table: BrokerTable): string[] {
  const rows = table.rows.filter(({ figures }) => figures['theirSingle'] !== undefined);
  if (rows.length === 0) return [];
  return ['', `@platformatic/kafka's own benchmark on ${table.broker}: calls/s, for consume records/s`, '', `| | ${THEIRS.map(([, title]) => title).join(' | ')} |`, `|---|${'---|'.repeat(THEIRS.length)}`,
    ...rows.map((row) => `| ${row.contender} | ${THEIRS.map(([name]) => cell(row, name)).join(' | ')} |`)];
}

const absentLines = ({ absent }: BrokerTable): string[] => absent.map(({ contender, reason }) => `| ${contender} | ABSENT: ${reason} |${' |'.repeat(FAIR.length - 1)}`);

function cell({ figures }: Row, name: string): string {
  const figure = figures[name];
  if (figure === undefined) return '';
  const { median, min, max, values } = figure.perSecond;
  const spread = values.length > 1 ? ` (${short(min)}..${short(max)})` : '';
  return `${short(median)}${spread}${figure.cpuUs === null ? '' : `, ${figure.cpuUs.median < 10 ? figure.cpuUs.median.toFixed(2) : Math.round(figure.cpuUs.median)} us`}`;
}

/** How many times the others, and what the goals say. */
function goalLines({ broker, rows }: BrokerTable): string[] {
  const ours = rows.find(({ contender }) => contender === OURS);
  const isOurBroker = broker.startsWith('Tidelog');
  if (ours === undefined) return [];
  return FAIR.flatMap(([name, title]) => {
    const own = ours.figures[name]?.perSecond.median;
    if (own === undefined) return [];
    const ratios = rows.filter((row) => row !== ours && row.figures[name] !== undefined).map((row) => {
      const ratio = own / (row.figures[name]!.perSecond.median);
      const goal = isOurBroker || name === 'single' ? undefined : KAFKA_GOALS[row.contender];
      return `${ratio.toFixed(1)} times ${row.contender}${goal === undefined ? '' : ` (goal ${goal}: ${ratio >= goal ? 'yes' : 'no'})`}`;
    });
    const goal = isOurBroker ? GOALS[name] : undefined;
    return [`- ${title}: ${[...ratios, ...(goal === undefined ? [] : [`goal ${short(goal)}/s: ${own >= goal ? 'yes' : `${Math.round((own / goal) * 100)}%`}`])].join('; ')}`];
  });
}

function short(value: number): string {
  if (value >= 999_500) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1000 ? `${Math.round(value / 1000)} k` : String(Math.round(value));
}
