/** What the broker offers beside what Apache Kafka's brokers offer: printed, so that a reader of the test's output sees it, and held to the list that the documentation has. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeApiVersionsRequest } from '../../src/protocol/generated/apiVersions.ts';
import { ApiVersions } from './support/apis.ts';
import { call, startNode } from './support/node.ts';

const RELEASE = '4.3.1';

/** The spans that each release's ApiVersions tell, by listener; `*` behind a span: its last version is unstable. */
interface Release { readonly apiKey: number; readonly name: string; readonly versions: Readonly<Record<string, string>>; readonly listeners: readonly string[] }

/** Each difference and its reason. A call that is not offered ends the connection, as any unknown call does on Apache Kafka. */
const known = {
  '0 Produce: 0-13, Apache Kafka 3-13': 'as Apache Kafka\'s own ApiVersions tells it for librdkafka\'s sake; both serve from 3 (KAFKA-18659)',
};

const releases = JSON.parse(readFileSync(new URL('../../src/protocol/schema/api-versions-by-release.json', import.meta.url), 'utf8')) as Release[];

function stable(span: string): string {
  if (!span.endsWith('*')) return span;
  const [first, last] = span.slice(0, -1).split('-').map(Number) as [number, number];
  return `${first}-${last - 1}`;
}

async function offered(): Promise<Map<number, string>> {
  const node = await startNode();
  const { apiKeys } = await call(node, ApiVersions, 4, makeApiVersionsRequest({ clientSoftwareName: 'test', clientSoftwareVersion: '1' }));
  await node.stop();
  return new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, minVersion === maxVersion ? `${minVersion}` : `${minVersion}-${maxVersion}`]));
}

describe(`The APIs of a broker of Apache Kafka ${RELEASE}`, () => {
  it('are offered in the same versions, but for the differences that are known', async () => {
    const ours = await offered();
    const differences = [];
    for (const { apiKey, name, versions, listeners } of releases) {
      const span = versions[RELEASE] ?? 'none';
      const theirs = span === 'none' || !listeners.includes('broker') ? 'none' : stable(span);
      const here = ours.get(apiKey) ?? 'none';
      if (here !== theirs) differences.push(`${apiKey} ${name}: ${here}, Apache Kafka ${theirs}`);
      ours.delete(apiKey);
    }
    for (const [apiKey, span] of ours) differences.push(`${apiKey}: ${span}, which Apache Kafka does not have`);
    console.info(`Differences from the APIs of Apache Kafka ${RELEASE}: ${differences.map((difference) => `\n  ${difference} (${known[difference as keyof typeof known] ?? 'unknown'})`).join('')}`);
    expect(differences).toEqual(Object.keys(known));
  });
});
