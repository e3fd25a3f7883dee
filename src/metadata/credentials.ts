/** SCRAM credentials and delegation tokens, as Kafka keeps them in its metadata: facts, and the part of the image that holds them. */
import type { ScramCredential } from '../base/sasl/scram.ts';

export interface DelegationToken {
  readonly tokenId: string;
  /** Principals as `User:name`. */
  readonly owner: string;
  readonly requester: string;
  readonly renewers: readonly string[];
  readonly issueTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly expiryTimestampMs: number;
}

export type CredentialRecord =
  /** `mechanism`: Kafka's number of it. Replaces what the user had. */
  | { readonly kind: 'scramCredential'; readonly user: string; readonly mechanism: number; readonly credential: ScramCredential }
  | { readonly kind: 'removeScramCredential'; readonly user: string; readonly mechanism: number }
  /** Replaces the token of that id. */
  | { readonly kind: 'delegationToken'; readonly token: DelegationToken }
  | { readonly kind: 'removeDelegationToken'; readonly tokenId: string };

export interface Credentials {
  /** By user, then by the mechanism's number. */
  readonly scram: ReadonlyMap<string, ReadonlyMap<number, ScramCredential>>;
  readonly tokens: ReadonlyMap<string, DelegationToken>;
}

export class MutableCredentials implements Credentials {
  readonly scram = new Map<string, Map<number, ScramCredential>>();
  readonly tokens = new Map<string, DelegationToken>();

  apply(record: CredentialRecord): void {
    switch (record.kind) {
      case 'scramCredential': {
        const ofUser = this.scram.get(record.user);
        if (ofUser === undefined) this.scram.set(record.user, new Map([[record.mechanism, record.credential]]));
        else ofUser.set(record.mechanism, record.credential);
        break;
      }
      case 'removeScramCredential': {
        const ofUser = this.scram.get(record.user);
        ofUser?.delete(record.mechanism);
        if (ofUser?.size === 0) this.scram.delete(record.user);
        break;
      }
      case 'delegationToken':
        this.tokens.set(record.token.tokenId, record.token);
        break;
      case 'removeDelegationToken':
        this.tokens.delete(record.tokenId);
        break;
    }
  }

  *snapshot(): Generator<CredentialRecord> {
    for (const [user, ofUser] of this.scram) {
      for (const [mechanism, credential] of ofUser) yield { kind: 'scramCredential', user, mechanism, credential };
    }
    for (const token of this.tokens.values()) yield { kind: 'delegationToken', token };
  }
}
