/** The metadata room: what the cluster is, and the asking for a change of it. */
export * from './types.ts';
export * from './acls.ts';
export * from './clientQuotas.ts';
export { EMBEDDED_METADATA_FOLDER, openEmbeddedMetadata } from './embedded/embedded.ts';
export type { EmbeddedMetadata, EmbeddedMetadataOptions } from './embedded/embedded.ts';
export { CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC, isInternalTopic, topicNameProblem } from './topicNames.ts';
export type { MetadataRecord } from './records.ts';
export { adoptKafkaData } from './embedded/adoption.ts';
export type { AdoptionOptions } from './embedded/adoption.ts';
export { isTokenExpired } from './credentialDecisions.ts';
export type { ScramDeletion, ScramUpsertion, TokenChange, TokenOutcome } from './credentialDecisions.ts';
export type { CredentialRecord, Credentials, DelegationToken } from './credentials.ts';
