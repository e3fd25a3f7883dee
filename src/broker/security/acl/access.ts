/** The authorizer as handlers see it: what a connection may do, remembered until a list changes. */
import { canonicalAddress } from '../../../base/ipAddress.ts';
import type { Logger } from '../../../base/ports.ts';
import { CLUSTER_NAME, AclOperation, ResourceType } from '../../../metadata/acls.ts';
import type { ClusterMetadata } from '../../../metadata/types.ts';
import type { MetricsRegistry, Counter } from '../../../metrics/registry.ts';
import type { ClientConnection } from '../../contract.ts';
import { authorize, authorizeAny, OPERATIONS_OF } from './authorizer.ts';

export interface AccessSettings {
  /** `type:name` of those who may do everything. */
  readonly superUsers: ReadonlySet<string>;
  /** What holds for a resource without any list. */
  readonly allowEveryoneIfNoAclFound: boolean;
}

export interface AccessOptions {
  readonly metadata: ClusterMetadata;
  readonly settings: AccessSettings;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
}

/** Verdicts of everybody together; past it all are forgotten. */
const VERDICTS_MAX = 100_000;
/** Longer names are decided each time: a request may bring names of 32 KiB, and they would be kept. */
const NAME_LENGTH_KEPT_MAX = 256;
const NAME_LENGTH_LOGGED_MAX = 256;
/** In a verdict the bit of an operation says that it is known, the same bit this much higher that it is allowed. */
const ALLOWED_SHIFT = 16;

/** What is known of one principal at one host. */
class Verdicts {
  readonly principal: string;
  readonly host: string;
  readonly isSuper: boolean;
  /** By resource type, then name. */
  readonly byType: Map<string, number>[] = [];
  /** Of `allowsAny`: by resource type. */
  readonly any: number[] = [];
  epoch: number;

  constructor(principal: string, host: string, isSuper: boolean, epoch: number) {
    this.principal = principal;
    this.host = host;
    this.isSuper = isSuper;
    this.epoch = epoch;
  }
}

export class Access {
  readonly #metadata: ClusterMetadata;
  readonly #settings: AccessSettings;
  readonly #logger: Logger;
  readonly #denied: Counter;
  readonly #ofConnection = new WeakMap<ClientConnection, Verdicts>();
  #ofIdentity = new Map<string, Verdicts>();
  #verdictCount = 0;
  /** Moves on when everything that is remembered has become void. */
  #epoch = 0;
  #aclVersion = -1;

  constructor({ metadata, settings, logger, metrics }: AccessOptions) {
    this.#metadata = metadata;
    this.#settings = settings;
    this.#logger = logger;
    this.#denied = metrics.counter('authorization_denied');
    metrics.gauge('acl_count', () => metadata.image.acls.count);
  }

  allows(connection: ClientConnection, operation: number, resourceType: number, name: string): boolean {
    const verdicts = this.#verdictsOf(connection);
    if (verdicts.isSuper) return true;
    if (name.length > NAME_LENGTH_KEPT_MAX) return this.#decide(verdicts, operation, resourceType, name);
    const byName = (verdicts.byType[resourceType] ??= new Map());
    const known = byName.get(name) ?? 0;
    if ((known & (1 << operation)) !== 0) return (known & (1 << (operation + ALLOWED_SHIFT))) !== 0;
    const isAllowed = this.#decide(verdicts, operation, resourceType, name);
    byName.set(name, known | (1 << operation) | (isAllowed ? 1 << (operation + ALLOWED_SHIFT) : 0));
    if (known === 0) this.#verdictCount++;
    return isAllowed;
  }

  /** Whether there is a resource of the type on which it is allowed. */
  allowsAny(connection: ClientConnection, operation: number, resourceType: number): boolean {
    const verdicts = this.#verdictsOf(connection);
    if (verdicts.isSuper) return true;
    const known = verdicts.any[resourceType] ?? 0;
    if ((known & (1 << operation)) !== 0) return (known & (1 << (operation + ALLOWED_SHIFT))) !== 0;
    const isAllowed = authorizeAny(this.#metadata.image.acls, verdicts, operation, resourceType, this.#settings.allowEveryoneIfNoAclFound);
    verdicts.any[resourceType] = known | (1 << operation) | (isAllowed ? 1 << (operation + ALLOWED_SHIFT) : 0);
    return isAllowed;
  }

  /** What may be done with the resource, as Kafka's bit field. */
  operations(connection: ClientConnection, resourceType: number, name: string): number {
    let field = 0;
    for (const operation of OPERATIONS_OF.get(resourceType) ?? []) {
      if (this.allows(connection, operation, resourceType, name)) field |= 1 << operation;
    }
    return field;
  }

  #decide(verdicts: Verdicts, operation: number, resourceType: number, name: string): boolean {
    const isAllowed = authorize(this.#metadata.image.acls, verdicts, operation, resourceType, name, this.#settings.allowEveryoneIfNoAclFound);
    if (isAllowed) return true;
    this.#denied.add();
    this.#logger.debug('access denied', { principal: verdicts.principal, host: verdicts.host, operation: operationName(operation), resource: `${typeName(resourceType)}:${name.slice(0, NAME_LENGTH_LOGGED_MAX)}` });
    return false;
  }

  #verdictsOf(connection: ClientConnection): Verdicts {
    const { version } = this.#metadata.image.acls;
    if (version !== this.#aclVersion || this.#verdictCount > VERDICTS_MAX) this.#forget(version);
    const known = this.#ofConnection.get(connection);
    // A connection gets its principal when it authenticates.
    if (known !== undefined && known.epoch === this.#epoch && known.principal === connection.principal) return known;
    const verdicts = this.#verdictsFor(connection.principal, connection.remoteAddress);
    this.#ofConnection.set(connection, verdicts);
    return verdicts;
  }

  #verdictsFor(principal: string, address: string): Verdicts {
    const key = `${address} ${principal}`;
    const known = this.#ofIdentity.get(key);
    if (known !== undefined) return known;
    const verdicts = new Verdicts(principal, canonicalAddress(address) ?? address, this.#settings.superUsers.has(principal), this.#epoch);
    this.#ofIdentity.set(key, verdicts);
    this.#verdictCount++;
    return verdicts;
  }

  #forget(version: number): void {
    this.#aclVersion = version;
    this.#epoch++;
    this.#verdictCount = 0;
    this.#ofIdentity = new Map();
  }
}

const nameIn = (codes: Readonly<Record<string, number>>, code: number): string => Object.entries(codes).find(([, known]) => known === code)?.[0] ?? String(code);
const operationName = (operation: number): string => nameIn(AclOperation, operation);
const typeName = (resourceType: number): string => nameIn(ResourceType, resourceType);

/** One connection's view of it, for the length of a request. */
export class Caller {
  readonly access: Access;
  readonly connection: ClientConnection;

  constructor(access: Access, connection: ClientConnection) {
    this.access = access;
    this.connection = connection;
  }

  mayTopic(operation: number, name: string): boolean {
    return this.access.allows(this.connection, operation, ResourceType.topic, name);
  }

  mayGroup(operation: number, groupId: string): boolean {
    return this.access.allows(this.connection, operation, ResourceType.group, groupId);
  }

  mayTransaction(operation: number, transactionalId: string): boolean {
    return this.access.allows(this.connection, operation, ResourceType.transactionalId, transactionalId);
  }

  mayCluster(operation: number): boolean {
    return this.access.allows(this.connection, operation, ResourceType.cluster, CLUSTER_NAME);
  }

  clusterOperations(): number {
    return this.access.operations(this.connection, ResourceType.cluster, CLUSTER_NAME);
  }
}
