import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TlsSettings } from '../../../src/base/securityProtocol.ts';
import type { Network, Wire, WireListener } from '../../../src/base/wire.ts';
import { createTlsClientNetwork, createTlsServerNetwork, TlsServer } from '../../../src/net/tls/index.ts';
import { TlsWire } from '../../../src/net/tls/tlsWire.ts';
import { issue } from '../../support/certificates.ts';

const none: TlsSettings = {
  keystoreType: 'PEM', keystoreLocation: null, keystorePassword: null, keyPassword: null, keystoreKey: null, keystoreCertificateChain: null, truststoreType: 'PEM', truststoreLocation: null,
  truststorePassword: null, truststoreCertificates: null, enabledProtocols: ['TLSv1.2', 'TLSv1.3'], cipherSuites: [], clientAuth: 'none', endpointIdentificationAlgorithm: 'https',
};

let server: TlsServer;
let listener: WireListener;
let network: Network;
let onAccepted: (wire: Wire) => void = () => {};

beforeAll(async () => {
  const authority = issue([['CN', 'authority']]);
  const { key, certificate } = issue([['CN', 'broker']], authority);
  server = await TlsServer.open({ settings: () => ({ ...none, keystoreKey: key, keystoreCertificateChain: certificate }) });
  listener = await createTlsServerNetwork(server).listen({ host: '127.0.0.1', port: 0 }, (wire) => onAccepted(wire));
  network = createTlsClientNetwork({ ...none, truststoreCertificates: authority.certificate });
});
afterAll(async () => {
  server.close();
  await listener.close();
});

/** Gathers what arrives until the other side ends. */
function received(): { readonly whole: Promise<Buffer>; wire: Wire | null } {
  const result: { whole: Promise<Buffer>; wire: Wire | null } = { whole: Promise.resolve(Buffer.alloc(0)), wire: null };
  result.whole = new Promise((resolve) => {
    onAccepted = (wire) => {
      result.wire = wire;
      const pieces: Buffer[] = [];
      wire.start({ onBytes: (bytes) => void pieces.push(Buffer.from(bytes)), onDrain() {}, onClose: () => resolve(Buffer.concat(pieces)) });
    };
  });
  return result;
}

async function connected(): Promise<Wire> {
  const wire = await network.connect({ host: 'localhost', port: listener.port, timeoutMs: 5000 });
  wire.start({ onBytes() {}, onDrain() {}, onClose() {} });
  return wire;
}

/** No two places of it look alike. */
function content(lengthBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  for (let index = 0; index < lengthBytes; index += 1) bytes[index] = (index * 31 + (index >> 8) * 7 + seed) & 0xff;
  return bytes;
}

const lengths = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 200 }), fc.integer({ min: 16_300, max: 16_500 }), fc.integer({ min: 1, max: 600_000 }));
const writes = fc.array(fc.array(lengths, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 });

describe('writes through TLS', () => {
  it('arrive whole and in order, are told of once each in order, and are sent before an end', { timeout: 30_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(writes, fc.boolean(), async (plan, pauses) => {
        const receiving = received();
        const wire = await connected();
        expect(wire).toBeInstanceOf(TlsWire);
        const sent: Buffer[] = [];
        const told: number[] = [];
        for (const [number, list] of plan.entries()) {
          const chunks = list.map((length, index) => content(length, number * 11 + index));
          sent.push(...chunks);
          wire.write(chunks, () => told.push(number));
          if (pauses && number % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        wire.end();
        const whole = await receiving.whole;
        expect(whole.equals(Buffer.concat(sent))).toBe(true);
        expect(told).toEqual([...plan.keys()]);
        expect(wire.pendingBytes).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  it('say when there is no room, and when there is again', async () => {
    const receiving = received();
    const wire = await network.connect({ host: 'localhost', port: listener.port, timeoutMs: 5000 });
    const drained = new Promise<void>((resolve) => wire.start({ onBytes() {}, onDrain: resolve, onClose() {} }));
    expect(wire.write([content(3 << 20, 1)])).toBe(false);
    expect(wire.pendingBytes).toBe(3 << 20);
    await drained;
    expect(wire.pendingBytes).toBe(0);
    wire.end();
    expect((await receiving.whole).length).toBe(3 << 20);
  });

  it('give back what they borrowed when the wire is destroyed amid them', async () => {
    received();
    const wire = await network.connect({ host: 'localhost', port: listener.port, timeoutMs: 5000 });
    const told: string[] = [];
    const closed = new Promise<void>((resolve) => wire.start({ onBytes() {}, onDrain() {}, onClose: () => resolve() }));
    wire.write([content(2 << 20, 1)], () => told.push('first'));
    wire.write([content(2 << 20, 2), content(10, 3)], () => told.push('second'));
    wire.destroy();
    await closed;
    expect(told).toEqual(['first', 'second']);
    expect(wire.pendingBytes).toBe(0);
    wire.write([content(1, 1)], () => told.push('third'));
    expect(told).toEqual(['first', 'second', 'third']);
  });
});
