/** `listeners`, `advertised.listeners` and what belongs to them, as one node that plays every role reads them. */
import { isIPv4, isIPv6 } from 'node:net';
import { isSecurityProtocol, SECURITY_PROTOCOLS, type SecurityProtocol } from '../base/securityProtocol.ts';
import type { Settings } from './layers.ts';
import type { ConfigEnvironment } from './environment.ts';
import type { ListenerConfig } from './types.ts';
import { checkListenerSecurity } from './securityChecks.ts';
import { splitList } from './values.ts';

/** Hears about what is wrong (`refuse`) and about what is worth saying (`note`). */
export interface Findings {
  refuse(key: string, message: string): void;
  note(message: string): void;
}

interface EndPoint {
  readonly name: string;
  /** Empty: every interface. */
  readonly host: string;
  readonly port: number;
}

const PORT_MAX = 65_535;
const DEFAULT_PORT = 9092;
const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', '::1'];
const LISTENER_FORM = 'NAME://host:port, separated by commas';

/** The listeners to open. What is wrong goes to `findings`; the result then means nothing. */
export function resolveListeners(settings: Settings, environment: ConfigEnvironment, findings: Findings): ListenerConfig[] {
  const protocols = resolveProtocols(settings, findings);
  const advertised = parseEndPoints('advertised.listeners', settings.get('advertised.listeners') ?? '', findings);
  const text = settings.get('listeners');
  if (text === undefined) return [defaultListener(advertised, findings)];
  const all = parseEndPoints('listeners', text, findings);
  const controllers = controllerNames(settings);
  const opened = all.filter((endPoint) => !controllers.has(endPoint.name));
  noteControllers(all, controllers, findings);
  if (opened.length === 0) findings.refuse('listeners', `no listener for clients is left; allowed: ${LISTENER_FORM}`);
  checkDistinct(opened, findings);
  checkAdvertised(all, advertised, controllers, findings);
  return opened.map((endPoint) => {
    const protocol = protocolOf(endPoint.name, protocols, findings);
    checkListenerSecurity(endPoint.name, protocol, settings, findings);
    return toListener(endPoint, protocol, advertised, environment, findings);
  });
}

function defaultListener(advertised: readonly EndPoint[], findings: Findings): ListenerConfig {
  const told = advertised.find((endPoint) => endPoint.name === 'PLAINTEXT');
  if (told && told.host !== 'localhost') {
    findings.note('listeners is not set, so only this machine can connect; listeners=PLAINTEXT://:9092 opens every interface');
  }
  return {
    name: 'PLAINTEXT',
    hosts: LOOPBACK_HOSTS,
    port: DEFAULT_PORT,
    securityProtocol: 'PLAINTEXT',
    advertisedHost: told?.host || 'localhost',
    advertisedPort: told?.port ?? DEFAULT_PORT,
  };
}

function parseEndPoints(key: string, text: string, findings: Findings): EndPoint[] {
  const endPoints: EndPoint[] = [];
  for (const item of splitList(text)) {
    const endPoint = parseEndPoint(item);
    if (endPoint) endPoints.push(endPoint);
    else findings.refuse(key, `"${item}" is no listener; allowed: ${LISTENER_FORM}, ports 0 to ${PORT_MAX}`);
  }
  return endPoints;
}

/** Null when the text is no listener. Names are kept in upper case, as Kafka does. */
export function parseEndPoint(text: string): EndPoint | null {
  const match = /^([A-Za-z0-9_.-]{1,249}):\/\/(?:\[([0-9a-zA-Z%._:-]*)\]|([0-9a-zA-Z%._:-]*)):(\d{1,5})$/.exec(text);
  if (!match) return null;
  const [, name, bracketed, plain, port] = match;
  if (Number(port) > PORT_MAX) return null;
  return { name: (name as string).toUpperCase(), host: bracketed ?? plain ?? '', port: Number(port) };
}

function controllerNames(settings: Settings): Set<string> {
  return new Set(splitList(settings.get('controller.listener.names') ?? '').map((name) => name.toUpperCase()));
}

