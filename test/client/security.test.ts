import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminOptions, clientClock, connectCluster, type Cluster } from '../../src/client/index.ts';
import { clientSecurity } from '../../src/client/security/clientSecurity.ts';
import { ScramExchange } from '../../src/client/security/mechanisms.ts';
import { scramByName, type ScramMechanism } from '../../src/base/sasl/index.ts';
import { systemRandom } from '../../src/base/systemPorts.ts';
import { validateBrokerConfig } from '../../src/config/brokerConfig.ts';
import { startNode, type Node } from '../../src/node/index.ts';
import { issue } from '../support/certificates.ts';

const MODULES = 'org.apache.kafka.common.security';
const UNSECURED = `${MODULES}.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler`;
let folder: string;
let node: Node;
let authorityPem: string;
let strangerPem: string;
let clientStore: string;
let tokenFile: string;
const fetches: string[] = [];
const tokens = createServer((request, response) => {
  let body = '';
  request.on('data', (piece: Buffer) => (body += piece.toString()));
  request.on('end', () => {
    fetches.push(`${request.headers.authorization} ${body}`);
    response.end(JSON.stringify({ access_token: signed }));
  });
});
let signed = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-client-security-'));
  const authority = issue([['CN', 'authority']]);
  const broker = issue([['CN', 'broker']], authority);
  const client = issue([['O', 'team'], ['CN', 'alice']], authority);
  authorityPem = authority.certificate;
  strangerPem = issue([['CN', 'stranger']]).certificate;
  clientStore = path.join(folder, 'client.pem');
  await writeFile(clientStore, client.key + client.certificate);
  const pair = await generateKeyPair('RS256', { extractable: true });
  await writeFile(path.join(folder, 'jwks.json'), JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), alg: 'RS256', kid: 'k' }] }));
  const now = Math.floor(Date.now() / 1000);
  signed = await new CompactSign(Buffer.from(JSON.stringify({ sub: 'carol', aud: 'kafka', iss: 'me', iat: now, exp: now + 600 }))).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(pair.privateKey);
  tokenFile = path.join(folder, 'token');
  await writeFile(tokenFile, `${signed}\n`);
  await new Promise<void>((resolve) => tokens.listen(0, '127.0.0.1', resolve));
  const settings = {
    listeners: ['SSL', 'MTLS', 'SASL_SSL', 'SASL_PLAINTEXT', 'TRIAL'].map((name) => `${name}://127.0.0.1:0`).join(','),
    'listener.security.protocol.map': 'SSL:SSL,MTLS:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,TRIAL:SASL_PLAINTEXT', 'log.dirs': path.join(folder, 'data'),
    'ssl.keystore.type': 'PEM', 'ssl.keystore.key': broker.key, 'ssl.keystore.certificate.chain': broker.certificate, 'ssl.truststore.type': 'PEM', 'ssl.truststore.certificates': authorityPem,
    'listener.name.mtls.ssl.client.auth': 'required', 'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER', 'connection.failed.authentication.delay.ms': '0',
    'listener.name.sasl_ssl.plain.sasl.jaas.config': `${MODULES}.plain.PlainLoginModule required user_alice="a";`, 'listener.name.sasl_plaintext.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${MODULES}.plain.PlainLoginModule required user_alice="a";`, 'listener.name.sasl_plaintext.connections.max.reauth.ms': '1200',
    'listener.name.trial.sasl.enabled.mechanisms': 'OAUTHBEARER', 'listener.name.trial.oauthbearer.sasl.server.callback.handler.class': UNSECURED,
    'sasl.oauthbearer.jwks.endpoint.url': pathToFileURL(path.join(folder, 'jwks.json')).href, 'sasl.oauthbearer.expected.audience': 'kafka', 'sasl.oauthbearer.expected.issuer': 'me',
  };
  const { config } = validateBrokerConfig(Object.entries(settings).map(([key, value]) => ({ key, value, origin: 'test' })));
  node = await startNode({ config, firstScramUsers: [{ mechanism: 'SCRAM-SHA-256', user: 'bob', password: 'b' }, { mechanism: 'SCRAM-SHA-512', user: 'bob', password: 'b' }] });
});
afterAll(async () => {
  tokens.close();
  await node?.close(0);
  await rm(folder, { recursive: true, force: true });
});

