import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openPages } from '../../src/http/pages.ts';
import type { Page, Pages } from '../../src/http/pages.ts';

describe('pages', () => {
  let pages: Pages;
  const errors: string[] = [];
  afterEach(() => pages.close());

  async function open(): Promise<string> {
    const list = new Map<string, () => Page | Promise<Page>>([
      ['/metrics', async () => ({ status: 200, contentType: 'text/plain', body: 'größe 1\n' })],
      ['/ready', () => ({ status: 503, contentType: 'application/json', body: '{}' })],
      ['/broken', () => Promise.reject(new Error('no'))],
    ]);
    pages = await openPages({ host: '127.0.0.1', port: 0, pages: list, onError: (path, error) => errors.push(`${path} ${String(error)}`) });
    return `http://127.0.0.1:${pages.port}`;
  }

  it('are answered by path, whatever the query', async () => {
    const base = await open();
    const metrics = await fetch(`${base}/metrics?name=x`);
    expect(metrics.status).toBe(200);
    expect(await metrics.text()).toBe('größe 1\n');
    expect((await fetch(`${base}/ready`)).status).toBe(503);
    const head = await fetch(`${base}/metrics`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('that are not there, or asked for in another way, or fail, are said so', async () => {
    const base = await open();
    expect((await fetch(`${base}/none`)).status).toBe(404);
    const posted = await fetch(`${base}/metrics`, { method: 'POST', body: 'x'.repeat(100_000) });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await fetch(`${base}/broken`)).status).toBe(500);
    expect(errors).toEqual(['/broken Error: no']);
  });

  it('outlive garbage and huge headers', async () => {
    const base = await open();
    for (const junk of ['\0\x01\x02\x03\r\n\r\n', `GET /metrics HTTP/1.1\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`]) {
      await new Promise<void>((resolve) => {
        const socket = connect(pages.port, '127.0.0.1', () => socket.write(junk));
        socket.on('data', () => {}).on('error', () => {}).on('close', () => resolve());
      });
    }
    expect((await fetch(`${base}/metrics`)).status).toBe(200);
  });
});
