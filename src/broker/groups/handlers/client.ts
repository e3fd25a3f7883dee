import { AclOperation, CLUSTER_NAME, ResourceType } from '../../../metadata/acls.ts';
import type { RequestContext } from '../../contract.ts';
import type { Access } from '../../security/acl/access.ts';
import type { GroupClient } from '../classic/join.ts';

/** Who sends a request to a group whose broker looks up or makes topics for it. */
export function clientOf({ clientId, apiVersion, connection }: RequestContext<never>, access: Access | null): GroupClient {
  const client = { clientId, apiVersion, host: `/${connection.remoteAddress}` };
  if (access === null) return client;
  const mayTopic = (operation: number, topic: string): boolean => access.allows(connection, operation, ResourceType.topic, topic);
  return {
    ...client,
    topicAccess: {
      mayDescribe: (topic) => mayTopic(AclOperation.describe, topic),
      mayCreate: (topic) => access.allows(connection, AclOperation.create, ResourceType.cluster, CLUSTER_NAME) || mayTopic(AclOperation.create, topic),
    },
  };
}
