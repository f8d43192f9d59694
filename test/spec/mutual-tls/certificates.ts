/** Certificates of a private authority, and others, as files that openssl makes. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientCertificate } from 'valetkey';

/** A certificate with its private key, in PEM. */
export interface Made {
  readonly cert: string;
  readonly key: string;
}

/** Makes certificates in a folder of its own. */
export interface Authority extends Made {
  /** One that the authority signs. @param names as openssl writes subjectAltName */
  issue(subject: string, names?: string): Made;
  /** One that nobody signs but itself. All end in two days. */
  selfSigned(subject: string): Made;
  remove(): void;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export function makeAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-tls-'));
  let made = 0;
  const openssl = (...args: readonly string[]): void =>
    void execFileSync('openssl', [...args], { stdio: 'ignore' });
  const files = (): Record<'cert' | 'key' | 'request' | 'names', string> => {
    made += 1;
    const file = (kind: string): string => join(folder, `${made}.${kind}`);
    return { cert: file('cert'), key: file('key'), request: file('csr'), names: file('ext') };
  };
  const read = ({ cert, key }: Made): Made => ({
    cert: readFileSync(cert, 'utf8'),
    key: readFileSync(key, 'utf8'),
  });
  const root = files();
  const subject = (text: string): readonly string[] => ['-subj', text, '-utf8', '-multivalue-rdn'];
  const self = (text: string, at: Made): void => {
    const out = ['-keyout', at.key, '-out', at.cert];
    openssl('req', '-x509', ...EC, ...subject(text), '-days', '2', ...out);
  };
  self('/CN=Private authority', root);
  return {
    ...read(root),
    issue(text, names) {
      const { cert, key, request, names: extensions } = files();
      openssl('req', '-new', ...EC, ...subject(text), '-keyout', key, '-out', request);
      writeFileSync(extensions, names === undefined ? '' : `subjectAltName=${names}`);
      const by = ['-CA', root.cert, '-CAkey', root.key, '-CAcreateserial', '-days', '2'];
      openssl('x509', '-req', '-in', request, ...by, '-extfile', extensions, '-out', cert);
      return read({ cert, key });
    },
    selfSigned(text) {
      const at = files();
      self(text, at);
      return read(at);
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** A certificate as an adapter tells it. */
export function shown({ cert }: Made, isVerified: boolean): ClientCertificate {
  return { der: new X509Certificate(cert).raw, isVerified };
}

/** The public key of a certificate, as a client registers it. */
export function jwkOf({ cert }: Made): object {
  return new X509Certificate(cert).publicKey.export({ format: 'jwk' });
}

/** The subject of the usual certificate, as RFC 4514 writes it. */
export const DN = 'CN=printer+OU=Apps,O=Example\\, Inc.,C=NL';
export const SUBJECT = { tls_client_auth_subject_dn: DN };
/** The certificates are made a moment before. */
export const NOW = Math.floor(Date.now() / 1000) + 600;

/** A good certificate, another of the same authority, and a self-signed one. */
export function makeUsual(): {
  readonly authority: Authority;
  readonly good: Made;
  readonly other: Made;
  readonly own: Made;
} {
  const authority = makeAuthority();
  return {
    authority,
    good: authority.issue(
      '/C=NL/O=Example, Inc./OU=Apps+CN=printer',
      'DNS:printer.example,IP:192.0.2.7,URI:urn:printer,email:printer@example.com',
    ),
    other: authority.issue('/C=NL/O=Example, Inc./OU=Apps+CN=scanner', 'DNS:scanner.example'),
    own: authority.selfSigned('/CN=own'),
  };
}
