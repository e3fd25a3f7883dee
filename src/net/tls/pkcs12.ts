/** PKCS12 key stores, Java's and OpenSSL's: keys and certificates as PEM. */
import forge from 'node-forge';

export interface StoreContents {
  /** PKCS8 in PEM, not encrypted. */
  readonly keys: readonly string[];
  readonly certificates: readonly string[];
}

type Bag = { readonly key?: unknown; readonly cert?: unknown; readonly asn1?: unknown };

/** Throws for a wrong password and for bytes that are no PKCS12. */
export function readPkcs12(bytes: Buffer, password: string): StoreContents {
  const { oids } = forge.pki as unknown as { readonly oids: Readonly<Record<string, string>> };
  // What is RSA is parsed by the library; all other kinds stay as they are, and those bytes serve for both.
  const store = forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(bytes.toString('latin1')), false, password);
  const bagsOf = (type: string): readonly Bag[] => (store.getBags({ bagType: oids[type] as string }) as unknown as Readonly<Record<string, Bag[]>>)[oids[type] as string] ?? [];
  return {
    keys: [...bagsOf('pkcs8ShroudedKeyBag'), ...bagsOf('keyBag')].map((bag) => pem('PRIVATE KEY', keyOf(bag))),
    certificates: bagsOf('certBag').map((bag) => pem('CERTIFICATE', certificateOf(bag))),
  };
}

function keyOf(bag: Bag): forge.asn1.Asn1 {
  if (bag.key === null || bag.key === undefined) return bag.asn1 as forge.asn1.Asn1;
  return forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(bag.key as forge.pki.PrivateKey));
}

function certificateOf(bag: Bag): forge.asn1.Asn1 {
  return bag.cert === null || bag.cert === undefined ? (bag.asn1 as forge.asn1.Asn1) : forge.pki.certificateToAsn1(bag.cert as forge.pki.Certificate);
}

function pem(label: string, value: forge.asn1.Asn1): string {
  const lines = Buffer.from(forge.asn1.toDer(value).getBytes(), 'latin1').toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
