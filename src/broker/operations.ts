/**
 * What a client may do, as the bit fields that Metadata, DescribeCluster and DescribeGroups answer (bit n: Kafka's AclOperation n). Without an authorizer
 * everyone may do everything that the resource knows.
 */
const Operation = {
  read: 3, write: 4, create: 5, delete: 6, alter: 7, describe: 8, clusterAction: 9, describeConfigs: 10, alterConfigs: 11, idempotentWrite: 12,
} as const;

const bits = (...operations: number[]): number => operations.reduce((field, operation) => field | (1 << operation), 0);

export const allTopicOperations = bits(
  Operation.read, Operation.write, Operation.create, Operation.delete, Operation.alter, Operation.describe, Operation.describeConfigs, Operation.alterConfigs);

export const allClusterOperations = bits(
  Operation.create, Operation.clusterAction, Operation.describeConfigs, Operation.alterConfigs, Operation.idempotentWrite, Operation.alter, Operation.describe);
