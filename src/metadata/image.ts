import { definite } from '../base/assert.ts';
import { AclSet } from './acls.ts';
import { ClientQuotaSet } from './clientQuotas.ts';
import { MutableCredentials } from './credentials.ts';
import type { BrokerFact, MetadataRecord, PartitionFact } from './records.ts';
import { collisionForm, isInternalTopic } from './topicNames.ts';
import type { BrokerRegistration, ClusterImage, ConfigResourceType, MetadataDelta, PartitionImage, TopicImage } from './types.ts';

const NO_CONFIGS: ReadonlyMap<string, string> = new Map();

interface TopicDraft {
  readonly name: string;
  readonly id: string;
  readonly internal: boolean;
  readonly partitions: PartitionImage[];
}

/** What one call of `apply` has touched so far. */
interface Change {
  readonly created: Map<string, TopicDraft>;
  readonly changed: Map<string, TopicDraft>;
  readonly deleted: TopicImage[];
  readonly configs: Map<string, { readonly type: ConfigResourceType; readonly name: string }>;
  brokersChanged: boolean;
}

/**
 * The image that its one owner moves on, record by record; the cost of a change does not depend on how many topics there are. Topics, partitions and
 * brokers in it are never changed, only replaced.
 */
export class MutableClusterImage implements ClusterImage {
  readonly #clusterId: () => string;
  readonly controllerId: number;
  readonly brokers = new Map<number, BrokerRegistration>();
  readonly topicsByName = new Map<string, TopicImage>();
  readonly topicsById = new Map<string, TopicImage>();
  readonly features = new Map<string, number>();
  readonly acls = new AclSet();
  readonly clientQuotas = new ClientQuotaSet();
  readonly credentials = new MutableCredentials();
  version = -1;
  nextProducerId = 0;
  partitionCount = 0;
  readonly #configs = new Map<ConfigResourceType, Map<string, Map<string, string>>>();
  /** Collision form to the topics that have it. */
  readonly #collisions = new Map<string, Set<string>>();
  /** Lives of the brokers seen so far; while replaying, epochs of partitions are held relative to it. */
  #lives = 0;
  #replaying = false;

  /** `clusterId` is asked when somebody wants to know. */
  constructor(clusterId: () => string, controllerId: number) {
    this.#clusterId = clusterId;
    this.controllerId = controllerId;
  }

  get clusterId(): string {
    return this.#clusterId();
  }

  configsOf(type: ConfigResourceType, name: string): ReadonlyMap<string, string> {
    return this.#configs.get(type)?.get(name) ?? NO_CONFIGS;
  }

  configResources(type: ConfigResourceType): Iterable<string> {
    return this.#configs.get(type)?.keys() ?? [];
  }

  /** A topic whose name cannot be told from `name` in metrics, or null. */
  collidingTopic(name: string): string | null {
    const form = collisionForm(name);
    if (form === null) return null;
    for (const other of this.#collisions.get(form) ?? []) if (other !== name) return other;
    return null;
  }

  /** Until `endReplay`, new lives of a broker cost nothing per partition. */
  beginReplay(): void {
    this.#replaying = true;
  }

  endReplay(): void {
    this.#replaying = false;
    if (this.#lives > 0) this.#raiseEpochs(this.#lives);
  }

  /** Applies what was agreed at once; `version` is that of its last record. */
  apply(records: readonly MetadataRecord[], version: number): MetadataDelta {
    const change: Change = { created: new Map(), changed: new Map(), deleted: [], configs: new Map(), brokersChanged: false };
    for (const record of records) this.#applyOne(record, change);
    for (const draft of change.created.values()) this.#publish(draft);
    for (const draft of change.changed.values()) this.#publish(draft);
    this.version = version;
    return {
      topicsCreated: [...change.created.values()],
      topicsDeleted: change.deleted,
      topicsChanged: [...change.changed.values()],
      configsChanged: [...change.configs.values()],
      brokersChanged: change.brokersChanged,
    };
  }

  #applyOne(record: MetadataRecord, change: Change): void {
    switch (record.kind) {
      case 'topic':
        change.created.set(record.id, { name: record.name, id: record.id, internal: isInternalTopic(record.name), partitions: [] });
        break;
      case 'partition':
        this.#setPartition(this.#draftOf(record.topicId, change), record);
        break;
      case 'removeTopic':
        this.#removeTopic(record.id, change);
        break;
      case 'config':
        this.#setConfig(record.resourceType, record.resourceName, record.key, record.value, change);
        break;
      case 'producerIds':
        this.nextProducerId = record.nextProducerId;
        break;
      case 'feature':
        this.features.set(record.name, record.level);
        break;
      case 'broker':
        this.#setBroker(record, change);
        break;
      case 'acl':
        this.acls.add(record.id, record.acl);
        break;
      case 'removeAcl':
        this.acls.remove(record.id);
        break;
      case 'clientQuota':
        if (record.value === null) this.clientQuotas.remove(record.entity, record.key);
        else this.clientQuotas.set(record.entity, record.key, record.value);
        break;
      default:
        this.credentials.apply(record);
        break;
    }
  }

  #draftOf(topicId: string, change: Change): TopicDraft {
    const known = change.created.get(topicId) ?? change.changed.get(topicId);
    if (known !== undefined) return known;
    const topic = definite(this.topicsById.get(topicId), `topic ${topicId}`);
    const draft = { ...topic, partitions: [...topic.partitions] };
    change.changed.set(topicId, draft);
    return draft;
  }

