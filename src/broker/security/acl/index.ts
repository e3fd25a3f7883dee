/** Access control: the authorizer, and a guard for every API. */
import type { Served } from '../../dispatch.ts';
import type { ApiHandler } from '../../contract.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import type { Access } from './access.ts';
import { guarded } from './guard.ts';
import type { Guard, GuardServices } from './guard.ts';
import { clusterGuards } from './guards/cluster.ts';
import { configGuards } from './guards/configs.ts';
import { deleteTopicsGuard } from './guards/deleteTopics.ts';
import { describeGroupsGuards } from './guards/describeGroups.ts';
import { describeTopicsGuards } from './guards/describeTopics.ts';
import { groupGuards } from './guards/groups.ts';
import { offsetGuards } from './guards/offsets.ts';
import { shareGuards } from './guards/share.ts';
import { streamsGuards } from './guards/streams.ts';
import { tokenGuards } from './guards/tokens.ts';
import { topicGuards } from './guards/topics.ts';
import { transactionGuards } from './guards/transactions.ts';

export { Access, Caller } from './access.ts';
export type { AccessSettings } from './access.ts';

/**
 * Open to everybody, as in Kafka: what comes before a principal is known, telemetry, and renewing tokens, which goes by their owner. A fetch asks for each
 * topic that it reads, since its session may name topics that its request does not.
 */
export const UNGUARDED: ReadonlySet<number> = new Set([
  ApiKey.ApiVersions, ApiKey.SaslHandshake, ApiKey.SaslAuthenticate, ApiKey.GetTelemetrySubscriptions, ApiKey.PushTelemetry, ApiKey.RenewDelegationToken,
  ApiKey.ExpireDelegationToken, ApiKey.Fetch,
]);

export const guardsByApi: ReadonlyMap<number, Guard<unknown, unknown>> = new Map([
  ...clusterGuards, ...configGuards, deleteTopicsGuard, ...describeGroupsGuards, ...describeTopicsGuards, ...groupGuards, ...offsetGuards, ...shareGuards,
  ...streamsGuards, ...tokenGuards, ...topicGuards, ...transactionGuards,
].map(({ apiKey, guard }) => [apiKey, guard]));

/** The handlers behind their guards. Throws for an API that has none: it would be open to everybody. */
export function guardAll(served: readonly Served[], access: Access, services: GuardServices): Served[] {
  return served.map((entry) => ({ handler: guardHandler(entry.handler, access, services), services: entry.services }));
}

function guardHandler(handler: ApiHandler<unknown, unknown, unknown>, access: Access, services: GuardServices): ApiHandler<unknown, unknown, unknown> {
  const guard = guardsByApi.get(handler.apiKey);
  if (guard !== undefined) return guarded(handler, guard, access, services);
  if (UNGUARDED.has(handler.apiKey)) return handler;
  throw new Error(`the API ${handler.name} has no access rule`);
}
