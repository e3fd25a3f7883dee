/** What follows from a delegation token and the cluster's secret: its HMAC, and the SCRAM credentials by which it logs in. */
import { saltedPasswordSync, scramCredential, type ScramCredential, type ScramMechanism } from '../../../base/sasl/index.ts';
import { tokenHmac } from '../../../base/tokenHmac.ts';
import type { Random } from '../../../base/ports.ts';
import type { Credentials, DelegationToken } from '../../../metadata/index.ts';

const SALT_BYTES = 16;

export class TokenSecrets {
  readonly #random: Random;
  /** Made when first asked for: some milliseconds each. They stay the same when a token is renewed. */
  readonly #credentials = new Map<string, ScramCredential>();
  readonly #idByHmac = new Map<string, string>();

  constructor(random: Random) {
    this.#random = random;
  }

  hmacOf(token: DelegationToken, secretKey: string): Buffer {
    return tokenHmac(secretKey, token.tokenId);
  }

  /** The token that the HMAC is of, or null. */
  findByHmac(credentials: Credentials, hmac: Buffer, secretKey: string): DelegationToken | null {
    const wanted = hmac.toString('base64');
    const id = this.#idByHmac.get(wanted) ?? this.#learn(credentials, wanted, secretKey);
    return id === undefined ? null : (credentials.tokens.get(id) ?? null);
  }

  credentialOf(token: DelegationToken, mechanism: ScramMechanism, secretKey: string): ScramCredential {
    const key = `${mechanism.name} ${token.tokenId}`;
    let credential = this.#credentials.get(key);
    if (credential === undefined) {
      const salt = Buffer.from(this.#random.bytes(SALT_BYTES));
      const password = this.hmacOf(token, secretKey).toString('base64');
      credential = scramCredential(mechanism, saltedPasswordSync(mechanism, password, salt, mechanism.iterationsMin), salt, mechanism.iterationsMin);
      this.#credentials.set(key, credential);
    }
    return credential;
  }

  /** Forgets what belongs to tokens that are no more. */
  prune(credentials: Credentials): void {
    for (const [hmac, id] of this.#idByHmac) if (!credentials.tokens.has(id)) this.#idByHmac.delete(hmac);
    for (const key of this.#credentials.keys()) if (!credentials.tokens.has(key.slice(key.indexOf(' ') + 1))) this.#credentials.delete(key);
  }

  #learn(credentials: Credentials, wanted: string, secretKey: string): string | undefined {
    if (this.#idByHmac.size >= credentials.tokens.size) this.prune(credentials);
    if (this.#idByHmac.size === credentials.tokens.size) return undefined;
    for (const id of credentials.tokens.keys()) this.#idByHmac.set(tokenHmac(secretKey, id).toString('base64'), id);
    return this.#idByHmac.get(wanted);
  }
}