function noteControllers(all: readonly EndPoint[], controllers: ReadonlySet<string>, findings: Findings): void {
  const closed = all.filter((endPoint) => controllers.has(endPoint.name));
  for (const { name, port } of closed) {
    findings.note(`controller listener ${name} (port ${port}) is not opened: this node keeps its own metadata`);
  }
}

function checkDistinct(opened: readonly EndPoint[], findings: Findings): void {
  for (const [index, endPoint] of opened.entries()) {
    const earlier = opened.slice(0, index);
    if (earlier.some((other) => other.name === endPoint.name)) {
      findings.refuse('listeners', `two listeners are named ${endPoint.name}; each needs a name of its own`);
    }
    const clash = earlier.some((other) => other.port === endPoint.port && !areOfTwoFamilies(other.host, endPoint.host));
    if (endPoint.port !== 0 && clash) findings.refuse('listeners', `two listeners use port ${endPoint.port}; each needs a port of its own`);
  }
}

function areOfTwoFamilies(left: string, right: string): boolean {
  return (isIPv4(left) && isIPv6(right)) || (isIPv6(left) && isIPv4(right));
}

function checkAdvertised(all: readonly EndPoint[], advertised: readonly EndPoint[], controllers: ReadonlySet<string>, findings: Findings): void {
  for (const { name, host } of advertised) {
    if (controllers.has(name)) continue;
    if (!all.some((endPoint) => endPoint.name === name)) {
      findings.refuse('advertised.listeners', `${name} is not one of listeners; allowed: ${all.map((endPoint) => endPoint.name).join(', ')}`);
    }
    if (isEveryInterface(host)) findings.refuse('advertised.listeners', `clients cannot connect to ${host}; allowed: a host name or address of this machine`);
  }
}

const isEveryInterface = (host: string): boolean => host === '0.0.0.0' || host === '::';

function toListener(endPoint: EndPoint, securityProtocol: SecurityProtocol, advertised: readonly EndPoint[], environment: ConfigEnvironment, findings: Findings): ListenerConfig {
  const told = advertised.find((other) => other.name === endPoint.name);
  if (!told && isEveryInterface(endPoint.host)) {
    findings.refuse('advertised.listeners', `must be set when listeners binds ${endPoint.host}, which clients cannot connect to`);
  }
  return {
    name: endPoint.name,
    hosts: hostsToBind(endPoint.host),
    port: endPoint.port,
    securityProtocol,
    advertisedHost: (told ?? endPoint).host || environment.hostName,
    advertisedPort: (told ?? endPoint).port,
  };
}

function hostsToBind(host: string): readonly string[] {
  if (host === '') return ['::'];
  return host.toLowerCase() === 'localhost' ? LOOPBACK_HOSTS : [host];
}

function resolveProtocols(settings: Settings, findings: Findings): Map<string, SecurityProtocol> {
  const protocols = new Map<string, SecurityProtocol>(SECURITY_PROTOCOLS.map((name) => [name, name]));
  for (const item of splitList(settings.get('listener.security.protocol.map') ?? '')) {
    const [name = '', protocol = '', ...rest] = item.split(':').map((part) => part.trim().toUpperCase());
    if (name === '' || rest.length > 0 || !isSecurityProtocol(protocol)) {
      findings.refuse('listener.security.protocol.map', `"${item}" is not allowed; allowed: NAME:PROTOCOL, protocols ${SECURITY_PROTOCOLS.join(', ')}`);
    }
    if (isSecurityProtocol(protocol)) protocols.set(name, protocol);
  }
  return protocols;
}

function protocolOf(name: string, protocols: ReadonlyMap<string, SecurityProtocol>, findings: Findings): SecurityProtocol {
  const protocol = protocols.get(name);
  if (protocol === undefined) findings.refuse('listener.security.protocol.map', `has no protocol for listener ${name}; allowed: ${name}:PLAINTEXT`);
  return protocol ?? 'PLAINTEXT';
}
