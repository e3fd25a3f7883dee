/** The HTTP server of `tidelog.http.listener`: /metrics, /health, /ready. */
import type { Logger } from '../../base/ports.ts';
import type { Broker } from '../../broker/index.ts';
import type { HttpListener } from '../../config/httpListener.ts';
import { openPages } from '../../http/pages.ts';
import type { Page, Pages } from '../../http/pages.ts';
import type { MetricsRegistry } from '../../metrics/registry.ts';

/** Whether the node takes requests. */
export type Phase = 'starting' | 'running' | 'stopping';

export interface OperationsOptions {
  readonly listener: HttpListener;
  readonly broker: Broker;
  readonly metrics: MetricsRegistry;
  readonly logger: Logger;
  readonly phase: () => Phase;
}

/** Rejects with the system's error when the address is not to be had. */
export async function openOperations({ listener, broker, metrics, logger, phase }: OperationsOptions): Promise<Pages> {
  // Loaded only where somebody wants it: it would take a tenth of a start.
  const { Registry, collectDefaultMetrics } = await import('prom-client');
  const { clientMetricsText, kafkaMetrics, mount } = await import('./kafkaMetrics.ts');
  const { LogMetrics } = await import('./logMetrics.ts');
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const source of kafkaMetrics(broker, metrics)) mount(registry, source);
  const logMetrics = new LogMetrics(broker.services.logs, setImmediate);
  return openPages({
    ...listener,
    pages: new Map<string, () => Page | Promise<Page>>([
      ['/metrics', async () => ({ status: 200, contentType: registry.contentType, body: `${await registry.metrics()}${clientMetricsText(broker.services)}${await logMetrics.text()}` })],
      ['/health', () => health(broker)],
      ['/ready', () => ready(phase())],
    ]),
    onError: (path, error) => logger.error('a page could not be made', { path, reason: String(error) }),
  });
}

const json = (status: number, content: object): Page => ({ status, contentType: 'application/json', body: `${JSON.stringify(content)}\n` });

/** A broker all of whose disks have failed is of no use until somebody sees to them. */
function health({ services }: Broker): Page {
  const logDirs = services.logs.directories.map(({ path, online }) => ({ path, online }));
  const isAlive = logDirs.some(({ online }) => online);
  return json(isAlive ? 200 : 503, { status: isAlive ? 'ok' : 'failed', logDirs });
}

const ready = (phase: Phase): Page => json(phase === 'running' ? 200 : 503, { status: phase });
