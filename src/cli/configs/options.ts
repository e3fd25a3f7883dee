import { bootstrapOption, commandConfigOption, jsonOption } from '../adminTool.ts';
import type { OptionSpec } from '../options.ts';

/** The options of kafka-configs. */
export const configOptions: readonly OptionSpec[] = [
  bootstrapOption,
  commandConfigOption,
  { name: 'alter', description: 'Change settings of an entity.' },
  { name: 'describe', description: 'Show settings of an entity, or of all entities of a type.' },
  { name: 'all', description: 'With --describe, show all settings, not only those that were set for the entity.' },
  { name: 'entity-type', argument: 'type', isList: true, description: 'topics, clients, users, brokers, broker-loggers, ips, client-metrics or groups; users and clients may be given together.' },
  { name: 'entity-name', argument: 'name', isList: true, description: 'The name of the topic, client, user principal, broker, ip, client metrics resource or group.' },
  { name: 'entity-default', isList: true, description: 'Instead of a name: the default for all clients, users, brokers or ips.' },
  { name: 'add-config', argument: 'settings', description: "Settings as 'k1=v1,k2=[v2,v3]'; brackets hold values with commas." },
  { name: 'add-config-file', argument: 'file', description: 'A properties file with settings to be set.' },
  { name: 'delete-config', argument: 'names', isList: true, description: "Names of settings to be removed, as 'k1,k2'." },
  { name: 'force', description: 'Without effect: there are no prompts.' },
  { name: 'topic', argument: 'topic', description: 'The topic.' },
  { name: 'client', argument: 'client', description: "The client's id." },
  { name: 'client-defaults', description: 'The default for all clients.' },
  { name: 'user', argument: 'user', description: "The user's principal name." },
  { name: 'user-defaults', description: 'The default for all users.' },
  { name: 'broker', argument: 'id', description: "The broker's id." },
  { name: 'broker-defaults', description: 'The default for all brokers.' },
  { name: 'broker-logger', argument: 'id', description: 'The broker whose log levels are meant.' },
  { name: 'ip', argument: 'address', description: 'The address.' },
  { name: 'ip-defaults', description: 'The default for all addresses.' },
  { name: 'group', argument: 'group', description: "The group's id." },
  { name: 'client-metrics', argument: 'name', description: 'The client metrics resource.' },
  jsonOption,
];
