import { ErrorCode } from '../../../protocol/errors.ts';
import { GROUP_OPERATIONS, NO_OPERATIONS } from './operations.ts';

interface DescribeRequest {
  readonly groupIds: readonly string[];
  readonly includeAuthorizedOperations: boolean;
}

interface Described {
  readonly errorCode: number;
  readonly authorizedOperations: number;
}

/** What is said of each group of a request, once: `describe` gives an error's code where it has nothing else to say. */
export function describeEach<Group extends Described>(
  request: DescribeRequest, isEnabled: boolean, describe: (groupId: string) => Group | number, failed: (groupId: string, errorCode: number) => Group,
): Group[] {
  const authorizedOperations = request.includeAuthorizedOperations ? GROUP_OPERATIONS : NO_OPERATIONS;
  return [...new Set(request.groupIds)].map((groupId) => {
    if (!isEnabled) return failed(groupId, ErrorCode.UNSUPPORTED_VERSION);
    if (groupId === '') return failed(groupId, ErrorCode.INVALID_GROUP_ID);
    const described = describe(groupId);
    if (typeof described === 'number') return failed(groupId, described);
    return described.errorCode === ErrorCode.NONE ? { ...described, authorizedOperations } : described;
  });
}
