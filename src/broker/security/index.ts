/** Who a connection is: logins by SASL, names from certificates, delegation tokens. What it may do is decided in `acl/`. */
import type { Clock, Logger, Random } from '../../base/ports.ts';
import { usesSasl, type SecurityProtocol } from '../../base/securityProtocol.ts';
import { mapName, parseMappingRules } from '../../config/principalMapping.ts';
import type { BrokerConfig } from '../../config/types.ts';
import type { ClusterMetadata } from '../../metadata/index.ts';
import type { MetricsRegistry } from '../../metrics/registry.ts';
import { ANONYMOUS, type ConnectionLogin, type Identity, type LoginConnection } from './login.ts';
import type { FetchDocument } from './oauth/keyStore.ts';
import { Mechanisms } from './sasl/mechanisms.ts';
import { SaslLogin, type SaslLoginServices } from './sasl/saslLogin.ts';
import { TokenSecrets } from './tokens/tokenSecrets.ts';

export { ANONYMOUS, type ConnectionLogin, type Identity, type LoginConnection } from './login.ts';
export type { FetchDocument } from './oauth/keyStore.ts';

export interface AuthenticationOptions {
  readonly config: () => BrokerConfig;
  readonly metadata: ClusterMetadata;
  readonly metrics: MetricsRegistry;
  readonly fetchDocument: FetchDocument;
  readonly answerError: SaslLoginServices['answerError'];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export class Authentication {
  readonly tokenSecrets: TokenSecrets;
  readonly #options: AuthenticationOptions;
  readonly #login: SaslLoginServices;

  constructor(options: AuthenticationOptions) {
    const { config, clock, logger, metrics } = options;
    this.#options = options;
    this.tokenSecrets = new TokenSecrets(options.random);
    this.#login = {
      mechanisms: new Mechanisms({ ...options, tokenSecrets: this.tokenSecrets }),
      failureDelayMs: () => config().connectionFailedAuthenticationDelayMs,
      clock,
      logger,
      counters: {
        succeeded: metrics.counter('successful_authentications'), failed: metrics.counter('failed_authentications'), expired: metrics.counter('expired_connections_killed'),
      },
      answerError: options.answerError,
    };
  }

  /** Null on listeners without SASL. */
  loginFor(connection: LoginConnection, protocol: SecurityProtocol): ConnectionLogin | null {
    return usesSasl(protocol) ? new SaslLogin(connection, this.#login) : null;
  }

  /** Who has shown a certificate with this name; null: none. Throws Error when no rule gives a name. */
  identityOf(subject: string | null): Identity {
    if (subject === null) return ANONYMOUS;
    const name = mapName(parseMappingRules(this.#options.config().sslPrincipalMappingRules), subject);
    if (name === null) throw new Error(`no rule of ssl.principal.mapping.rules applies to ${subject}`);
    return { principal: `User:${name}`, isTokenAuthenticated: false };
  }

  /** Forgets delegation tokens from time to time. Returns what ends that. */
  sweepTokens(): () => void {
    const { config, clock, metadata, logger } = this.#options;
    const intervalMs = config().delegationTokenExpiryCheckIntervalMs;
    const sweep = (): void => {
      timer = clock.setTimer(intervalMs, sweep);
      if (metadata.image.credentials.tokens.size === 0) return;
      metadata.controller.sweepDelegationTokens(clock.now()).then(
        () => this.tokenSecrets.prune(metadata.image.credentials),
        (error: unknown) => logger.warn('expired delegation tokens could not be removed', { reason: String(error) }),
      );
    };
    let timer = clock.setTimer(intervalMs, sweep);
    return () => timer.cancel();
  }
}