const portOf = (listener: string): number => node.listeners.find(({ name }) => name === listener)!.port;
const trusting = () => ({ 'ssl.truststore.type': 'PEM', 'ssl.truststore.certificates': authorityPem });
const plain = (password = 'a') => ({ 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': `${MODULES}.plain.PlainLoginModule required username="alice" password="${password}";` });
const scram = (mechanism: string, password = 'b') => ({ 'sasl.mechanism': mechanism, 'sasl.jaas.config': `${MODULES}.scram.ScramLoginModule required username="bob" password="${password}";` });
const bearer = (options = '', settings = {}) => ({ 'sasl.mechanism': 'OAUTHBEARER', 'sasl.jaas.config': `${MODULES}.oauthbearer.OAuthBearerLoginModule required ${options};`, ...settings });

/** Asks for the brokers through Kafka's settings. */
async function brokersSeen(listener: string, settings: Readonly<Record<string, string>>): Promise<number> {
  const all = new Map(Object.entries({ 'bootstrap.servers': `localhost:${portOf(listener)}`, 'default.api.timeout.ms': '5000', ...settings }));
  const cluster = connectCluster(all.get('bootstrap.servers')!, { ...adminOptions(all).cluster, clientId: 'test' });
  try {
    return (await cluster.metadata([])).brokers.length;
  } finally {
    cluster.close();
  }
}

describe('a client', () => {
  it.each([
    ['SSL', () => ({ 'security.protocol': 'SSL', ...trusting() })],
    ['MTLS', () => ({ 'security.protocol': 'SSL', ...trusting(), 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': clientStore })],
    ['SASL_SSL', () => ({ 'security.protocol': 'SASL_SSL', ...trusting(), ...plain() })],
    ['SASL_SSL', () => ({ 'security.protocol': 'sasl_ssl', ...trusting(), ...scram('SCRAM-SHA-256') })],
    ['SASL_SSL', () => ({ 'security.protocol': 'SASL_SSL', ...trusting(), ...scram('SCRAM-SHA-512') })],
    ['SASL_SSL', () => ({ 'security.protocol': 'SASL_SSL', ...trusting(), ...bearer('', { 'sasl.oauthbearer.token.endpoint.url': pathToFileURL(tokenFile).href }) })],
    ['SASL_SSL', () => ({ 'security.protocol': 'SASL_SSL', ...trusting(), ...bearer('clientId="id" clientSecret="se:cret" scope="a b"', { 'sasl.oauthbearer.token.endpoint.url': `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/` }) })],
    ['SASL_PLAINTEXT', () => ({ 'security.protocol': 'SASL_PLAINTEXT', ...scram('SCRAM-SHA-256') })],
    ['TRIAL', () => ({ 'security.protocol': 'SASL_PLAINTEXT', ...bearer('unsecuredLoginStringClaim_sub="dave"') })],
  ] as const)('comes in at %s (%#)', async (listener, settings) => {
    expect(await brokersSeen(listener, settings())).toBe(1);
  });

  it.each([
    ['a stranger\'s authority', 'SSL', () => ({ 'security.protocol': 'SSL', 'ssl.truststore.type': 'PEM', 'ssl.truststore.certificates': strangerPem })],
    ['a wrong password', 'SASL_PLAINTEXT', () => ({ 'security.protocol': 'SASL_PLAINTEXT', ...plain('wrong') })],
    ['a wrong SCRAM password', 'SASL_SSL', () => ({ 'security.protocol': 'SASL_SSL', ...trusting(), ...scram('SCRAM-SHA-256', 'wrong') })],
    ['a mechanism that is off', 'SASL_PLAINTEXT', () => ({ 'security.protocol': 'SASL_PLAINTEXT', ...scram('SCRAM-SHA-512') })],
    ['a token of the wrong kind', 'SASL_SSL', () => ({ 'security.protocol': 'SASL_SSL', ...trusting(), ...bearer('unsecuredLoginStringClaim_sub="carol"') })],
    ['no token', 'SASL_SSL', () => ({ 'security.protocol': 'SASL_SSL', ...trusting(), ...bearer('', { 'sasl.oauthbearer.token.endpoint.url': 'file:///nowhere' }) })],
  ] as const)('is told at once: %s', async (_name, listener, settings) => {
    await expect(brokersSeen(listener, settings())).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' });
  });

  it.each([
    [{ 'security.protocol': 'SASL_SSL' }, 'sasl.mechanism=GSSAPI'], [{ 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'PLAIN' }, 'sasl.jaas.config is missing'],
    [{ 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': 'x required password="s3cret"' }, 'semicolon'],
    [{ 'security.protocol': 'SASL_SSL', ...scram('SCRAM-SHA-256'), 'sasl.mechanism': 'PLAIN' }, 'another login module'], [{ 'security.protocol': 'SASL_SSL', ...bearer() }, 'token.endpoint.url'],
    [{ 'security.protocol': 'TLS' }, 'security.protocol'],
  ])('is refused its settings: %j', (settings, message) => {
    const asked = () => adminOptions(new Map(Object.entries({ 'bootstrap.servers': 'a:1', ...settings } as Record<string, string>)));
    expect(asked).toThrow(message);
    expect(asked).not.toThrow(/s3cret/);
  });

  it('asks a token endpoint as OAuth has it', () => {
    expect(fetches).toEqual([`Basic ${Buffer.from('id:se:cret').toString('base64')} grant_type=client_credentials&scope=a%20b`]);
  });

  it('logs in anew while requests go on, before its login ends', async () => {
    let logins = 0;
    const { authenticate } = clientSecurity(new Map(Object.entries({ 'security.protocol': 'SASL_PLAINTEXT', ...plain() })));
    const cluster: Cluster = connectCluster(`127.0.0.1:${portOf('SASL_PLAINTEXT')}`, {
      clock: clientClock,
      authenticate: async (connection, address) => {
        logins += 1;
        await authenticate!(connection, address);
      },
    });
    const endMs = performance.now() + 1800;
    let asked = 0;
    while (performance.now() < endMs) {
      const answers = await Promise.all([1, 2, 3].map(() => cluster.metadata([])));
      expect(answers.every(({ brokers }) => brokers.length === 1)).toBe(true);
      asked += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(asked).toBeGreaterThan(10);
    // One connection all the while: the renewals went over it.
    expect(logins).toBe(1);
    expect(cluster.counters.connectionsOpened).toBe(1);
    expect(cluster.counters.failedRequests).toBe(0);
    cluster.close();
  });
});

describe('SCRAM', () => {
  const login = () => new ScramExchange({ mechanism: scramByName('SCRAM-SHA-256') as ScramMechanism, username: 'u', password: 'p', isToken: false }, systemRandom);
  const nonceOf = async (exchange: ScramExchange) => /r=(.*)$/.exec((await exchange.first()).toString())![1]!;

  it('is broken off with a server that does not know the password, or is not asked properly', async () => {
    const exchange = login();
    const nonce = await nonceOf(exchange);
    expect((await exchange.next(Buffer.from(`r=${nonce}xyz,s=AAAA,i=4096`)))?.toString()).toMatch(/^c=biws,r=.*,p=/);
    await expect(exchange.next(Buffer.from('v=AAAA'))).rejects.toThrow('Invalid server signature');
    for (const bad of [() => `r=other,s=AAAA,i=4096`, (own: string) => `r=${own},s=AAAA,i=4096`, (own: string) => `r=${own}x,s=AAAA,i=1`, (own: string) => `r=${own}x,s=AAAA,i=99999999`, () => 'garbage']) {
      const other = login();
      const own = await nonceOf(other);
      await expect(other.next(Buffer.from(bad(own)))).rejects.toThrow();
    }
  });
});
