/** Everything that an application can name in KafkaJS, by the names that KafkaJS itself gives. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as ours from '../../src/client/kafkajs/index.ts';

type KafkaJS = typeof import('kafkajs');
const require = createRequire(import.meta.url);
const theirs = require('kafkajs') as KafkaJS;
const root = fileURLToPath(new URL('../../', import.meta.url));
const source = path.join(root, 'src/client/kafkajs');

/** Own and inherited, but for those of every object. */
function namesOf(object: object): string[] {
  const names = new Set<string>();
  for (let at: object | null = object; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null) {
    for (const name of Object.getOwnPropertyNames(at)) if (name !== 'constructor') names.add(name);
  }
  return [...names].sort();
}

const missing = (wanted: readonly string[], found: readonly string[]): string[] => wanted.filter((name) => !found.includes(name));

/** Types of what we refuse, or do not have; docs/from-kafkajs.md says so. */
const NOT_THERE = new Set([
  'Authenticator', 'SaslAuthenticateArgs', 'AuthenticationProviderArgs', 'Mechanism', 'ISocketFactoryArgs', 'ISocketFactory', 'CoordinatorMetadata', 'BrokerMetadata', 'ApiVersions', 'Broker', 'ConsumerGroup',
  'KafkaJSRequestTimeoutErrorMetadata', 'KafkaJSTopicMetadataNotLoadedMetadata', 'KafkaJSStaleTopicMetadataAssignmentMetadata', 'KafkaJSServerDoesNotSupportApiKeyMetadata',
]);

const VALUES = new Set(['Partitioners', 'PartitionAssigners', 'AssignerProtocol', 'CompressionCodecs']);
const GENERIC = new Set(['ISerializer', 'InstrumentationEvent', 'RemoveInstrumentationEventListener']);

const useOf = (name: string): string => (VALUES.has(name) ? `typeof kafkajs.${name}` : GENERIC.has(name) ? `kafkajs.${name}<never>` : `kafkajs.${name}`);

describe('tidelog/kafkajs', () => {
  it('exports every value', () => {
    expect(missing(Object.keys(theirs), Object.keys(ours))).toEqual([]);
    for (const [name, value] of Object.entries(theirs)) {
      const own = (ours as unknown as Record<string, unknown>)[name];
      expect(typeof own, name).toBe(typeof value);
      if (typeof value !== 'object') continue;
      for (const [key, entry] of Object.entries(value)) {
        const found = (own as Record<string, unknown>)[key];
        expect(typeof found, `${name}.${key}`).toBe(typeof entry);
        if (typeof entry !== 'object' && typeof entry !== 'function') expect(found, `${name}.${key}`).toBe(entry);
      }
    }
  });

  it('has every method and event', () => {
    const [one, other] = [theirs, ours as unknown as KafkaJS].map(({ Kafka, logLevel }) => {
      const kafka = new Kafka({ brokers: ['a:1'], logLevel: logLevel.NOTHING });
      return { kafka, producer: kafka.producer(), consumer: kafka.consumer({ groupId: 'g' }), admin: kafka.admin(), logger: kafka.logger() };
    }) as unknown as [Record<string, object>, Record<string, object>];
    for (const [name, object] of Object.entries(one)) {
      const own = other[name] as object;
      expect(missing(namesOf(object), namesOf(own)), name).toEqual([]);
      expect((own as { readonly events?: object }).events, name).toEqual((object as { readonly events?: object }).events);
    }
  });

  it('makes errors of the same family', () => {
    const errors = Object.entries(theirs).filter(([name]) => name.startsWith('KafkaJS')) as unknown as [string, { prototype: object }][];
    expect(errors.length).toBeGreaterThan(25);
    const family = (at: object): string[] => (at === Error.prototype ? [] : [at.constructor.name, ...family(Object.getPrototypeOf(at) as object)]);
    for (const [name, { prototype }] of errors) {
      const own = (ours as unknown as Record<string, { prototype: object }>)[name] as { prototype: object };
      expect(missing(family(prototype), family(own.prototype)), name).toEqual([]);
    }
  });

  it('exports every type, and an application in TypeScript compiles with only the import changed', { timeout: 60_000 }, async () => {
    const declared = await readFile(path.join(root, 'node_modules/kafkajs/types/index.d.ts'), 'utf8');
    const names = [...declared.matchAll(/^export (?:type|interface|class|enum|const|var) (\w+)/gm)].map(([, name]) => name as string);
    expect(names.length).toBeGreaterThan(150);
    const uses = names.filter((name) => !NOT_THERE.has(name)).map((name) => `export type Use_${name} = ${useOf(name)};`);
    const app = await readFile(path.join(root, 'test/client/support/kafkajsApp.ts'), 'utf8');
    expect(app.split("from 'kafkajs'")).toHaveLength(2);
    const entry = `${source}/index.ts`;
    await compile({ 'names.ts': `import type * as kafkajs from '${entry}';\n${uses.join('\n')}\n`, 'before.ts': app, 'after.ts': app.replace("from 'kafkajs'", `from '${entry}'`) });
  });
});

/** Strictly, as an application would; rejects with what the compiler says. */
async function compile(files: Readonly<Record<string, string>>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-kafkajs-'));
  try {
    await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
    for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
    const compilerOptions = {
      target: 'es2023', module: 'nodenext', moduleResolution: 'nodenext', strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true, types: ['node'], lib: ['es2023', 'dom', 'esnext'],
    };
    await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch((error: { readonly stdout: string }) => {
      throw new Error(error.stdout);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
