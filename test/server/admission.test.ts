import { beforeEach, describe, expect, it } from 'vitest';
import type { Wire } from '../../src/base/wire.ts';
import { Admission } from '../../src/server/admission.ts';
import { ConnectionQuota } from '../../src/server/connectionQuota.ts';
import { LimitedLog } from '../../src/base/limitedLog.ts';
import { noConnectionLimits } from '../../src/server/settings.ts';
import type { ConnectionLimits } from '../../src/server/settings.ts';
import { fakePorts } from '../storage/support/ports.ts';
import type { FakePorts } from '../storage/support/ports.ts';

class FakeWire {
  isDestroyed = false;
  readonly remoteAddress: string;
  constructor(remoteAddress: string) {
    this.remoteAddress = remoteAddress;
  }
  destroy(): void {
    this.isDestroyed = true;
  }
}

const CLIENTS = { name: 'CLIENTS' };
const BROKERS = { name: 'BROKERS' };

describe('admission', () => {
  let ports: FakePorts;
  let admission: Admission<{ name: string }>;
  let admitted: FakeWire[];
  let idlestClosed: number;

  function open(limits: Partial<ConnectionLimits>, settings: { maxConnections?: number; maxConnectionsPerIp?: number } = {}, waitingMax = 10): void {
    const all = { ...noConnectionLimits, ...limits };
    const full = { maxConnections: Infinity, maxConnectionsPerIp: Infinity, maxConnectionsPerIpOverrides: new Map<string, number>(), ...settings };
    admission = new Admission({
      quota: new ConnectionQuota(() => full as never, all), clock: ports.clock, log: new LimitedLog(ports.logger, ports.clock), waitingMax, openMax: () => all.openMax,
      admit: (_listener, wire) => admitted.push(wire as unknown as FakeWire), closeIdlest: () => (idlestClosed += 1),
    });
  }

  function arrive(listener = CLIENTS, address = '10.0.0.1'): FakeWire {
    const wire = new FakeWire(address);
    admission.arrive(listener, wire as unknown as Wire);
    return wire;
  }

  beforeEach(() => {
    ports = fakePorts();
    admitted = [];
    idlestClosed = 0;
  });

  it('lets wait who has no place, in the order of coming', () => {
    open({}, { maxConnections: 1 });
    const [first, second, third] = [arrive(), arrive(), arrive()];
    expect(admitted).toEqual([first]);
    expect(admission.waitingCount).toBe(2);
    admission.release('CLIENTS', '10.0.0.1');
    expect(admitted).toEqual([first, second]);
    admission.release('CLIENTS', '10.0.0.1');
    expect(admitted).toEqual([first, second, third]);
  });

  it('has places of its own for a listener', () => {
    open({ ofListener: (name) => ({ maxConnections: name === 'CLIENTS' ? 1 : 5, maxCreationRate: Infinity }) });
    arrive();
    arrive();
    const other = arrive(BROKERS);
    expect(admitted.length).toBe(2);
    expect(admitted[1]).toBe(other);
  });

  it('takes a place from the idlest for a connection of the protected listener', () => {
    open({ protectedListener: 'BROKERS' }, { maxConnections: 1 });
    arrive();
    arrive(BROKERS);
    expect(admitted.length).toBe(2);
    expect(idlestClosed).toBe(1);
    arrive();
    expect(admitted.length).toBe(2);
  });

  it('closes at once what is above the limit of an address, and refuses what the process has no files for', () => {
    open({ openMax: 3 }, { maxConnectionsPerIp: 1 });
    const [, second] = [arrive(), arrive()];
    expect(second.isDestroyed).toBe(true);
    arrive(CLIENTS, '10.0.0.2');
    arrive(CLIENTS, '10.0.0.3');
    expect(arrive(CLIENTS, '10.0.0.4').isDestroyed).toBe(true);
    expect(admitted.length).toBe(3);
  });

  it('bounds who waits', () => {
    open({}, { maxConnections: 0 }, 2);
    arrive();
    arrive();
    expect(arrive().isDestroyed).toBe(true);
    expect(admission.waitingCount).toBe(2);
  });

  it('spreads what comes faster than the rate of the broker', async () => {
    open({ maxCreationRate: 1, windows: 2 });
    for (let i = 0; i < 4; i++) arrive();
    expect(admitted.length).toBeGreaterThan(0);
    expect(admitted.length).toBeLessThan(4);
    await ports.clock.advance(30_000);
    expect(admitted.length).toBe(4);
  });

  it('closes after a while who connects more often than the quota of its address', async () => {
    open({ creationRateOf: (address) => (address === '10.0.0.1' ? 1 : Infinity), windows: 2 });
    const wires = [arrive(), arrive(), arrive(), arrive()];
    const kept = admitted.length;
    expect(kept).toBeLessThan(4);
    expect(wires.some(({ isDestroyed }) => isDestroyed)).toBe(false);
    await ports.clock.advance(30_000);
    expect(wires.filter(({ isDestroyed }) => isDestroyed).length).toBe(4 - kept);
    arrive(CLIENTS, '10.0.0.9');
    expect(admitted.length).toBe(kept + 1);
  });

  it('ends all that waits when it is closed', () => {
    open({ maxCreationRate: 1, windows: 2 }, {}, 100);
    const wires = Array.from({ length: 10 }, () => arrive());
    admission.close();
    expect(wires.filter((wire) => !admitted.includes(wire)).every(({ isDestroyed }) => isDestroyed)).toBe(true);
    expect(admission.waitingCount).toBe(0);
  });
});
