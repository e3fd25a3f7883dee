/** How a listener or a client protects a connection, and what it says of TLS. */

export const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;
export type SecurityProtocol = (typeof SECURITY_PROTOCOLS)[number];

export const isSecurityProtocol = (text: string): text is SecurityProtocol => (SECURITY_PROTOCOLS as readonly string[]).includes(text);
export const usesTls = (protocol: SecurityProtocol): boolean => protocol === 'SSL' || protocol === 'SASL_SSL';
export const usesSasl = (protocol: SecurityProtocol): boolean => protocol === 'SASL_PLAINTEXT' || protocol === 'SASL_SSL';

/** Where keys and certificates come from, as Kafka's `ssl.*` settings name it. Holds secrets. */
export interface TlsSettings {
  /** JKS, PKCS12 or PEM. */
  readonly keystoreType: string;
  readonly keystoreLocation: string | null;
  readonly keystorePassword: string | null;
  readonly keyPassword: string | null;
  /** PEM texts in place of a file. */
  readonly keystoreKey: string | null;
  readonly keystoreCertificateChain: string | null;
  readonly truststoreType: string;
  readonly truststoreLocation: string | null;
  readonly truststorePassword: string | null;
  readonly truststoreCertificates: string | null;
  /** `TLSv1.2`, `TLSv1.3`. */
  readonly enabledProtocols: readonly string[];
  /** IANA names as Java has them; empty: what the platform offers. */
  readonly cipherSuites: readonly string[];
  /** A listener's wish for the client's certificate. */
  readonly clientAuth: 'none' | 'requested' | 'required';
  /** A client checks the server's name: `https`; empty: it does not. */
  readonly endpointIdentificationAlgorithm: string;
}
