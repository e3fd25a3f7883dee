/**
 * What Prometheus is told of each log. A broker may have hundreds of thousands of them: their lines are written directly, some thousands a turn of the event
 * loop, and nothing of them is kept; scrapes that come while one is made share the next.
 */
import type { Log, LogManager } from '../../storage/types.ts';

const LOGS_A_TURN = 2000;

const SERIES: readonly (readonly [name: string, help: string, value: (log: Log) => number])[] = [
  ['size', 'Bytes of all segments.', (log) => log.sizeBytes],
  ['logstartoffset', 'First offset that can be read.', (log) => log.logStartOffset],
  ['logendoffset', 'Offset of the next record.', (log) => log.logEndOffset],
  ['numlogsegments', 'Segments.', (log) => log.segmentCount],
];

/** `nextTurn` runs its task after what waits in the event loop. */
export class LogMetrics {
  readonly #logs: LogManager;
  readonly #nextTurn: (task: () => void) => void;
  #next: Promise<string> | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(logs: LogManager, nextTurn: (task: () => void) => void) {
    this.#logs = logs;
    this.#nextTurn = nextTurn;
  }

  /** Values of a moment after this call. */
  text(): Promise<string> {
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      const text = this.#write();
      const end = (): void => {};
      this.#running = text.then(end, end);
      return text;
    });
    return this.#next;
  }

  async #write(): Promise<string> {
    const lines = SERIES.map(([name, help]) => [`# HELP kafka_log_log_${name} ${help}\n# TYPE kafka_log_log_${name} gauge\n`]);
    let count = 0;
    for (const log of this.#logs.logs()) {
      if (!log.online) continue;
      // Names of topics have no character that would have to be escaped.
      const labels = `{topic="${log.topic}",partition="${log.partition}"} `;
      for (const [index, [name, , value]] of SERIES.entries()) lines[index]!.push(`kafka_log_log_${name}${labels}${value(log)}\n`);
      count += 1;
      if (count % LOGS_A_TURN === 0) await new Promise<void>((resolve) => this.#nextTurn(resolve));
    }
    return lines.map((own) => own.join('')).join('');
  }
}
