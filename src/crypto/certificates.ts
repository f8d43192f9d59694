/**
 * What a client certificate says (RFC 8705 §2.1.2, §3.1): its thumbprint, its subject as RFC 4514
 * writes it, its alternative names. Node reads the certificate.
 */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';

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

/** Characters of a name that is registered. */
const LONGEST_NAME = 1024;

/**
 * The parts of a name as RFC 4514 §3 writes it, the last one of the certificate first; null when it
 * is not written so. Types are compared without regard to case, values exactly.
 */
export function nameParts(text: string): readonly Rdn[] | null {
  return text.length > LONGEST_NAME
    ? null
    : partsOf(text, (part) => attribute(withoutSpaces(part)));
}

function partsOf(text: string, read: (attribute: string) => string | null): readonly Rdn[] | null {
  if (text === '') return null;
  // RFC 4514 §3: parts are separated by commas, attributes of one part by plus signs.
  const parts = splitAt(text, ',').map((rdn) => splitAt(rdn, '+').map(read));
  return parts.every((rdn) => rdn.every((one) => one !== null))
    ? parts.map((rdn) => (rdn as string[]).sort())
    : null;
}

/** Without spaces around type and value, as people write them; an escaped one is part of it. */
function withoutSpaces(text: string): string {
  const equals = text.indexOf('=');
  if (equals < 0) return text;
  const [type, value] = [text.slice(0, equals), text.slice(equals + 1)];
  let end = value.length;
  while (value[end - 1] === ' ' && value[end - 2] !== '\\') end -= 1;
  let start = 0;
  while (value[start] === ' ' && start < end) start += 1;
  return `${type.trim()}=${value.slice(start, end)}`;
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

const TYPE = /^([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)$/;

/** `TYPE=value` with the type in capitals and the value without escapes; null for anything else. */
function attribute(text: string): string | null {
  const equals = text.indexOf('=');
  const [type, value] = [text.slice(0, equals), text.slice(equals + 1)];
  // RFC 4514 §2.4: what begins with # is the value in BER, which is not read here.
  if (equals < 0 || !TYPE.test(type) || value.startsWith('#')) return null;
  const plain = unescaped(value);
  return plain === null ? null : `${NAMES[type.toUpperCase()] ?? type.toUpperCase()}=${plain}`;
}

/** A value without the escapes of RFC 4514 §2.4; null where one stands for nothing. */
function unescaped(value: string): string | null {
  const bytes: Buffer[] = [];
  for (let at = 0; at < value.length; ) {
    const isEscape = value[at] === '\\';
    const hex = isEscape ? value.slice(at + 1, at + 3) : '';
    if (/^[0-9A-Fa-f]{2}$/.test(hex)) {
      bytes.push(Buffer.from(hex, 'hex'));
      at += 3;
      continue;
    }
    if (isEscape) at += 1;
    if (at >= value.length) return null;
    const character = String.fromCodePoint(value.codePointAt(at) ?? 0);
    bytes.push(Buffer.from(character));
    at += character.length;
  }
  return Buffer.concat(bytes).toString('utf8');
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
  // Node writes one RDN on a line, the first one first, with the escapes of RFC 4514; a certificate
  // may have no subject.
  const subject = (x509.subject as string | undefined) ?? '';
  const lines = subject.split('\n').map((line) => line.replaceAll(' + ', '+'));
  const own = partsOf(lines.reverse().join(','), ownAttribute);
  const wanted = nameParts(name);
  return own !== null && wanted !== null && JSON.stringify(own) === JSON.stringify(wanted);
}

/** OpenSSL tells two types apart by case alone: `UID` is the user id, `uid` a unique identifier. */
function ownAttribute(text: string): string | null {
  return attribute(text.startsWith('uid=') ? `uniqueIdentifier${text.slice(3)}` : text);
}

/** The public key of a certificate; null for a kind of key that Node does not know. */
export function publicKeyOf(x509: X509Certificate): KeyObject | null {
  try {
    return x509.publicKey;
  } catch {
    return null;
  }
}

/** The alternative names of one kind that a certificate has. */
export function namesIn(x509: X509Certificate, kind: NameKind): readonly string[] {
  const prefix = `${PREFIX[kind]}:`;
  return alternativeNames(x509.subjectAltName ?? '')
    .filter((one) => one.startsWith(prefix))
    .map((one) => one.slice(prefix.length));
}

/** Node separates names by a comma, and quotes as JSON what holds one. */
function alternativeNames(text: string): readonly string[] {
  const found = text.matchAll(/([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g);
  return [...found].map(([, kind = '', value = '']) => {
    const plain = value.startsWith('"') ? (JSON.parse(value) as string) : value;
    return `${kind}:${plain}`;
  });
}
