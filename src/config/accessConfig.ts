/** Settings of access control and of the classes that Kafka loads for it, by the names that Kafka gives them. */
import type { Settings } from './layers.ts';

/** Kafka's authorizers: ours decides by the same rules as they do. */
const AUTHORIZERS: ReadonlySet<string> = new Set(['org.apache.kafka.metadata.authorizer.StandardAuthorizer', 'kafka.security.authorizer.AclAuthorizer']);

export interface AccessConfig {
  /** `type:name` of those who may do everything. */
  readonly superUsers: ReadonlySet<string>;
  /** What holds for a resource without any list. */
  readonly allowEveryoneIfNoAclFound: boolean;
}

/** Null: everybody may do everything. */
export function accessConfig(settings: Settings): AccessConfig | null {
  if (authorizerName(settings) === '') return null;
  return {
    superUsers: new Set(superUsers(settings)),
    allowEveryoneIfNoAclFound: settings.get('allow.everyone.if.no.acl.found')?.trim().toLowerCase() === 'true',
  };
}

const authorizerName = (settings: Settings): string => settings.get('authorizer.class.name')?.trim() ?? '';

const superUsers = (settings: Settings): string[] => (settings.get('super.users') ?? '').split(';').map((user) => user.trim()).filter((user) => user !== '');

/** What would protect the broker in Kafka and could not here, as key and reason. */
export function accessProblems(settings: Settings): [key: string, reason: string][] {
  const problems: [string, string][] = [];
  const authorizer = authorizerName(settings);
  if (authorizer !== '' && !AUTHORIZERS.has(authorizer)) {
    problems.push(['authorizer.class.name', `${authorizer} cannot be loaded, and ignoring it would open the data to all; allowed: ${[...AUTHORIZERS].join(', ')}, or leave it out`]);
  }
  const unnamed = superUsers(settings).find((user) => !/^[^:]+:./.test(user));
  if (unnamed !== undefined) problems.push(['super.users', `${unnamed} is not of the form type:name; allowed: principals such as User:admin, separated by semicolons`]);
  const callback = settings.get('client.quota.callback.class')?.trim() ?? '';
  if (callback !== '') problems.push(['client.quota.callback.class', `${callback} cannot be loaded, and ignoring it would lift its limits; allowed: leave it out`]);
  return problems;
}

/** Over what client quotas are measured. */
export function quotaConfig(settings: Settings): { windows: number; windowMs: number; controllerWindows: number; controllerWindowMs: number } {
  const number = (name: string, otherwise: number): number => Number(settings.get(name) ?? otherwise);
  return {
    windows: number('quota.window.num', 11),
    windowMs: number('quota.window.size.seconds', 1) * 1000,
    controllerWindows: number('controller.quota.window.num', 11),
    controllerWindowMs: number('controller.quota.window.size.seconds', 1) * 1000,
  };
}
