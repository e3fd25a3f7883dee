/**
 * A guard stands before a handler and decides, as Kafka does for that API, what of a request the caller may have. Without an authorizer no guard is there.
 */
import type { BrokerConfig } from '../../../config/types.ts';
import type { ClusterMetadata } from '../../../metadata/types.ts';
import type { ApiHandler } from '../../contract.ts';
import { intercepted } from '../../intercept.ts';
import type { Verdict } from '../../intercept.ts';
import { Caller } from './access.ts';
import type { Access } from './access.ts';

export { split } from '../../intercept.ts';
export type { Verdict } from '../../intercept.ts';

export interface GuardServices {
  readonly metadata: ClusterMetadata;
  readonly config: BrokerConfig;
}

export interface GuardCall extends GuardServices {
  readonly access: Access;
  readonly caller: Caller;
  readonly apiVersion: number;
}

/** Null lets the request pass as it is. */
export type Guard<Request, Response> = (request: Request, call: GuardCall) => Verdict<Request, Response> | null;

export interface GuardOfApi {
  readonly apiKey: number;
  // Each guard has its own request and response types; the list of them can name none.
  // eslint-disable-next-line typescript/no-explicit-any
  readonly guard: Guard<any, any>;
}

export function guardOf<Request, Response>(apiKey: number, guard: Guard<Request, Response>): GuardOfApi {
  return { apiKey, guard };
}

type AnyHandler = ApiHandler<unknown, unknown, unknown>;

/** The handler behind its guard. */
export function guarded(handler: AnyHandler, guard: Guard<unknown, unknown>, access: Access, services: GuardServices): AnyHandler {
  return intercepted(handler, (request, { connection, apiVersion }) =>
    guard(request, { access, metadata: services.metadata, config: services.config, caller: new Caller(access, connection), apiVersion }));
}
