/** The messages of a SCRAM exchange (RFC 5802, section 5.1): read with bounds in one pass, and written. */
import { SaslError } from './saslError.ts';

export interface ClientFirst {
  readonly authorizationId: string;
  readonly username: string;
  readonly nonce: string;
  readonly extensions: ReadonlyMap<string, string>;
  /** The message without its channel binding header: part of what is signed. */
  readonly bare: string;
}

export interface ClientFinal {
  readonly nonce: string;
  readonly proof: Buffer;
  /** The message without its proof: part of what is signed. */
  readonly withoutProof: string;
}

export interface ServerFirst {
  readonly nonce: string;
  readonly salt: Buffer;
  readonly iterations: number;
  readonly text: string;
}

const MESSAGE_BYTES_MAX = 64 * 1024;
/** What a server may ask of a client's processor. */
const ITERATIONS_MAX = 1_000_000;
const NONCE = /^[\x21-\x2b\x2d-\x7e]+$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** A user name as it stands in a message. */
export const saslName = (name: string): string => name.replaceAll('=', '=3D').replaceAll(',', '=2C');

function fromSaslName(text: string): string {
  if (text === '' || /=(?!2C|3D)/.test(text)) throw invalid('a name');
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

const invalid = (what: string): SaslError => new SaslError(`Invalid SCRAM message: ${what} is malformed`);

function fieldsOf(bytes: Buffer, what: string): string[] {
  if (bytes.length > MESSAGE_BYTES_MAX) throw invalid(what);
  return bytes.toString('utf8').split(',');
}

/** The value of a field `<key>=<value>`. */
function valueOf(field: string | undefined, key: string, what: string): string {
  if (field === undefined || !field.startsWith(`${key}=`)) throw invalid(what);
  return field.slice(key.length + 1);
}

function nonceOf(field: string | undefined): string {
  const nonce = valueOf(field, 'r', 'the nonce');
  if (!NONCE.test(nonce)) throw invalid('the nonce');
  return nonce;
}

function base64Of(field: string | undefined, key: string, what: string): Buffer {
  const text = valueOf(field, key, what);
  if (text === '' || text.length % 4 !== 0 || !BASE64.test(text)) throw invalid(what);
  return Buffer.from(text, 'base64');
}

function extensionsOf(fields: readonly string[]): Map<string, string> {
  const extensions = new Map<string, string>();
  for (const field of fields) {
    const at = field.indexOf('=');
    if (!/^[A-Za-z]+$/.test(field.slice(0, Math.max(at, 0)))) throw invalid('an extension');
    extensions.set(field.slice(0, at), field.slice(at + 1));
  }
  return extensions;
}

/** `n,[a=<authorization id>],n=<user>,r=<nonce>[,<extension>...]`. Channel binding is not offered, so that a client that wants it is refused. */
export function parseClientFirst(bytes: Buffer): ClientFirst {
  const fields = fieldsOf(bytes, 'the first message');
  const [binding, authorization = '', name, nonce, ...extensions] = fields;
  if (binding !== 'n') throw invalid('the channel binding');
  return {
    authorizationId: authorization === '' ? '' : fromSaslName(valueOf(authorization, 'a', 'the authorization id')),
    username: fromSaslName(valueOf(name, 'n', 'the user name')),
    nonce: nonceOf(nonce),
    extensions: extensionsOf(extensions),
    bare: fields.slice(2).join(','),
  };
}

export function encodeClientFirstBare(username: string, nonce: string, extensions: ReadonlyMap<string, string>): string {
  return [`n=${saslName(username)}`, `r=${nonce}`, ...[...extensions].map(([key, value]) => `${key}=${value}`)].join(',');
}

/** `r=<nonce>,s=<salt>,i=<iterations>`. */
export function parseServerFirst(bytes: Buffer): ServerFirst {
  const fields = fieldsOf(bytes, 'the server\'s first message');
  const iterations = valueOf(fields[2], 'i', 'the iteration count');
  if (!/^[1-9]\d{0,6}$/.test(iterations) || Number(iterations) > ITERATIONS_MAX) throw invalid('the iteration count');
  return { nonce: nonceOf(fields[0]), salt: base64Of(fields[1], 's', 'the salt'), iterations: Number(iterations), text: fields.join(',') };
}

export const serverFirstText = (nonce: string, salt: Buffer, iterations: number): string => `r=${nonce},s=${salt.toString('base64')},i=${iterations}`;

/** `c=<channel binding>,r=<nonce>[,<extension>...],p=<proof>`. */
export function parseClientFinal(bytes: Buffer): ClientFinal {
  const fields = fieldsOf(bytes, 'the final message');
  const proof = fields.length < 3 ? undefined : fields.at(-1);
  base64Of(fields[0], 'c', 'the channel binding');
  extensionsOf(fields.slice(2, -1));
  return { nonce: nonceOf(fields[1]), proof: base64Of(proof, 'p', 'the proof'), withoutProof: fields.slice(0, -1).join(',') };
}

/** `c=biws`: the header `n,,` in base64. */
export const clientFinalWithoutProof = (nonce: string): string => `c=biws,r=${nonce}`;

/** The server's signature; SaslError with its reason when it sent `e=` instead. */
export function parseServerFinal(bytes: Buffer): Buffer {
  const [first] = fieldsOf(bytes, 'the server\'s final message');
  if (first?.startsWith('e=') === true) throw new SaslError(`The server refused the login: ${first.slice(2, 200)}`);
  return base64Of(first, 'v', 'the server\'s signature');
}
