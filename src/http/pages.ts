/** A few read-only pages over HTTP: metrics, health. Applications with more to say use a framework. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface PagesOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** By path. A page that throws is answered by 500 and told to `onError`. */
  readonly pages: ReadonlyMap<string, () => Page | Promise<Page>>;
  readonly onError: (path: string, error: unknown) => void;
}

export interface Pages {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 64;
const REQUEST_TIMEOUT_MS = 10_000;
const HEADER_BYTES_MAX = 8 * 1024;

/** Rejects with the system's error when the address is not to be had. */
export async function openPages(options: PagesOptions): Promise<Pages> {
  const server = createServer({ maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    void answer(options, request, response);
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { host: options.host, port: (server.address() as AddressInfo).port, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer({ pages, onError }: PagesOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // What comes with a request is of no interest.
  request.resume();
  const path = (request.url ?? '/').split('?', 1)[0]!;
  const page = pages.get(path);
  if (page === undefined) return send(request, response, text(404, `not found; there are ${[...pages.keys()].join(', ')}\n`));
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(request, response, text(405, 'only GET and HEAD\n'), { allow: 'GET, HEAD' });
  try {
    send(request, response, await page());
  } catch (error) {
    onError(path, error);
    send(request, response, text(500, 'internal error\n'));
  }
}

const text = (status: number, body: string): Page => ({ status, contentType: 'text/plain; charset=utf-8', body });

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, body }: Page, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...headers, 'content-type': contentType, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : body);
}
