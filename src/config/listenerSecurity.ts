/** What one listener's settings say of TLS and SASL. Read anew after a change made while running. */
import type { TlsSettings } from '../base/securityProtocol.ts';
import { listenerPrefix, listenerText, listenerValue } from './listenerKeys.ts';
import { explicitText, type BrokerLayers } from './layers.ts';

export function listenerTlsSettings(layers: BrokerLayers, listenerName: string): TlsSettings {
  const text = (key: string): string | null => emptyToNull(listenerValue(layers, listenerName, key) as string | null);
  const list = (key: string): readonly string[] => (listenerValue(layers, listenerName, key) as readonly string[] | null) ?? [];
  return {
    keystoreType: text('ssl.keystore.type') ?? 'JKS',
    keystoreLocation: text('ssl.keystore.location'),
    keystorePassword: text('ssl.keystore.password'),
    keyPassword: text('ssl.key.password'),
    keystoreKey: text('ssl.keystore.key'),
    keystoreCertificateChain: text('ssl.keystore.certificate.chain'),
    truststoreType: text('ssl.truststore.type') ?? 'JKS',
    truststoreLocation: text('ssl.truststore.location'),
    truststorePassword: text('ssl.truststore.password'),
    truststoreCertificates: text('ssl.truststore.certificates'),
    enabledProtocols: list('ssl.enabled.protocols'),
    cipherSuites: list('ssl.cipher.suites').filter((suite) => suite !== ''),
    clientAuth: (text('ssl.client.auth') ?? 'none') as TlsSettings['clientAuth'],
    endpointIdentificationAlgorithm: '',
  };
}

const emptyToNull = (text: string | null): string | null => (text === null || text === '' ? null : text);

/** How a mechanism takes its logins. */
export interface MechanismSettings {
  readonly mechanism: string;
  /** May hold passwords. Null where there is none. */
  readonly jaasText: string | null;
  readonly callbackHandler: string | null;
  /** Longest life of a login in milliseconds; 0: as long as the credential's. */
  readonly maxReauthMs: number;
}

export interface OAuthSettings {
  readonly jwksUrl: string | null;
  readonly jwksRefreshMs: number;
  readonly jwksRetryBackoffMs: number;
  readonly jwksRetryBackoffMaxMs: number;
  readonly expectedAudience: readonly string[];
  readonly expectedIssuer: string | null;
  readonly clockSkewSeconds: number;
  readonly subjectClaimName: string;
  readonly scopeClaimName: string;
}

export interface SaslSettings {
  readonly mechanisms: readonly MechanismSettings[];
  /** Largest message before somebody has logged in. */
  readonly serverMaxReceiveBytes: number;
  readonly oauth: OAuthSettings;
}

export function listenerSaslSettings(layers: BrokerLayers, listenerName: string): SaslSettings {
  const names = listenerValue(layers, listenerName, 'sasl.enabled.mechanisms') as readonly string[];
  return {
    mechanisms: names.map((mechanism) => mechanismSettings(layers, listenerName, mechanism)),
    serverMaxReceiveBytes: listenerValue(layers, listenerName, 'sasl.server.max.receive.size') as number,
    oauth: oauthSettings(layers, listenerName),
  };
}

function mechanismSettings(layers: BrokerLayers, listenerName: string, mechanism: string): MechanismSettings {
  const prefix = `${listenerPrefix(listenerName)}${mechanism.toLowerCase()}.`;
  return {
    mechanism,
    // As in Kafka, a JAAS text counts only for the mechanism that it names in its key.
    jaasText: explicitText(layers, `${prefix}sasl.jaas.config`) ?? null,
    callbackHandler: emptyToNull((listenerText(layers, listenerName, 'sasl.server.callback.handler.class', mechanism) ?? '').trim()),
    maxReauthMs: listenerValue(layers, listenerName, 'connections.max.reauth.ms', mechanism) as number,
  };
}

function oauthSettings(layers: BrokerLayers, listenerName: string): OAuthSettings {
  const value = (key: string) => listenerValue(layers, listenerName, `sasl.oauthbearer.${key}`, 'OAUTHBEARER');
  const text = (key: string): string | null => emptyToNull(value(key) as string | null);
  return {
    jwksUrl: text('jwks.endpoint.url'),
    jwksRefreshMs: value('jwks.endpoint.refresh.ms') as number,
    jwksRetryBackoffMs: value('jwks.endpoint.retry.backoff.ms') as number,
    jwksRetryBackoffMaxMs: value('jwks.endpoint.retry.backoff.max.ms') as number,
    expectedAudience: (value('expected.audience') as readonly string[]).filter((audience) => audience !== ''),
    expectedIssuer: text('expected.issuer'),
    clockSkewSeconds: value('clock.skew.seconds') as number,
    subjectClaimName: text('sub.claim.name') ?? 'sub',
    scopeClaimName: text('scope.claim.name') ?? 'scope',
  };
}
