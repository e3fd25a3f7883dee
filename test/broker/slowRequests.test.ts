import { describe, expect, it } from 'vitest';
import type { Logger } from '../../src/base/ports.ts';
import { SlowRequests } from '../../src/broker/slowRequests.ts';
import { FakeClock } from '../storage/support/ports.ts';
import { ApiKey } from '../../src/protocol/generated/apis.ts';

function recording(): { logger: Logger; lines: Readonly<Record<string, unknown>>[] } {
  const lines: Readonly<Record<string, unknown>>[] = [];
  const logger: Logger = { debug() {}, info() {}, error() {}, child: () => logger, warn: (_message, fields) => void lines.push(fields ?? {}) };
  return { logger, lines };
}

const request = (apiKey: number, receivedMs: number) =>
  ({ apiKey, apiVersion: 9, clientId: 'c'.repeat(5000), connection: { remoteAddress: '10.0.0.1', principal: 'User:a' }, receivedMs });

describe('slow requests', () => {
  it('are told with who asked and for how long, unless they wait on purpose', () => {
    const { logger, lines } = recording();
    let limitMs = 100;
    const slow = new SlowRequests(logger, new FakeClock(), () => limitMs);
    slow.note('Produce', request(ApiKey.Produce, 1000), 1100);
    slow.note('Fetch', request(ApiKey.Fetch, 1000), 9000);
    expect(lines).toEqual([]);
    slow.note('Produce', request(ApiKey.Produce, 1000), 1101.4);
    expect(lines).toEqual([{ api: 'Produce', version: 9, totalMs: 101, clientId: 'c'.repeat(100), client: '10.0.0.1', principal: 'User:a' }]);
    limitMs = -1;
    slow.note('Produce', request(ApiKey.Produce, 0), 1_000_000);
    expect(lines.length).toBe(1);
  });

  it('do not fill the log; how many were left out is told', async () => {
    const { logger, lines } = recording();
    const clock = new FakeClock();
    const slow = new SlowRequests(logger, clock, () => 100);
    for (let index = 0; index < 500; index++) slow.note('Produce', request(ApiKey.Produce, 20_000), 21_000);
    expect(lines.length).toBe(10);
    await clock.advance(20_000);
    slow.note('Produce', request(ApiKey.Produce, 40_000), 41_000);
    expect(lines[10]).toMatchObject({ notLoggedBefore: 490 });
  });
});
