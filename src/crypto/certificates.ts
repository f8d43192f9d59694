/**
 * What a client certificate says (RFC 8705 §2.1.2, §3.1): its thumbprint, its subject as RFC 4514
 * writes it, its alternative names. Node reads the certificate.
 */
import { createHash, X509Certificate } from 'node:crypto';

/** A certificate that a client showed in TLS. */
export interface ClientCertificate {
  /** The certificate (X.509, DER). */
  readonly der: Uint8Array;
  /** True when its chain up to a trusted authority was verified. */
  readonly isVerified: boolean;
}

/** Names of one kind that a certificate can have. */
export type NameKind = 'dns' | 'uri' | 'ip' | 'email';

const PREFIX: Readonly<Record<NameKind, string>> = {
  dns: 'DNS',
  uri: 'URI',
  ip: 'IP Address',
  email: 'email',
};

const read = new WeakMap<ClientCertificate, X509Certificate>();

/** The certificate, read once. */
export function x509Of(certificate: ClientCertificate): X509Certificate {
  const known = read.get(certificate);
  if (known !== undefined) return known;
  const made = new X509Certificate(certificate.der);
  read.set(certificate, made);
  return made;
}

/** Its thumbprint. */
export function certificateThumbprint({ der }: ClientCertificate): string {
  // RFC 8705 §3.1: the SHA-256 of the DER, base64url.
  return createHash('sha256').update(der).digest('base64url');
}

/** True within its time. */
export function isInTime(x509: X509Certificate, now: number): boolean {
  return Date.parse(x509.validFrom) / 1000 <= now && now < Date.parse(x509.validTo) / 1000;
}

/** One relative distinguished name: its attributes, in order of their types. */
type Rdn = readonly string[];

/**
 * The parts of a name as RFC 4514 §3 writes it, the last one of the certificate first; null when it
 * is not written so. Types are compared without regard to case, values exactly.
 */
export function nameParts(text: string): readonly Rdn[] | null {
  if (text.trim() === '') return null;
  // RFC 4514 §3: parts are separated by commas, attributes of one part by plus signs.
  const parts = splitAt(text, ',').map((rdn) => splitAt(rdn, '+').map(attribute));
  return parts.every((rdn) => rdn.every((one) => one !== null))
    ? parts.map((rdn) => (rdn as string[]).sort())
    : null;
}

/** Splits where the separator is neither escaped nor quoted. */
function splitAt(text: string, separator: ',' | '+'): readonly string[] {
  const parts = [''];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    const isEscape = character === '\\';
    if (character === separator) parts.push('');
    else parts[parts.length - 1] += isEscape ? text.slice(at, at + 2) : character;
    if (isEscape) at += 1;
  }
  return parts;
}

/** `TYPE=value` with the type in capitals and the value without escapes; null for anything else. */
function attribute(text: string): string | null {
  const [, type, value] =
    /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=\s*(.*?)\s*$/s.exec(text) ?? [];
  if (type === undefined || value === undefined) return null;
  const bytes: number[] = [];
  for (let at = 0; at < value.length; ) {
    const [, hex] = /^\\([0-9A-Fa-f]{2})/.exec(value.slice(at)) ?? [];
    if (hex !== undefined) {
      bytes.push(Number.parseInt(hex, 16));
      at += 3;
      continue;
    }
    if (value[at] === '\\') at += 1;
    const character = String.fromCodePoint(value.codePointAt(at) ?? 0);
    if (at >= value.length) return null;
    bytes.push(...Buffer.from(character));
    at += character.length;
  }
  return `${NAMES[type.toUpperCase()] ?? type.toUpperCase()}=${Buffer.from(bytes).toString('utf8')}`;
}

/** Other names of attribute types: RFC 4514 §3, and what OpenSSL writes. */
const NAMES: Readonly<Record<string, string>> = {
  EMAIL: 'EMAILADDRESS',
  E: 'EMAILADDRESS',
  '1.2.840.113549.1.9.1': 'EMAILADDRESS',
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  S: 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.25': 'DC',
  '0.9.2342.19200300.100.1.1': 'UID',
};

/** True when the subject of a certificate is this name. */
export function hasSubject(x509: X509Certificate, name: string): boolean {
  // Node writes one RDN on a line, the first one first, with the escapes of RFC 4514.
  const lines = x509.subject.split('\n').map((line) => line.replaceAll(' + ', '+'));
  const own = nameParts(lines.reverse().join(','));
  const wanted = nameParts(name);
  return own !== null && wanted !== null && JSON.stringify(own) === JSON.stringify(wanted);
}

/** True when a certificate has this alternative name. */
export function hasName(x509: X509Certificate, kind: NameKind, name: string): boolean {
  const prefix = `${PREFIX[kind]}:`;
  const names = alternativeNames(x509.subjectAltName ?? '')
    .filter((one) => one.startsWith(prefix))
    .map((one) => one.slice(prefix.length));
  const isSame = (one: string): boolean =>
    kind === 'dns' ? one.toLowerCase() === name.toLowerCase() : one === name;
  return names.some(isSame);
}

/** Node separates names by a comma, and quotes as JSON what holds one. */
function alternativeNames(text: string): readonly string[] {
  const found = text.matchAll(/([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g);
  return [...found].map(([, kind = '', value = '']) => {
    const plain = value.startsWith('"') ? (JSON.parse(value) as string) : value;
    return `${kind}:${plain}`;
  });
}
