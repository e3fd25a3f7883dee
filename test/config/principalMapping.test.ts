import { describe, expect, it } from 'vitest';
import { mapName, parseMappingRules } from '../../src/config/principalMapping.ts';

const name = 'CN=Duke,OU=ServiceUsers,O=Org,C=US';

describe('ssl.principal.mapping.rules', () => {
  it.each([
    ['DEFAULT', name], ['', name],
    ['RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/', 'Duke'], ['RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/L', 'duke'], ['RULE:^CN=(.*?),.*$/$1@x/U,DEFAULT', 'DUKE@X'],
    ['RULE:^CN=(.*?),OU=Other.*$/$1/,DEFAULT', name], ['RULE:^CN=(.*?),OU=Other.*$/$1/ , RULE:^.*C=(..)$/$1/L', 'us'], ['RULE:CN=Duke/x/', null], ['RULE:^CN=(\\w+),.*$/a\\/$1/', 'a\\/Duke'],
  ])('%j', (rules, expected) => {
    expect(mapName(parseMappingRules(rules), name)).toBe(expected);
  });

  it.each(['RULE:', 'RULE:a/b', 'RULE:a/b/X', 'default', 'DEFAULT DEFAULT', 'RULE:(/x/'])('%j is refused', (rules) => {
    expect(() => parseMappingRules(rules)).toThrow();
  });
});
