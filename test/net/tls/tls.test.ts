import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TlsSettings } from '../../../src/base/securityProtocol.ts';
import type { TlsPeer, Wire, WireListener } from '../../../src/base/wire.ts';
import { createTlsClientNetwork, createTlsServerNetwork, loadTlsMaterial, TlsError, TlsServer } from '../../../src/net/tls/index.ts';
import { opensslCiphers } from '../../../src/net/tls/cipherSuites.ts';
import { issue, toPkcs12, type Issued } from '../../support/certificates.ts';

const none: TlsSettings = {
  keystoreType: 'PEM', keystoreLocation: null, keystorePassword: null, keyPassword: null, keystoreKey: null, keystoreCertificateChain: null, truststoreType: 'PEM', truststoreLocation: null,
  truststorePassword: null, truststoreCertificates: null, enabledProtocols: ['TLSv1.2', 'TLSv1.3'], cipherSuites: [], clientAuth: 'none', endpointIdentificationAlgorithm: 'https',
};
let folder: string;
let authority: Issued;
let stranger: Issued;
let broker: Issued;
let client: Issued;
let foreign: Issued;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-tls-'));
  authority = issue([['CN', 'authority']]);
  stranger = issue([['CN', 'stranger']]);
  broker = issue([['CN', 'broker']], authority);
  client = issue([['C', 'DE'], ['O', 'Tide, Log'], ['CN', 'cäro']], authority);
  foreign = issue([['CN', 'foreign']], stranger);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const opened: { server: TlsServer; listener: WireListener }[] = [];
afterEach(async () => {
  for (const { server, listener } of opened.splice(0)) {
    server.close();
    await listener.close();
  }
});

const keyed = (issued: Issued) => ({ keystoreKey: issued.key, keystoreCertificateChain: issued.certificate });
const trusting = (issued: Issued) => ({ truststoreCertificates: issued.certificate });

/** An echo that tells of whom it has heard. */
async function serve(settings: () => Partial<TlsSettings>, onReload?: (error: Error | null) => void) {
  const server = await TlsServer.open({ settings: () => ({ ...none, ...settings() }), watchIntervalMs: 50, ...(onReload === undefined ? {} : { onReload }) });
  const peers: (TlsPeer | null)[] = [];
  const errors: string[] = [];
  const listener = await createTlsServerNetwork(server).listen({ host: '127.0.0.1', port: 0 }, (wire: Wire) => {
    wire.start({
      onSecured: (peer) => peers.push(peer), onBytes: (bytes) => void wire.write([Buffer.from(bytes)]), onDrain() {}, onClose: (error) => errors.push(error?.message ?? ''),
    });
  });
  opened.push({ server, listener });
  return { server, port: listener.port, peers, errors };
}

async function echo(port: number, settings: Partial<TlsSettings>, host = 'localhost'): Promise<string> {
  const wire = await createTlsClientNetwork({ ...none, ...settings }).connect({ host, port, timeoutMs: 5000 });
  try {
    return await new Promise<string>((resolve, reject) => {
      wire.start({ onBytes: (bytes) => resolve(bytes.toString()), onDrain() {}, onClose: (error) => reject(error ?? new Error('closed')) });
      wire.write([Buffer.from('he'), Buffer.from('llo')]);
    });
  } finally {
    wire.destroy();
  }
}

