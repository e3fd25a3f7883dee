/** What must hold between the settings of one broker, and what one node cannot do. All values are checked alone already. */
import { accessProblems } from './accessConfig.ts';
import path from 'node:path';
import { parseHttpListener } from './httpListener.ts';
import { parseOverridesPerIp } from './ipOverrides.ts';
import { NO_SETTINGS, staticLayers, type Settings } from './layers.ts';
import type { Findings } from './listeners.ts';
import { brokerTable, topicKey } from './tables.ts';
import { effectiveTopicText } from './topicConfig.ts';
import { splitList } from './values.ts';

export function checkBrokerSettings(settings: Settings, logDirs: readonly string[], findings: Findings): void {
  checkNodeId(settings, findings);
  checkRoles(settings, findings);
  checkVoters(settings, findings);
  checkReplication(settings, findings);
  checkLogDirs(settings, logDirs, findings);
  checkRetention(settings, findings);
  checkCompactionLag(settings, findings);
  checkDedupeBuffer(settings, findings);
  checkSecurity(settings, findings);
  checkHttpListener(settings, findings);
  if (parseOverridesPerIp(settings.get('max.connections.per.ip.overrides') ?? '') === null) {
    findings.refuse('max.connections.per.ip.overrides', 'allowed: host:count, separated by commas');
  }
}

function checkHttpListener(settings: Settings, findings: Findings): void {
  const text = settings.get('tidelog.http.listener');
  if (text !== undefined && parseHttpListener(text) === null) findings.refuse('tidelog.http.listener', 'allowed: host:port, such as 127.0.0.1:9644');
}

function checkNodeId(settings: Settings, findings: Findings): void {
  const ids = ['node.id', 'broker.id'].filter((name) => settings.has(name)).map((name) => Number(settings.get(name)));
  const brokerId = settings.get('broker.id');
  if (brokerId !== undefined && Number(brokerId) < -1) findings.refuse('broker.id', 'allowed: -1 or more');
  if (new Set(ids).size > 1) findings.refuse('broker.id', `node.id is ${settings.get('node.id')}; both name the same number, so they must be equal`);
}

function checkRoles(settings: Settings, findings: Findings): void {
  const roles = settings.has('process.roles') ? splitList(settings.get('process.roles') as string) : null;
  if (roles === null) return;
  if (!roles.includes('broker')) findings.refuse('process.roles', 'a controller alone is not supported; allowed: broker,controller');
  else if (!roles.includes('controller')) findings.note('process.roles=broker: this node is its own controller as well');
}

function checkVoters(settings: Settings, findings: Findings): void {
  const key = 'controller.quorum.voters';
  const voters = splitList(settings.get(key) ?? '');
  const wrong = voters.find((voter) => !/^\d{1,10}@[^@\s]+:\d{1,5}$/.test(voter));
  if (wrong !== undefined) findings.refuse(key, `"${wrong}" is no voter; allowed: id@host:port`);
  if (voters.length > 1) {
    findings.refuse(key, `names ${voters.length} voters, and this broker keeps its metadata alone; allowed: one voter, or leave it out`);
  }
  const bootstrap = splitList(settings.get('controller.quorum.bootstrap.servers') ?? '');
  if (bootstrap.length > 1) {
    findings.refuse('controller.quorum.bootstrap.servers', `names ${bootstrap.length} servers, and this broker keeps its metadata alone; allowed: one, or leave it out`);
  }
}

/** Settings that count replicas, which one broker holds one of. */
const REPLICA_COUNTS = [
  'default.replication.factor',
  'offsets.topic.replication.factor',
  'transaction.state.log.replication.factor',
  'transaction.state.log.min.isr',
  'share.coordinator.state.topic.replication.factor',
  'share.coordinator.state.topic.min.isr',
];

function checkReplication(settings: Settings, findings: Findings): void {
  for (const name of REPLICA_COUNTS) {
    const count = Number(settings.get(name) ?? 1);
    if (count > 1) findings.note(`${name}=${count} is lowered to 1: there is one broker`);
  }
  if (Number(settings.get('default.replication.factor') ?? 1) < 1) findings.refuse('default.replication.factor', 'allowed: 1 or more');
}

function checkLogDirs(settings: Settings, logDirs: readonly string[], findings: Findings): void {
  const key = settings.has('log.dirs') ? 'log.dirs' : 'log.dir';
  const isBad = (folder: string) => folder === '' || folder.includes('\0');
  if (logDirs.length === 0 || logDirs.some(isBad)) findings.refuse(key, 'allowed: one folder or more, separated by commas');
  const resolved = logDirs.map((folder) => path.resolve(folder));
  const double = resolved.find((folder, index) => resolved.indexOf(folder) !== index);
  if (double !== undefined) findings.refuse(key, `names ${double} twice; allowed: each folder once`);
}

function checkRetention(settings: Settings, findings: Findings): void {
  const set = ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'].find((name) => settings.has(name));
  if (set !== undefined && Number(settings.get(set)) === 0) findings.refuse(set, 'allowed: 1 or more, or -1 for no limit');
}

/** As Kafka: less than this holds too few keys to get anywhere. */
const DEDUPE_BYTES_MIN = 1024 * 1024;

function checkDedupeBuffer(settings: Settings, findings: Findings): void {
  const bytes = Number(settings.get('log.cleaner.dedupe.buffer.size') ?? brokerTable.get('log.cleaner.dedupe.buffer.size')?.defaultText);
  const threads = Math.max(Number(settings.get('log.cleaner.threads') ?? 1), 1);
  if (bytes / threads <= DEDUPE_BYTES_MIN) findings.refuse('log.cleaner.dedupe.buffer.size', 'must be more than 1 MiB for each of log.cleaner.threads');
}

function checkCompactionLag(settings: Settings, findings: Findings): void {
  const layers = staticLayers(settings);
  const lag = (name: string) => BigInt(effectiveTopicText(topicKey(name), NO_SETTINGS, layers) as string);
  if (lag('min.compaction.lag.ms') > lag('max.compaction.lag.ms')) {
    findings.refuse('log.cleaner.min.compaction.lag.ms', 'must not be larger than log.cleaner.max.compaction.lag.ms');
  }
}

/** What would protect data in Kafka is refused rather than ignored. */
function checkSecurity(settings: Settings, findings: Findings): void {
  for (const [key, reason] of accessProblems(settings)) findings.refuse(key, reason);
  if (settings.has('security.inter.broker.protocol') && settings.has('inter.broker.listener.name')) {
    findings.refuse('security.inter.broker.protocol', 'must not be set together with inter.broker.listener.name');
  }
}
