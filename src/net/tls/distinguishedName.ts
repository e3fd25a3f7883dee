/** The subject of a certificate as Java writes it (RFC 2253), which is how Kafka names the user: `CN=alice,OU=team,O=company`. */
import forge from 'node-forge';

const NAMES: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'], ['2.5.4.6', 'C'], ['2.5.4.7', 'L'], ['2.5.4.8', 'ST'], ['2.5.4.10', 'O'], ['2.5.4.11', 'OU'], ['2.5.4.9', 'STREET'],
  ['0.9.2342.19200300.100.1.25', 'DC'], ['0.9.2342.19200300.100.1.1', 'UID'],
]);
/** Place of the subject among the parts of a certificate that come after its version. */
const SUBJECT_AFTER_VERSION = 4;

interface Asn1 {
  readonly tagClass: number;
  readonly type: number;
  readonly value: string | readonly Asn1[];
}

/** `der`: a certificate. Throws for bytes that are none. */
export function subjectName(der: Buffer): string {
  const certificate = forge.asn1.fromDer(der.toString('latin1')) as unknown as Asn1;
  const signed = children(children(certificate)[0]);
  const hasVersion = signed[0]?.tagClass === 0x80;
  const subject = signed[hasVersion ? SUBJECT_AFTER_VERSION + 1 : SUBJECT_AFTER_VERSION];
  return children(subject).map((relative) => children(relative).map(attribute).join('+')).toReversed().join(',');
}

function children(node: Asn1 | undefined): readonly Asn1[] {
  if (node === undefined || typeof node.value === 'string') throw new Error('the certificate is malformed');
  return node.value;
}

function attribute(node: Asn1): string {
  const [type, value] = children(node);
  if (type === undefined || value === undefined || typeof type.value !== 'string' || typeof value.value !== 'string') throw new Error('the certificate is malformed');
  const oid = forge.asn1.derToOid(type.value as unknown as forge.util.ByteBuffer);
  const name = NAMES.get(oid);
  const text = name === undefined ? null : textOf(value.type, value.value);
  // What has no name of its own is shown as its bytes.
  return text === null ? `${name ?? oid}=#${Buffer.from(forge.asn1.toDer(value as unknown as forge.asn1.Asn1).getBytes(), 'latin1').toString('hex')}` : `${name}=${escaped(text)}`;
}

const StringType = { utf8: 12, printable: 19, teletex: 20, ia5: 22, universal: 28, bmp: 30 } as const;

function textOf(type: number, value: string): string | null {
  const bytes = Buffer.from(value, 'latin1');
  switch (type) {
    case StringType.utf8:
      return bytes.toString('utf8');
    case StringType.printable:
    case StringType.ia5:
    case StringType.teletex:
      return value;
    case StringType.bmp:
      return bytes.length % 2 === 0 ? Buffer.from(bytes).swap16().toString('utf16le') : null;
    default:
      return null;
  }
}

function escaped(text: string): string {
  const inside = text.replace(/[,+"\\<>;]/g, '\\$&');
  const start = inside.replace(/^[# ]/, '\\$&');
  return start.replace(/ $/, '\\ ');
}
