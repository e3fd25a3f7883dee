/** Other people's clients over TLS and SASL: librdkafka, KafkaJS and Apache Kafka's own tools. */
import { writeFile, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import { Kafka, logLevel, type SASLOptions } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issue } from '../support/certificates.ts';
import { freePort, projectRoot, startBroker, temporaryFolder, type BrokerProcess } from './support/broker.ts';
import { javaTool, javaToolsAvailable } from './support/java.ts';
import { pythonEnvironment } from './support/python.ts';
import { run, skipLoudly } from './support/run.ts';

const MODULES = 'org.apache.kafka.common.security';
const PLAIN_JAAS = `${MODULES}.plain.PlainLoginModule required user_alice="alice-secret";`;
let folder: string;
let broker: BrokerProcess;
let token: string;
const ports = new Map<string, number>();
const file = (name: string): string => path.join(folder, name);

beforeAll(async () => {
  folder = await temporaryFolder('interop-security');
  await mkdir(file('data'));
  const authority = issue([['CN', 'authority']]);
  const server = issue([['CN', 'broker']], authority);
  const client = issue([['O', 'team'], ['CN', 'eve']], authority);
  await writeFile(file('ca.pem'), authority.certificate);
  await writeFile(file('broker.pem'), server.key + server.certificate);
  await writeFile(file('client.key'), client.key);
  await writeFile(file('client.pem'), client.certificate);
  await writeFile(file('client.store.pem'), client.key + client.certificate);
  const pair = await generateKeyPair('RS256', { extractable: true });
  await writeFile(file('jwks.json'), JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), alg: 'RS256', kid: 'k' }] }));
  const now = Math.floor(Date.now() / 1000);
  token = await new CompactSign(Buffer.from(JSON.stringify({ sub: 'carol', aud: 'kafka', iss: 'me', iat: now, exp: now + 3600 }))).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(pair.privateKey);
  await writeFile(file('token'), token);
  for (const name of ['PLAINTEXT', 'SSL', 'MTLS', 'SASL_SSL', 'SASL_PLAINTEXT']) ports.set(name, await freePort());
  broker = await startBroker({
    port: ports.get('PLAINTEXT')!, dataFolder: file('data'), flags: ['--add-scram', 'SCRAM-SHA-256=[name=bob,password=bob-secret]', '--add-scram', 'SCRAM-SHA-512=[name=bob,password=bob-secret]'],
    overrides: {
      listeners: [...ports].map(([name, port]) => `${name}://localhost:${port}`).join(','), 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SSL:SSL,MTLS:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
      'ssl.keystore.type': 'PEM', 'ssl.keystore.location': file('broker.pem'), 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': file('ca.pem'), 'listener.name.mtls.ssl.client.auth': 'required',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER', 'listener.name.sasl_ssl.plain.sasl.jaas.config': PLAIN_JAAS,
      'listener.name.sasl_plaintext.plain.sasl.jaas.config': PLAIN_JAAS, 'listener.name.sasl_plaintext.connections.max.reauth.ms': 2500, 'sasl.oauthbearer.jwks.endpoint.url': pathToFileURL(file('jwks.json')).href,
      'sasl.oauthbearer.expected.audience': 'kafka', 'sasl.oauthbearer.expected.issuer': 'me', 'delegation.token.secret.key': 'key-of-tokens',
    },
  });
});
afterAll(async () => {
  if (process.env['SHOW']) process.stderr.write(broker?.output() ?? '');
  await broker?.close();
  await rm(folder, { recursive: true, force: true });
});

const address = (listener: string): string => `localhost:${ports.get(listener)}`;

