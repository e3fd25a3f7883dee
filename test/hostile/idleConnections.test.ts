/** Ten thousand clients that have connected and say nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeApiVersionsRequest } from '../../src/protocol/generated/apiVersions.ts';
import { connectionsMaxFor, openFilesMax } from '../../src/node/openFiles.ts';
import { ApiVersions } from '../broker/support/apis.ts';
import { Arena } from './support/arena.ts';
import { skipLoudly } from './support/mountedFolder.ts';
import { ownMemoryMib, processorSeconds } from './support/processMemory.ts';
import type { RawClient } from './support/rawClient.ts';

const WANTED = 10_000;
/** Both ends need a descriptor for each; the broker and this process are two processes. */
const possible = Math.min(WANTED, connectionsMaxFor(openFilesMax()) - 100);
const KIB_EACH_MAX = 16;
const OBSERVED_MS = 2000;

let arena: Arena;
beforeAll(async () => {
  if (possible < WANTED) skipLoudly(`${WANTED} idle connections`, `the limit of open files allows ${possible}`);
  arena = await Arena.open({ overrides: { 'max.connections': WANTED + 100 } });
});
afterAll(() => arena.close());

test('idle connections cost little memory, no processor, and nobody else anything', async () => {
  const { pid } = arena.broker;
  const before = ownMemoryMib(pid) ?? 0;
  const clients: RawClient[] = [];
  await arena.attack(async () => {
    while (clients.length < possible) clients.push(...(await Promise.all(Array.from({ length: 100 }, () => arena.connect()))));
    // Each has spoken once, as clients do.
    for (const client of clients) client.send(ApiVersions, 0, makeApiVersionsRequest());
    for (const client of clients) await client.nextFrame();
    const eachKib = (((ownMemoryMib(pid) ?? 0) - before) * 1024) / clients.length;
    if (process.env['TIDELOG_TEST_FIGURES'] === '1') console.log(`${clients.length} connections: ${eachKib.toFixed(1)} KiB each`);
    expect(eachKib).toBeLessThan(KIB_EACH_MAX);
    await arena.bystander.moreAcks(20);
    expect(clients.filter(({ isClosed }) => isClosed)).toEqual([]);
  }, { growthMibMax: (possible * KIB_EACH_MAX) / 1024, acksDuringMin: 50 });
}, 60_000);

test('they use no processor', async () => {
  await arena.attack(async () => {
    const clients = await Promise.all(Array.from({ length: Math.min(possible, 5000) }, () => arena.connect()));
    await arena.bystander.pause();
    const before = processorSeconds(arena.broker.pid) ?? 0;
    await new Promise((resolve) => setTimeout(resolve, OBSERVED_MS));
    const share = (((processorSeconds(arena.broker.pid) ?? 0) - before) * 1000) / OBSERVED_MS;
    arena.bystander.goOn();
    if (process.env['TIDELOG_TEST_FIGURES'] === '1') console.log(`${clients.length} idle connections: ${(share * 100).toFixed(1)} % of a processor`);
    expect(share).toBeLessThan(0.1);
  }, { growthMibMax: (possible * KIB_EACH_MAX) / 1024 });
}, 60_000);
