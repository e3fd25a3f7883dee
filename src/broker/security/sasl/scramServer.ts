import { isProofOf, parseClientFinal, parseClientFirst, SaslError, serverFirstText, serverSignature } from '../../../base/sasl/index.ts';
import type { ClientFirst, ScramCredential, ScramMechanism } from '../../../base/sasl/index.ts';
import type { Random } from '../../../base/ports.ts';
import type { SaslIdentity, SaslServer, SaslStep } from './saslServer.ts';

/** Who may come in by a name, and what he must prove to know. */
export interface ScramAccount {
  readonly credential: ScramCredential;
  readonly identity: SaslIdentity;
}

export interface ScramAccounts {
  ofUser(name: string, mechanism: ScramMechanism): ScramAccount | null;
  /** By the id of a delegation token. */
  ofToken(tokenId: string, mechanism: ScramMechanism): ScramAccount | null;
}

const NONCE_BYTES = 24;

/** SCRAM-SHA-256 and SCRAM-SHA-512. Each exchange has a nonce of its own, so that what was overheard proves nothing again. */
export class ScramServer implements SaslServer {
  readonly #mechanism: ScramMechanism;
  readonly #accounts: ScramAccounts;
  readonly #nonce: string;
  #first: { readonly client: ClientFirst; readonly serverText: string; readonly nonce: string; readonly account: ScramAccount } | null = null;
  #isOver = false;

  constructor(mechanism: ScramMechanism, accounts: ScramAccounts, random: Random) {
    this.#mechanism = mechanism;
    this.#accounts = accounts;
    this.#nonce = Buffer.from(random.bytes(NONCE_BYTES)).toString('base64url');
  }

  evaluate(message: Buffer): SaslStep {
    if (this.#isOver) throw new SaslError('the SCRAM exchange is over');
    const isFirst = this.#first === null;
    this.#isOver = !isFirst;
    return isFirst ? this.#evaluateFirst(message) : this.#evaluateFinal(message);
  }

  #evaluateFirst(message: Buffer): SaslStep {
    const client = parseClientFirst(message);
    const { username, authorizationId, extensions } = client;
    const isToken = extensions.get('tokenauth')?.toLowerCase() === 'true';
    const account = isToken ? this.#accounts.ofToken(username, this.#mechanism) : this.#accounts.ofUser(username, this.#mechanism);
    if (account === null) throw new SaslError('Authentication failed: Invalid user credentials');
    if (authorizationId !== '' && authorizationId !== username) throw new SaslError('Authentication failed: Client requested an authorization id that is different from username', true);
    const nonce = client.nonce + this.#nonce;
    const serverText = serverFirstText(nonce, account.credential.salt, account.credential.iterations);
    this.#first = { client, serverText, nonce, account };
    return { reply: Buffer.from(serverText, 'utf8'), identity: null };
  }

  #evaluateFinal(message: Buffer): SaslStep {
    const final = parseClientFinal(message);
    const { client, serverText, nonce, account } = this.#first!;
    // Some clients repeat their own part in front; what counts is signed.
    if (!final.nonce.endsWith(nonce)) throw new SaslError('Invalid client nonce in the final client message');
    const authMessage = `${client.bare},${serverText},${final.withoutProof}`;
    if (!isProofOf(this.#mechanism, account.credential, authMessage, final.proof)) throw new SaslError('Invalid client credentials');
    const signature = serverSignature(this.#mechanism, account.credential.serverKey, authMessage);
    return { reply: Buffer.from(`v=${signature.toString('base64')}`, 'utf8'), identity: account.identity };
  }
}
