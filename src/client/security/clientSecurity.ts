/** Kafka's security settings of a client, as text, into what a cluster needs of them. */
import { JaasError, parseJaas, scramByName, type JaasEntry, type ScramMechanism } from '../../base/sasl/index.ts';
import type { Clock, Random } from '../../base/ports.ts';
import { systemClock, systemRandom } from '../../base/systemPorts.ts';
import { usesSasl, usesTls, type SecurityProtocol, type TlsSettings } from '../../base/securityProtocol.ts';
import type { Network } from '../../base/wire.ts';
import { splitList } from '../../config/values.ts';
import { ClientError } from '../core/clientError.ts';
import type { ClusterOptions } from '../core/cluster.ts';
import { saslAuthenticator } from './authenticate.ts';
import { OAuthBearerExchange, PlainExchange, ScramExchange, type SaslExchange } from './mechanisms.ts';
import { fromEndpoint, fromFile, remembered, unsecured, type TokenSource } from './tokenSources.ts';

/** To be put among a cluster's options; empty for PLAINTEXT. */
export interface ClientSecurity {
  readonly network?: Network;
  readonly authenticate?: NonNullable<ClusterOptions['authenticate']>;
}

export interface SecurityPorts {
  readonly clock: Clock;
  readonly random: Random;
}

type Text = (name: string) => string | null;

const invalid = (message: string): ClientError => new ClientError('INVALID_ARGUMENT', message);

/** Throws ClientError INVALID_ARGUMENT. Files are read at the first connection. */
export function clientSecurity(settings: ReadonlyMap<string, string>, ports: SecurityPorts = { clock: systemClock, random: systemRandom }): ClientSecurity {
  const text: Text = (name) => {
    const value = settings.get(name);
    return value === undefined || value === '' ? null : value;
  };
  const protocol = (text('security.protocol') ?? 'PLAINTEXT').trim().toUpperCase() as SecurityProtocol;
  return {
    ...(usesTls(protocol) ? { network: lazyTlsNetwork(tlsSettings(settings, text)) } : {}),
    ...(usesSasl(protocol) ? { authenticate: saslAuthenticator(exchangeMaker(text, ports), ports.random) } : {}),
  };
}

/** What reads key stores is loaded by the first connection. */
function lazyTlsNetwork(settings: TlsSettings): Network {
  let network: Promise<Network> | null = null;
  const load = (): Promise<Network> => (network ??= import('../../net/tls/index.ts').then(({ createTlsClientNetwork }) => createTlsClientNetwork(settings)));
  return { listen: async (at, accept) => (await load()).listen(at, accept), connect: async (to) => (await load()).connect(to) };
}

function tlsSettings(settings: ReadonlyMap<string, string>, text: Text): TlsSettings {
  return {
    keystoreType: text('ssl.keystore.type') ?? 'JKS', keystoreLocation: text('ssl.keystore.location'), keystorePassword: text('ssl.keystore.password'), keyPassword: text('ssl.key.password'),
    keystoreKey: text('ssl.keystore.key'), keystoreCertificateChain: text('ssl.keystore.certificate.chain'), truststoreType: text('ssl.truststore.type') ?? 'JKS',
    truststoreLocation: text('ssl.truststore.location'), truststorePassword: text('ssl.truststore.password'), truststoreCertificates: text('ssl.truststore.certificates'),
    enabledProtocols: splitList(text('ssl.enabled.protocols') ?? 'TLSv1.2,TLSv1.3'), cipherSuites: splitList(text('ssl.cipher.suites') ?? ''), clientAuth: 'none',
    // An empty text switches the check off; only when nothing is said is it on.
    endpointIdentificationAlgorithm: settings.get('ssl.endpoint.identification.algorithm')?.trim() ?? 'https',
  };
}

function exchangeMaker(text: Text, ports: SecurityPorts): () => SaslExchange {
  const mechanism = (text('sasl.mechanism') ?? 'GSSAPI').trim();
  const scram = scramByName(mechanism);
  if (mechanism === 'PLAIN') return plainMaker(jaasOf(text, 'plain.PlainLoginModule'));
  if (scram !== undefined) return scramMaker(scram, jaasOf(text, 'scram.ScramLoginModule'), ports.random);
  if (mechanism === 'OAUTHBEARER') return oauthMaker(jaasOf(text, 'oauthbearer.OAuthBearerLoginModule'), text, ports.clock);
  throw invalid(`sasl.mechanism=${mechanism} is not supported by this client; allowed: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER`);
}

function jaasOf(text: Text, module: string): JaasEntry {
  const config = text('sasl.jaas.config');
  const wanted = `org.apache.kafka.common.security.${module}`;
  if (config === null) throw invalid(`sasl.jaas.config is missing; wanted: ${wanted} required ...;`);
  try {
    const entry = parseJaas(config);
    if (entry.module !== wanted) throw invalid(`sasl.jaas.config names another login module than ${wanted}`);
    return entry;
  } catch (error) {
    throw error instanceof JaasError ? invalid(`sasl.jaas.config: ${error.message}`) : error;
  }
}

function optionOf({ options }: JaasEntry, name: string): string {
  const value = options.get(name);
  if (value === undefined) throw invalid(`sasl.jaas.config has no option ${name}`);
  return value;
}

function plainMaker(jaas: JaasEntry): () => SaslExchange {
  const username = optionOf(jaas, 'username');
  const password = optionOf(jaas, 'password');
  return () => new PlainExchange(username, password);
}

function scramMaker(mechanism: ScramMechanism, jaas: JaasEntry, random: Random): () => SaslExchange {
  const login = { mechanism, username: optionOf(jaas, 'username'), password: optionOf(jaas, 'password'), isToken: jaas.options.get('tokenauth')?.toLowerCase() === 'true' };
  return () => new ScramExchange(login, random);
}

function oauthMaker(jaas: JaasEntry, text: Text, clock: Clock): () => SaslExchange {
  const source = tokenSource(jaas, text, clock);
  const extensions = new Map([...jaas.options].filter(([name]) => name.startsWith('extension_')).map(([name, value]) => [name.slice('extension_'.length), value]));
  return () => new OAuthBearerExchange(source, extensions);
}

function tokenSource(jaas: JaasEntry, text: Text, clock: Clock): TokenSource {
  const url = text('sasl.oauthbearer.token.endpoint.url');
  if (url === null) {
    if (jaas.options.has('unsecuredLoginStringClaim_sub')) return unsecured(jaas, clock);
    throw invalid('OAUTHBEARER needs sasl.oauthbearer.token.endpoint.url: https://..., or file:///... for a token in a file');
  }
  if (url.startsWith('file:')) return remembered(fromFile(url), clock);
  const clientId = text('sasl.oauthbearer.client.credentials.client.id') ?? optionOf(jaas, 'clientId');
  const clientSecret = text('sasl.oauthbearer.client.credentials.client.secret') ?? optionOf(jaas, 'clientSecret');
  return remembered(fromEndpoint({ url, clientId, clientSecret, scope: text('sasl.oauthbearer.scope') ?? jaas.options.get('scope') ?? null }), clock);
}