  #setPartition(topic: TopicDraft, record: PartitionFact): void {
    const isNew = topic.partitions[record.index] === undefined;
    if (isNew) this.partitionCount++;
    topic.partitions[record.index] = {
      index: record.index,
      leader: record.leader,
      leaderEpoch: record.leaderEpoch - (this.#replaying ? this.#lives : 0),
      partitionEpoch: record.partitionEpoch,
      replicas: record.replicas,
      inSyncReplicas: record.inSyncReplicas,
    };
  }

  #publish(topic: TopicImage): void {
    this.topicsByName.set(topic.name, topic);
    this.topicsById.set(topic.id, topic);
    const form = collisionForm(topic.name);
    if (form === null) return;
    const names = this.#collisions.get(form);
    if (names === undefined) this.#collisions.set(form, new Set([topic.name]));
    else names.add(topic.name);
  }

  #removeTopic(id: string, change: Change): void {
    const topic = definite(this.topicsById.get(id) ?? change.created.get(id), `topic ${id}`);
    change.created.delete(id);
    change.changed.delete(id);
    change.deleted.push(topic);
    this.topicsById.delete(id);
    this.topicsByName.delete(topic.name);
    this.partitionCount -= topic.partitions.length;
    this.#configs.get(TOPIC_RESOURCE)?.delete(topic.name);
    const form = collisionForm(topic.name);
    if (form === null) return;
    const names = this.#collisions.get(form);
    names?.delete(topic.name);
    if (names?.size === 0) this.#collisions.delete(form);
  }

  #setConfig(type: ConfigResourceType, name: string, key: string, value: string | null, change: Change): void {
    const resources = this.#configs.get(type) ?? new Map<string, Map<string, string>>();
    this.#configs.set(type, resources);
    // A copy: readers may hold the old one until the end of their turn.
    const settings = new Map(resources.get(name));
    if (value === null) settings.delete(key);
    else settings.set(key, value);
    if (settings.size === 0) resources.delete(name);
    else resources.set(name, settings);
    change.configs.set(`${type}/${name}`, { type, name });
  }

  #setBroker(record: BrokerFact, change: Change): void {
    const { id, epoch, rack, endpoints, fenced } = record;
    this.brokers.set(id, { id, epoch, rack, endpoints, fenced });
    change.brokersChanged = true;
    if (!fenced) return;
    if (this.#replaying) this.#lives++;
    else this.#raiseEpochs(1);
  }

  #raiseEpochs(by: number): void {
    for (const topic of this.topicsById.values()) {
      const partitions = topic.partitions.map((partition) => ({ ...partition, leaderEpoch: partition.leaderEpoch + by }));
      this.#publish({ ...topic, partitions });
    }
  }

  /** Everything that the image holds, as records from which it can be made anew. */
  *snapshot(): Generator<MetadataRecord> {
    for (const broker of this.brokers.values()) yield { kind: 'broker', incarnationId: ZERO_ID, ...broker };
    for (const [name, level] of this.features) yield { kind: 'feature', name, level };
    if (this.nextProducerId > 0) yield { kind: 'producerIds', brokerId: this.controllerId, brokerEpoch: -1, nextProducerId: this.nextProducerId };
    for (const topic of this.topicsById.values()) {
      yield { kind: 'topic', name: topic.name, id: topic.id };
      for (const partition of topic.partitions) yield { kind: 'partition', topicId: topic.id, ...partition };
    }
    for (const [resourceType, resources] of this.#configs) {
      for (const [resourceName, settings] of resources) {
        for (const [key, value] of settings) yield { kind: 'config', resourceType, resourceName, key, value };
      }
    }
    for (const [id, acl] of this.acls.entries()) yield { kind: 'acl', id, acl };
    yield* this.credentials.snapshot();
    for (const { entity, values } of this.clientQuotas.entries()) {
      for (const [key, value] of values) yield { kind: 'clientQuota', entity, key, value };
    }
  }
}

const TOPIC_RESOURCE: ConfigResourceType = 2;
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