it('librdkafka, by each mechanism, logging in anew amid its work', async () => {
  const environment = await pythonEnvironment();
  if (environment === null) return skipLoudly('confluent-kafka can not be installed');
  const ca = { 'ssl.ca.location': file('ca.pem') };
  const sasl = (mechanism: string, user: string, password: string) => ({ 'sasl.mechanism': mechanism, 'sasl.username': user, 'sasl.password': password });
  const over = (listener: string, protocol: string, more: object) => ({ 'bootstrap.servers': address(listener), 'security.protocol': protocol, ...more });
  const cases = [
    { name: 'tls', config: over('SSL', 'SSL', ca) },
    { name: 'mtls', config: over('MTLS', 'SSL', { ...ca, 'ssl.certificate.location': file('client.pem'), 'ssl.key.location': file('client.key') }) },
    { name: 'plain', config: over('SASL_SSL', 'SASL_SSL', { ...ca, ...sasl('PLAIN', 'alice', 'alice-secret') }) },
    { name: 'scram256', config: over('SASL_SSL', 'SASL_SSL', { ...ca, ...sasl('SCRAM-SHA-256', 'bob', 'bob-secret') }) },
    { name: 'scram512', config: over('SASL_SSL', 'SASL_SSL', { ...ca, ...sasl('SCRAM-SHA-512', 'bob', 'bob-secret') }) },
    { name: 'oauth', config: over('SASL_SSL', 'SASL_SSL', { ...ca, 'sasl.mechanism': 'OAUTHBEARER' }), token },
    { name: 'reauth', config: over('SASL_PLAINTEXT', 'SASL_PLAINTEXT', sasl('SCRAM-SHA-256', 'bob', 'bob-secret')), seconds: 6 },
    { name: 'bad-plain', config: over('SASL_SSL', 'SASL_SSL', { ...ca, ...sasl('PLAIN', 'alice', 'wrong') }), fails: true },
    { name: 'bad-scram', config: over('SASL_SSL', 'SASL_SSL', { ...ca, ...sasl('SCRAM-SHA-512', 'bob', 'wrong') }), fails: true },
    { name: 'no-certificate', config: over('MTLS', 'SSL', ca), fails: true },
    { name: 'no-tls', config: over('SSL', 'PLAINTEXT', {}), fails: true },
  ];
  const ended = await run('python3', [path.join(projectRoot, 'test/interop/clients/secure.py'), JSON.stringify(cases)], { env: environment, timeoutMs: 240_000 });
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
});

describe('KafkaJS', () => {
  it.each([
    ['plain', { mechanism: 'plain', username: 'alice', password: 'alice-secret' }], ['scram-sha-256', { mechanism: 'scram-sha-256', username: 'bob', password: 'bob-secret' }],
    ['scram-sha-512', { mechanism: 'scram-sha-512', username: 'bob', password: 'bob-secret' }], ['oauthbearer', { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: token }) }],
  ] as [string, SASLOptions][])('by %s', async (name, sasl) => {
    const { readFile } = await import('node:fs/promises');
    const kafka = new Kafka({ brokers: [address('SASL_SSL')], ssl: { ca: await readFile(file('ca.pem'), 'utf8'), servername: 'localhost' }, sasl, logLevel: logLevel.NOTHING, retry: { retries: 1 } });
    const producer = kafka.producer({ allowAutoTopicCreation: true });
    await producer.connect();
    const [sent] = await producer.send({ topic: `kafkajs-${name}`, messages: [{ value: 'v' }] }).catch(() => producer.send({ topic: `kafkajs-${name}`, messages: [{ value: 'v' }] }));
    expect(sent?.errorCode).toBe(0);
    await producer.disconnect();
  });
});

