/** A certificate authority of the test setup, and the certificate of its server, by openssl. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** PEM texts, and the file of the authority for clients that check it. */
export interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
  readonly caFile: string;
}

const NEW_KEY = ['-newkey', 'rsa:2048', '-nodes'];

/** Makes both in a folder, unless they are there. @param host name or address of the server */
export function serverCertificate(folder: string, host: string): ServerCertificate {
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): void =>
    void execFileSync('openssl', [...args], { stdio: 'ignore' });
  const caFile = at('ca.pem');
  if (!existsSync(caFile)) {
    const authority = ['-subj', '/CN=Valetkey conformance CA', '-days', '30'];
    openssl('req', '-x509', ...NEW_KEY, ...authority, '-keyout', at('ca.key'), '-out', caFile);
    const names = [host, 'localhost'].map((name) =>
      /^[0-9.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`,
    );
    writeFileSync(
      at('server.ext'),
      `subjectAltName=${[...new Set(names)].join(',')},IP:127.0.0.1\n`,
    );
    const request = ['-keyout', at('server.key'), '-out', at('server.csr')];
    openssl('req', '-new', ...NEW_KEY, '-subj', `/CN=${host}`, ...request);
    const by = ['-CA', caFile, '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '30'];
    const signed = ['-extfile', at('server.ext'), '-out', at('server.pem')];
    openssl('x509', '-req', '-in', at('server.csr'), ...by, ...signed);
  }
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  return { key: read('server.key'), cert: read('server.pem'), caFile };
}
