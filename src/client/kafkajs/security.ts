import { scramByName } from '../../base/sasl/index.ts';
import { systemRandom } from '../../base/systemPorts.ts';
import type { ClusterOptions } from '../core/cluster.ts';
import { saslAuthenticator } from '../security/authenticate.ts';
import { clientSecurity, type ClientSecurity } from '../security/clientSecurity.ts';
import { OAuthBearerExchange, PlainExchange, ScramExchange, type SaslExchange } from '../security/mechanisms.ts';
import { KafkaJSNonRetriableError } from './errors.ts';

/** The part of tls.ConnectionOptions that is taken over. PEM texts. */
export interface SslOptions {
  ca?: string | Buffer | readonly (string | Buffer)[];
  cert?: string | Buffer;
  key?: string | Buffer;
  passphrase?: string;
  /** Only `true` can be had: whoever wants no check of names says `checkServerIdentity`. */
  rejectUnauthorized?: boolean;
  /** Given: the name in the certificate is not compared with the host. */
  checkServerIdentity?: () => undefined;
  servername?: string;
}

export interface OauthbearerProviderResponse {
  value: string;
}

export type SASLOptions =
  | { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
  | { mechanism: 'oauthbearer'; oauthBearerProvider: () => Promise<OauthbearerProviderResponse> };

export type SASLMechanism = SASLOptions['mechanism'];

const TAKEN = ['ca', 'cert', 'key', 'passphrase', 'rejectUnauthorized', 'checkServerIdentity', 'servername'];

/** Throws KafkaJSNonRetriableError for what cannot be had. */
export function toSecurity(ssl: boolean | SslOptions | undefined, sasl: SASLOptions | undefined): ClientSecurity {
  const network = ssl === undefined || ssl === false ? {} : tlsNetwork(ssl === true ? {} : ssl);
  return sasl === undefined ? network : { ...network, authenticate: authenticator(sasl) };
}

function tlsNetwork(ssl: SslOptions): Pick<ClientSecurity, 'network'> {
  const others = Object.keys(ssl).filter((name) => !TAKEN.includes(name));
  if (others.length > 0) throw new KafkaJSNonRetriableError(`ssl: ${others.join(', ')} cannot be set here; allowed: ${TAKEN.join(', ')}`);
  if (ssl.rejectUnauthorized === false) throw new KafkaJSNonRetriableError('ssl: rejectUnauthorized: false is not taken over: name the certificate in "ca" instead');
  const settings = new Map([['security.protocol', 'SSL']]);
  if (ssl.ca !== undefined) settings.set('ssl.truststore.type', 'PEM').set('ssl.truststore.certificates', (Array.isArray(ssl.ca) ? ssl.ca : [ssl.ca]).map(String).join('\n'));
  if (ssl.cert !== undefined && ssl.key !== undefined) settings.set('ssl.keystore.type', 'PEM').set('ssl.keystore.certificate.chain', String(ssl.cert)).set('ssl.keystore.key', String(ssl.key));
  if (ssl.passphrase !== undefined) settings.set('ssl.key.password', ssl.passphrase);
  if (ssl.checkServerIdentity !== undefined) settings.set('ssl.endpoint.identification.algorithm', '');
  return clientSecurity(settings) as Pick<ClientSecurity, 'network'>;
}

function authenticator(sasl: SASLOptions): NonNullable<ClusterOptions['authenticate']> {
  return saslAuthenticator(exchangeMaker(sasl), systemRandom);
}

function exchangeMaker(sasl: SASLOptions): () => SaslExchange {
  const mechanism = String(sasl.mechanism).toUpperCase();
  if (sasl.mechanism === 'oauthbearer') return () => new OAuthBearerExchange(async () => (await sasl.oauthBearerProvider()).value, new Map());
  if (mechanism === 'PLAIN') return () => new PlainExchange(sasl.username, sasl.password);
  const scram = scramByName(mechanism);
  if (scram === undefined) throw new KafkaJSNonRetriableError(`SASL ${mechanism} mechanism is not supported by the client`);
  return () => new ScramExchange({ mechanism: scram, username: sasl.username, password: sasl.password, isToken: false }, systemRandom);
}
