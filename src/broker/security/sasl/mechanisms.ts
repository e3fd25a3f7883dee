/** From the settings of a listener to the server of a mechanism. Settings are read anew for each login, so that a change counts at once. */
import { parseJaas, scramByName, type JaasEntry, type ScramMechanism } from '../../../base/sasl/index.ts';
import type { Clock, Logger, Random } from '../../../base/ports.ts';
import { listenerSaslSettings, type MechanismSettings, type OAuthSettings, type SaslSettings } from '../../../config/listenerSecurity.ts';
import { UNSECURED_OAUTH_HANDLER } from '../../../config/securityChecks.ts';
import type { BrokerConfig } from '../../../config/types.ts';
import { isTokenExpired, type ClusterMetadata } from '../../../metadata/index.ts';
import type { ClaimRules } from '../oauth/claims.ts';
import { KeyStore, type FetchDocument } from '../oauth/keyStore.ts';
import { SignedTokenChecker, UnsecuredTokenChecker, type TokenChecker } from '../oauth/tokenChecker.ts';
import type { TokenSecrets } from '../tokens/tokenSecrets.ts';
import { OAuthServer } from './oauthServer.ts';
import { PlainServer } from './plainServer.ts';
import type { SaslServer } from './saslServer.ts';
import { ScramServer, type ScramAccount } from './scramServer.ts';

export interface MechanismServices {
  readonly config: () => BrokerConfig;
  readonly metadata: ClusterMetadata;
  readonly tokenSecrets: TokenSecrets;
  readonly fetchDocument: FetchDocument;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Texts that were parsed, kept while they are asked for. */
const KEPT_MAX = 100;

export class Mechanisms {
  readonly #services: MechanismServices;
  readonly #jaasByText = new Map<string, JaasEntry>();
  readonly #checkerBySettings = new Map<string, TokenChecker>();

  constructor(services: MechanismServices) {
    this.#services = services;
  }

  settingsOf(listenerName: string): SaslSettings {
    return listenerSaslSettings(this.#services.config().layers, listenerName);
  }

  /** Null for a mechanism that is not served. */
  serverFor(mechanism: MechanismSettings, settings: SaslSettings): SaslServer | null {
    const scram = scramByName(mechanism.mechanism);
    if (scram !== undefined) return this.#scramServer(scram);
    if (mechanism.mechanism === 'PLAIN') return mechanism.jaasText === null ? null : new PlainServer(this.#jaas(mechanism.jaasText));
    if (mechanism.mechanism !== 'OAUTHBEARER') return null;
    return new OAuthServer(this.#checker(mechanism, settings.oauth));
  }

  #jaas(text: string): JaasEntry {
    return kept(this.#jaasByText, text, () => parseJaas(text));
  }

  #scramServer(mechanism: ScramMechanism): SaslServer {
    return new ScramServer(mechanism, { ofUser: (name) => this.#accountOfUser(name, mechanism), ofToken: (tokenId) => this.#accountOfToken(tokenId, mechanism) }, this.#services.random);
  }

  #accountOfUser(name: string, mechanism: ScramMechanism): ScramAccount | null {
    const credential = this.#services.metadata.image.credentials.scram.get(name)?.get(mechanism.code);
    if (credential === undefined || credential.iterations < mechanism.iterationsMin) return null;
    return { credential, identity: { principal: `User:${name}`, isTokenAuthenticated: false, expiresAtMs: null } };
  }

  #accountOfToken(tokenId: string, mechanism: ScramMechanism): ScramAccount | null {
    const { metadata, tokenSecrets, clock, config } = this.#services;
    const token = metadata.image.credentials.tokens.get(tokenId);
    const secretKey = config().delegationTokenSecretKey;
    if (token === undefined || secretKey === null || isTokenExpired(token, clock.now())) return null;
    return {
      credential: tokenSecrets.credentialOf(token, mechanism, secretKey),
      identity: { principal: token.owner, isTokenAuthenticated: true, expiresAtMs: token.expiryTimestampMs },
    };
  }

  #checker(mechanism: MechanismSettings, oauth: OAuthSettings): TokenChecker {
    const { callbackHandler, jaasText } = mechanism;
    return kept(this.#checkerBySettings, JSON.stringify([callbackHandler, jaasText, oauth]), () => this.#makeChecker(mechanism, oauth));
  }

  #makeChecker({ callbackHandler, jaasText }: MechanismSettings, oauth: OAuthSettings): TokenChecker {
    const { clock, logger, fetchDocument } = this.#services;
    if (callbackHandler === UNSECURED_OAUTH_HANDLER) return new UnsecuredTokenChecker(unsecuredRules(jaasText === null ? null : this.#jaas(jaasText)), clock);
    const rules: ClaimRules = {
      audience: oauth.expectedAudience, issuer: oauth.expectedIssuer, clockSkewMs: oauth.clockSkewSeconds * 1000, subjectClaimName: oauth.subjectClaimName,
      scopeClaimName: oauth.scopeClaimName, requiredScope: [], needsIssuedAt: true,
    };
    const keys = new KeyStore({
      url: oauth.jwksUrl ?? '', refreshMs: oauth.jwksRefreshMs, retryBackoffMs: oauth.jwksRetryBackoffMs, retryBackoffMaxMs: oauth.jwksRetryBackoffMaxMs, fetchDocument, clock, logger,
    });
    return new SignedTokenChecker(keys, rules, clock);
  }
}

/** The options that Kafka's handler of unsigned tokens reads from its login module. */
function unsecuredRules(jaas: JaasEntry | null): ClaimRules {
  const option = (name: string): string | undefined => jaas?.options.get(`unsecuredValidator${name}`);
  const skewMs = Number(option('AllowableClockSkewMs') ?? 0);
  return {
    audience: [], issuer: null, clockSkewMs: Number.isSafeInteger(skewMs) && skewMs >= 0 ? skewMs : 0,
    subjectClaimName: option('PrincipalClaimName') ?? 'sub', scopeClaimName: option('ScopeClaimName') ?? 'scope',
    requiredScope: (option('RequiredScope') ?? '').split(/\s+/).filter((item) => item !== ''), needsIssuedAt: false,
  };
}

function kept<Value>(known: Map<string, Value>, key: string, make: () => Value): Value {
  let value = known.get(key);
  if (value === undefined) {
    if (known.size >= KEPT_MAX) known.clear();
    value = make();
    known.set(key, value);
  }
  return value;
}
