/** CreateAcls (30), versions 1 to 3. */
import { CLUSTER_NAME, ResourceType } from '../../metadata/acls.ts';
import type { AclBinding } from '../../metadata/acls.ts';
import type { ChangeOutcome } from '../../metadata/types.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readCreateAclsRequest, writeCreateAclsResponse } from '../../protocol/generated/createAcls.ts';
import type { AclCreation, CreateAclsRequest, CreateAclsResponse } from '../../protocol/generated/createAcls.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const createAclsHandler: ApiHandler<BrokerServices, CreateAclsRequest, CreateAclsResponse> = {
  ...spanOf(ApiKey.CreateAcls),
  read: readCreateAclsRequest,
  write: writeCreateAclsResponse,
  async handle(request, context, services) {
    if (services.access === null) throw new KafkaError(ErrorCode.SECURITY_DISABLED, 'No Authorizer is configured.');
    const bindings = request.creations.map(bindingOf);
    const problems = bindings.map(nameProblem);
    const outcomes = await services.metadata.controller.createAcls(bindings.filter((_binding, index) => problems[index] === null));
    let next = 0;
    const results = problems.map((problem) => result(problem ?? outcomes[next++]!));
    context.reply({ throttleTimeMs: 0, results });
  },
  errorResponse: (request, code, message) => ({ throttleTimeMs: 0, results: request.creations.map(() => result({ code, message })) }),
};

const result = ({ code, message }: ChangeOutcome) => ({ errorCode: code, errorMessage: message });

function bindingOf({ resourceType, resourceName, resourcePatternType, principal, host, operation, permissionType }: AclCreation): AclBinding {
  return { resourceType, resourceName, patternType: resourcePatternType, principal, host, operation, permission: permissionType };
}

function nameProblem({ resourceType, resourceName }: AclBinding): ChangeOutcome | null {
  if (resourceType !== ResourceType.cluster || resourceName === CLUSTER_NAME) return null;
  return { code: ErrorCode.INVALID_REQUEST, message: `The only valid name for the CLUSTER resource is ${CLUSTER_NAME}` };
}
