/** Members of a streams group say what their topology reads and keeps. */
import { AclOperation } from '../../../../metadata/acls.ts';
import { ErrorCode } from '../../../../protocol/errors.ts';
import { ApiKey } from '../../../../protocol/generated/apis.ts';
import type { StreamsGroupHeartbeatRequest, Subtopology } from '../../../../protocol/generated/streamsGroupHeartbeat.ts';
import { guardOf } from '../guard.ts';
import type { GuardCall, GuardOfApi } from '../guard.ts';

function heartbeat(request: StreamsGroupHeartbeatRequest, { caller }: GuardCall): { readonly refusal: number; readonly message: string } | null {
  if (!caller.mayGroup(AclOperation.read, request.groupId)) return { refusal: ErrorCode.GROUP_AUTHORIZATION_FAILED, message: 'Group authorization failed.' };
  for (const subtopology of request.topology?.subtopologies ?? []) {
    for (const name of topicsOf(subtopology)) {
      if (!caller.mayTopic(AclOperation.describe, name)) return { refusal: ErrorCode.TOPIC_AUTHORIZATION_FAILED, message: 'Topic authorization failed.' };
    }
  }
  return null;
}

function* topicsOf({ sourceTopics, repartitionSinkTopics, repartitionSourceTopics, stateChangelogTopics }: Subtopology): Generator<string> {
  yield* sourceTopics;
  yield* repartitionSinkTopics;
  for (const { name } of repartitionSourceTopics) yield name;
  for (const { name } of stateChangelogTopics) yield name;
}

export const streamsGuards: readonly GuardOfApi[] = [guardOf(ApiKey.StreamsGroupHeartbeat, heartbeat)];