describe('a TLS listener', () => {
  it('serves clients that trust it, and only those; a name that is not in the certificate is refused', async () => {
    const { port, peers } = await serve(() => keyed(broker));
    expect(await echo(port, trusting(authority))).toBe('hello');
    expect(await echo(port, trusting(authority), '127.0.0.1')).toBe('hello');
    expect(peers[0]).toEqual({ subject: null });
    await expect(echo(port, trusting(stranger))).rejects.toThrow();
    await expect(echo(port, trusting(authority), '127.0.0.2')).rejects.toThrow();
  });

  it('moves much data both ways', async () => {
    const { port } = await serve(() => keyed(broker));
    const wire = await createTlsClientNetwork({ ...none, ...trusting(authority) }).connect({ host: 'localhost', port, timeoutMs: 5000 });
    const sent = Buffer.alloc(8 << 20, 'tidelog');
    let received = 0;
    await new Promise<void>((resolve, reject) => {
      wire.start({ onBytes: (bytes) => ((received += bytes.length) >= sent.length ? resolve() : undefined), onDrain() {}, onClose: (error) => reject(error ?? new Error('closed')) });
      wire.write([sent.subarray(0, 10), sent.subarray(10, 5 << 20), sent.subarray(5 << 20)]);
    });
    wire.destroy();
    expect(received).toBe(sent.length);
  });

  it.each([
    ['required', 'none', null], ['required', 'client', 'CN=cäro,O=Tide\\, Log,C=DE'], ['required', 'foreign', null],
    ['requested', 'none', ''], ['requested', 'client', 'CN=cäro,O=Tide\\, Log,C=DE'], ['requested', 'foreign', null],
    ['none', 'foreign', ''],
  ] as const)('whose clients\' certificates are %s, and the client has: %s', async (clientAuth, shown, subject) => {
    const { port, peers, errors } = await serve(() => ({ ...keyed(broker), ...trusting(authority), clientAuth }));
    const own = shown === 'none' ? {} : keyed(shown === 'client' ? client : foreign);
    const answer = echo(port, { ...trusting(authority), ...own });
    if (subject === null) {
      await expect(answer).rejects.toThrow();
      await vi.waitUntil(() => errors.length > 0);
      expect(peers).toEqual([]);
      expect(errors[0]).not.toBe('');
    } else {
      expect(await answer).toBe('hello');
      expect(peers).toEqual([{ subject: subject === '' ? null : subject }]);
    }
  });

  it('takes new keys for connections to come, when settings change and when files do', async () => {
    const file = path.join(folder, 'reload.pem');
    const write = (issued: Issued) => writeFile(file, issued.key + issued.certificate);
    await write(broker);
    let settings: Partial<TlsSettings> = { keystoreLocation: file };
    const reloads: (Error | null)[] = [];
    const { port, server } = await serve(() => settings, (error) => reloads.push(error));
    expect(await echo(port, trusting(authority))).toBe('hello');
    await write(foreign);
    await vi.waitUntil(() => reloads.length > 0, { timeout: 15_000 });
    expect(reloads[0]).toBeNull();
    expect(await echo(port, trusting(stranger))).toBe('hello');
    settings = { ...keyed(broker) };
    expect(await server.refresh()).toBe(true);
    expect(await server.refresh()).toBe(false);
    expect(await echo(port, trusting(authority))).toBe('hello');
    settings = { keystoreLocation: path.join(folder, 'nowhere.pem') };
    await expect(server.refresh()).rejects.toThrow('nowhere.pem');
    expect(await echo(port, trusting(authority))).toBe('hello');
  });

  it('offers the versions and suites that are enabled', async () => {
    const { port } = await serve(() => ({ ...keyed(broker), enabledProtocols: ['TLSv1.2'], cipherSuites: ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'] }));
    const socket = tls.connect({ host: '127.0.0.1', port, ca: authority.certificate, servername: 'localhost' });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    expect([socket.getProtocol(), socket.getCipher().name]).toEqual(['TLSv1.2', 'ECDHE-RSA-AES128-GCM-SHA256']);
    socket.destroy();
    await expect(echo(port, { ...trusting(authority), enabledProtocols: ['TLSv1.3'] })).rejects.toThrow();
    expect(() => opensslCiphers(['TLS_RSA_WITH_NOTHING'])).toThrow(TlsError);
  });

  it('ends who speaks no TLS, who leaves amid the handshake and who sends garbage, and serves the others', async () => {
    const { port, errors, peers } = await serve(() => keyed(broker));
    const send = (bytes: Buffer) => new Promise<void>((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
      socket.on('error', () => {});
      socket.once('close', () => resolve());
      setTimeout(() => socket.destroy(), 200);
    });
    await send(Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255]));
    await send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await send(Buffer.from([0x16, 3, 1, 0xff, 0xff, 1, 0, 0xff, 0xff, 0xff]));
    await send(Buffer.from([0x16, 3, 1]));
    await vi.waitUntil(() => errors.length === 4);
    expect(peers).toEqual([]);
    expect(await echo(port, trusting(authority))).toBe('hello');
  });
});

describe('key stores', () => {
  it('are read as PEM with an encrypted key, and as PKCS12', async () => {
    const encrypted = createPrivateKey(broker.key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'pw' }) as string;
    const pem = await loadTlsMaterial({ ...none, keystoreKey: encrypted, keystoreCertificateChain: broker.certificate, keyPassword: 'pw', ...trusting(authority) });
    expect([pem.certificates.length, pem.trusted?.length]).toEqual([1, 1]);
    const file = path.join(folder, 'store.p12');
    await writeFile(file, toPkcs12(broker, authority, 'pw'));
    for (const keystoreType of ['PKCS12', 'JKS']) {
      const store = await loadTlsMaterial({ ...none, keystoreType, keystoreLocation: file, keystorePassword: 'pw', truststoreType: keystoreType, truststoreLocation: file, truststorePassword: 'pw' });
      expect(store.certificates[0]?.replaceAll(/\s/g, '')).toBe(broker.certificate.replaceAll(/\s/g, ''));
      expect(store.trusted).toHaveLength(2);
      expect(createPrivateKey(store.key ?? '').equals(createPrivateKey(broker.key))).toBe(true);
    }
  });

  it.each([
    ['nothing there', { keystoreLocation: '/nowhere/x' }, '/nowhere/x'],
    ['garbage', { keystoreLocation: 'FILE', keystoreType: 'PKCS12' }, 'neither PKCS12 nor JKS'],
    ['no key', { keystoreLocation: 'FILE' }, '0 private keys'],
    ['an unknown type', { keystoreLocation: 'FILE', keystoreType: 'BKS' }, 'BKS'],
    ['a truncated JKS', { keystoreLocation: 'JKS', keystoreType: 'JKS', keystorePassword: 's3cret' }, 'damaged'],
    ['a truncated PKCS12', { keystoreLocation: 'P12', keystoreType: 'PKCS12', keystorePassword: 's3cret' }, 'damaged'],
    ['a key without its certificates', { keystoreKey: 'x' }, 'certificate.chain'],
    ['no certificate to trust', { truststoreLocation: 'FILE' }, 'no certificate'],
  ])('%s: a clear refusal without secrets', async (_name, settings, message) => {
    await writeFile(path.join(folder, 'FILE'), 'no key store');
    await writeFile(path.join(folder, 'JKS'), Buffer.from('feedfeed0000000200000001', 'hex'));
    await writeFile(path.join(folder, 'P12'), Buffer.from('3082ffff0201', 'hex'));
    const there = Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, /^(FILE|JKS|P12)$/.test(value) && key.endsWith('Location') ? path.join(folder, value) : value]));
    const loading = loadTlsMaterial({ ...none, ...there });
    await expect(loading).rejects.toThrow(TlsError);
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.not.toThrow('s3cret');
  });

  it('whose key and certificate do not belong together are refused', async () => {
    await expect(loadTlsMaterial({ ...none, keystoreKey: broker.key, keystoreCertificateChain: client.certificate })).rejects.toThrow('does not belong');
    await expect(loadTlsMaterial({ ...none, keystoreKey: 'x', keystoreCertificateChain: client.certificate })).rejects.toThrow('private keys');
  });
});