it('Apache Kafka\'s tools: SCRAM users, delegation tokens, certificates, new keys while running', async () => {
  if (!(await javaToolsAvailable())) return skipLoudly('no JDK or Maven: Apache Kafka\'s tools were not run');
  const trust = ['ssl.truststore.type=PEM', `ssl.truststore.location=${file('ca.pem')}`];
  const settings = async (name: string, lines: readonly string[]): Promise<string> => {
    await writeFile(file(name), [...trust, ...lines].join('\n'));
    return file(name);
  };
  const scram = (mechanism: string, user: string, password: string, more = '') => [
    'security.protocol=SASL_SSL', `sasl.mechanism=${mechanism}`, `sasl.jaas.config=${MODULES}.scram.ScramLoginModule required username="${user}" password="${password}"${more};`,
  ];
  const tool = async (name: string, listener: string, config: string, args: readonly string[]) => {
    const ended = await javaTool(name, ['--bootstrap-server', address(listener), '--command-config', config, ...args]);
    return ended.stdout + ended.stderr;
  };
  const configs = 'kafka.admin.ConfigCommand';
  const tokens = 'org.apache.kafka.tools.DelegationTokenCommand';
  const topics = 'org.apache.kafka.tools.TopicCommand';
  const bob = await settings('bob', scram('SCRAM-SHA-512', 'bob', 'bob-secret'));
  await tool(configs, 'SASL_SSL', bob, ['--alter', '--entity-type', 'users', '--entity-name', 'dora', '--add-config', 'SCRAM-SHA-256=[iterations=8192,password=dora-secret]']);
  expect(await tool(configs, 'SASL_SSL', bob, ['--describe', '--entity-type', 'users', '--entity-name', 'dora'])).toContain('SCRAM-SHA-256=iterations=8192');
  const dora = await settings('dora', scram('SCRAM-SHA-256', 'dora', 'dora-secret'));
  const made = await tool(tokens, 'SASL_SSL', dora, ['--create', '--max-life-time-period', '-1', '--renewer-principal', 'User:bob']);
  const [, id, hmac] = /\n(\S{22}) +(\S+==) +User:dora/.exec(made) ?? [];
  expect(id, made).toBeDefined();
  const byToken = await settings('token.properties', scram('SCRAM-SHA-512', id!, hmac!, ' tokenauth="true"'));
  expect(await tool(topics, 'SASL_SSL', byToken, ['--create', '--topic', 'by-token'])).toContain('Created topic by-token');
  expect(await tool(tokens, 'SASL_SSL', bob, ['--expire', '--expiry-time-period', '-1', '--hmac', hmac!])).toContain('Completed expire operation');
  expect(await tool(topics, 'SASL_SSL', byToken, ['--list'])).toContain('Authentication failed');
  const oauth = await settings('oauth', [
    'security.protocol=SASL_SSL', 'sasl.mechanism=OAUTHBEARER', `sasl.oauthbearer.token.endpoint.url=${pathToFileURL(file('token')).href}`,
    `sasl.jaas.config=${MODULES}.oauthbearer.OAuthBearerLoginModule required;`, `sasl.login.callback.handler.class=${MODULES}.oauthbearer.OAuthBearerLoginCallbackHandler`,
    'sasl.oauthbearer.jwt.retriever.class=org.apache.kafka.common.security.oauthbearer.FileJwtRetriever',
  ]);
  process.env['JAVA_TOOL_OPTIONS'] = `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${pathToFileURL(file('token')).href}`;
  expect(await tool(topics, 'SASL_SSL', oauth, ['--list'])).toContain('by-token');
  delete process.env['JAVA_TOOL_OPTIONS'];
  const mutual = await settings('mtls', ['security.protocol=SSL', 'ssl.keystore.type=PEM', `ssl.keystore.location=${file('client.store.pem')}`]);
  expect(await tool(topics, 'MTLS', mutual, ['--list'])).toContain('by-token');
  const other = issue([['CN', 'other authority']]);
  const fresh = issue([['CN', 'broker']], other);
  await writeFile(file('new.pem'), fresh.key + fresh.certificate);
  const open = await settings('open', ['security.protocol=PLAINTEXT']);
  await tool(configs, 'PLAINTEXT', open, ['--alter', '--entity-type', 'brokers', '--entity-name', '1', '--add-config', `listener.name.ssl.ssl.keystore.location=${file('new.pem')}`]);
  const old = await settings('old', ['security.protocol=SSL']);
  expect(await tool(topics, 'SSL', old, ['--list'])).toMatch(/SSL handshake failed|SslAuthenticationException/);
  await writeFile(file('ca.pem'), other.certificate);
  expect(await tool(topics, 'SSL', old, ['--list'])).toContain('by-token');
});

it('secrets are in no line of the log', () => {
  for (const secret of ['alice-secret', 'bob-secret', 'dora-secret', 'key-of-tokens', token]) expect(broker.output()).not.toContain(secret);
});
