/** Runs a broker as a process: arguments, log lines, signals, exit codes. */
import { isatty } from 'node:tty';
import { describeCore, giveMemoryBack } from '../../binding/load.ts';
import { validateBrokerConfig } from '../../config/brokerConfig.ts';
import { parseOverride, readPropertiesFile } from '../../config/properties.ts';
import type { BrokerConfig } from '../../config/types.ts';
import { LogThreshold, type LogLevelName } from '../../base/logThreshold.ts';
import type { Logger } from '../../base/ports.ts';
import { startNode, type BoundListener, type Node } from '../../node/index.ts';
import { parseServerArguments, USAGE, type LogLevel, type ServerArguments } from './arguments.ts';
import { failureText } from './failure.ts';
import { createLineLogger } from './lineLogger.ts';
import { packageVersion } from '../../base/version.ts';

const EXIT_FAILED = 1;
const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error'];

/** Returns when the broker runs; the process then lives until a signal. Never rejects: what fails ends the process with exit code 1. */
export async function runServer(words: readonly string[], program: string): Promise<void> {
  try {
    const given = parseServerArguments(words);
    if (given.wantsHelp) process.stdout.write(USAGE);
    else if (given.wantsVersion) process.stdout.write(`Tidelog ${packageVersion()}\n`);
    else if (given.isDaemon) await goToBackground(words, program);
    else await startBroker(given);
  } catch (error) {
    process.stderr.write(failureText(error));
    process.exit(EXIT_FAILED);
  }
}

async function startBroker(given: ServerArguments): Promise<void> {
  const { config, warnings } = readConfig(given);
  const logThreshold = thresholdOf(given);
  const logger = await openLogger(given, logThreshold);
  endOnDefects(logger);
  giveMemoryBack();
  logger.info(`Tidelog ${packageVersion()} on Node ${process.versions.node}, process ${process.pid}`);
  logger.info(describeCore());
  for (const warning of warnings) logger.warn(warning);
  const starting = startNode({ config, ports: { logger, logThreshold }, adoptKafkaData: given.adoptsKafkaData, firstScramUsers: given.scramUsers, onProgress: progressOf(logger) });
  endOnSignals(starting, logger);
  const node = await starting;
  describeNode(node, config, logger);
  // Started by `-daemon`: tells the one that waits.
  if (process.env['TIDELOG_DAEMON'] === '1') process.send?.('started', () => process.disconnect());
}

async function goToBackground(words: readonly string[], program: string): Promise<void> {
  const { startDaemon } = await import('./daemon.ts');
  process.exitCode = await startDaemon(program, words.filter((word) => !/^--?daemon$/.test(word)));
}

function readConfig(given: ServerArguments): { config: BrokerConfig; warnings: readonly string[] } {
  const entries = given.propertiesFile === null ? [] : readPropertiesFile(given.propertiesFile);
  return validateBrokerConfig([...entries, ...given.overrides.map(parseOverride)]);
}

function thresholdOf(given: ServerArguments): LogThreshold {
  const wanted = process.env['TIDELOG_LOG_LEVEL'] ?? '';
  const level = given.logLevel ?? (LEVELS.includes(wanted) ? (wanted as LogLevel) : 'info');
  return new LogThreshold(level.toUpperCase() as LogLevelName);
}

/** Pino is loaded only where it is wanted: it takes longer than the rest of a start. */
async function openLogger(given: ServerArguments, threshold: LogThreshold): Promise<Logger> {
  const format = given.logFormat ?? process.env['TIDELOG_LOG_FORMAT'];
  if (format !== 'json') return createLineLogger(threshold);
  const { createJsonLogger } = await import('./jsonLogger.ts');
  return createJsonLogger(threshold);
}

function describeNode(node: Node, config: BrokerConfig, logger: Logger): void {
  logger.info(`data: ${config.logDirs.join(', ')} (node ${config.nodeId}, cluster ${node.clusterId})`);
  for (const listener of node.listeners) logger.info(listenerText(listener));
  // From the process's beginning, or from the end of a set-up in the same process.
  const begunMs = performance.getEntriesByName('set-up-ended')[0]?.startTime ?? 0;
  logger.info(`started in ${Math.round(performance.now() - begunMs)} ms`);
}

function listenerText(listener: BoundListener): string {
  const { name, hosts, port, advertisedHost, advertisedPort } = listener;
  const addresses = hosts.map((host) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`));
  return `listening on ${addresses.join(' and ')} (${name}); clients connect to ${advertisedHost}:${advertisedPort}`;
}

/** Says how far loading is when it takes long. */
function progressOf(logger: Logger): (done: number, total: number, path: string) => void {
  const LINES_MS = 2000;
  let lastMs = performance.now();
  return (done, total, path) => {
    if (performance.now() - lastMs < LINES_MS) return;
    lastMs = performance.now();
    logger.info(`loading logs: ${done} of ${total} in ${path}`);
  };
}

/** SIGTERM and SIGINT stop in order; a second one at once. */
function endOnSignals(starting: Promise<Node>, logger: Logger): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      logger.warn(`${signal} again: ending at once; the logs are checked at the next start`);
      process.exit(EXIT_FAILED);
    }
    isStopping = true;
    logger.info(`${signal}: stopping`);
    void starting.then((node) => stopNode(node, logger), () => {});
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // In the background (also by nohup) a broker outlives its terminal; on a terminal it ends with it.
  process.on('SIGHUP', isatty(1) ? stop : () => logger.info('SIGHUP is ignored'));
}

async function stopNode(node: Node, logger: Logger): Promise<void> {
  try {
    await node.close();
    logger.info('stopped');
    process.exit(0);
  } catch (error) {
    logger.error('the broker did not stop in order', { error });
    process.exit(EXIT_FAILED);
  }
}

/** Its state cannot be trusted any more; what was acknowledged is found again at the next start. */
function endOnDefects(logger: Logger): void {
  const end = (what: string) => (error: unknown) => {
    logger.error(`${what}: ending`, { error: error instanceof Error ? error : new Error(String(error)) });
    process.exit(EXIT_FAILED);
  };
  process.on('uncaughtException', end('an error that nobody handled'));
  process.on('unhandledRejection', end('a promise that failed and nobody handled'));
}
