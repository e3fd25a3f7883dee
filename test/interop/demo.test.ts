/** The demo app as its README starts it, as a process of its own, and in a real browser. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBroker } from '../../src/testing/index.ts';
import type { TestBroker } from '../../src/testing/index.ts';

const projectRoot = fileURLToPath(new URL('../../', import.meta.url));
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-headless-shell', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = process.env['BROWSER'] ?? BROWSERS.find((file) => existsSync(file));
if (executablePath === undefined) console.log('SKIPPED: the demo in a browser: no Chromium found (set BROWSER to one)');

let broker: TestBroker;
let child: ChildProcess;
let url = '';
beforeAll(async () => {
  broker = await startBroker();
  child = spawn(process.execPath, ['examples/demo/src/main.mjs', broker.bootstrap], { cwd: projectRoot, env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
  url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      const match = /open (http:\/\/\S+),/.exec(text);
      if (match !== null) resolve(match[1]!);
    });
    child.once('exit', (code) => reject(new Error(`the demo ended with ${code}:\n${text}`)));
  });
});
afterAll(async () => {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  await broker.close();
});

it('produces by its REST route, and says what is wrong', async () => {
  const sent = await fetch(`${url}/rest/api/producerMsg?message=first`);
  expect(await sent.json()).toEqual({ topic: 'demo-messages', partition: 0, offset: 0 });
  for (const query of ['', '?message=', `?message=${'x'.repeat(10_001)}`]) expect((await fetch(`${url}/rest/api/producerMsg${query}`)).status).toBe(400);
  expect(broker.records('demo-messages').map((record) => record.text())).toEqual(['first']);
});

it.skipIf(executablePath === undefined)('shows in a browser what is consumed, and sends what is typed', async () => {
  const browser = await puppeteer.launch({ executablePath: executablePath!, headless: 'shell', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  try {
    const page = await browser.newPage();
    await page.goto(url);
    const shown = (): Promise<string[]> => page.$$eval('#messages td:nth-child(3)', (cells) => cells.map((cell) => cell.textContent ?? ''));
    await page.waitForFunction("document.querySelectorAll('#messages tr').length === 1");
    await page.type('#message', '<b>typed</b> & sent');
    await page.click('button');
    await page.waitForFunction("document.querySelectorAll('#messages tr').length === 2");
    expect(await shown()).toEqual(['<b>typed</b> & sent', 'first']);
    await fetch(`${url}/rest/api/producerMsg?message=${encodeURIComponent('from elsewhere')}`);
    await page.waitForFunction("document.querySelectorAll('#messages tr').length === 3");
    expect(broker.records('demo-messages').map((record) => record.text())).toEqual(['first', '<b>typed</b> & sent', 'from elsewhere']);
  } finally {
    await browser.close();
  }
});
