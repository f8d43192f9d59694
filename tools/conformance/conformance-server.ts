/**
 * A provider as the certification of OpenID Connect wants it: the standalone server's parts behind
 * HTTPS, with settings that weaken what real servers keep. docs/conformance.md says how it is used.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { nodeListener } from 'valetkey/node';
import { type Assembly, assemble, readSettings } from 'valetkey/server';
import { serverCertificate } from './certificates.ts';
import { CLAIMS, PASSWORD, USERNAME } from './person.ts';

/** What differs from one setup to another. */
export interface ConformanceOptions {
  /** The issuer: https, with its port. */
  readonly issuer: string;
  /** Folder of database, secret and certificates; what it holds stays. */
  readonly folder: string;
  /** Origins of the suite, which the provider calls. */
  readonly suite: readonly string[];
  /** Redirect URIs of the two static clients. @default none: there are no static clients */
  readonly redirectUris?: readonly string[];
}

/** A provider that listens. */
export interface ConformanceServer {
  readonly issuer: string;
  readonly assembly: Assembly;
  /** The certificate of the authority that signed the certificate of the server. */
  readonly caFile: string;
  /** Identifiers and secrets of the static clients. */
  readonly clients: readonly { readonly clientId: string; readonly clientSecret: string }[];
  close(): Promise<void>;
}

const MANY = '1000000/60';

/** Every setting is of the standalone server: `docs/settings.md`. */
function environment({ issuer, folder, suite }: ConformanceOptions): Record<string, string> {
  return {
    VALETKEY_ISSUER: issuer,
    VALETKEY_DATA_DIR: folder,
    VALETKEY_DYNAMIC_REGISTRATION_ENABLED: 'true',
    VALETKEY_DYNAMIC_REGISTRATION_ALLOW_OPEN_REGISTRATION: 'true',
    VALETKEY_DYNAMIC_REGISTRATION_REGISTRATIONS: MANY,
    VALETKEY_DYNAMIC_REGISTRATION_REGISTRATIONS_IN_ALL: MANY,
    VALETKEY_DYNAMIC_REGISTRATION_CHANGES: MANY,
    VALETKEY_DYNAMIC_REGISTRATION_ALLOW_INTERNAL_ADDRESSES: 'true',
    VALETKEY_ALLOW_UNVOUCHED_REDIRECTS: 'true',
    VALETKEY_ALLOW_MISSING_PKCE: 'true',
    VALETKEY_RESPONSE_TYPES_ALLOW_IMPLICIT: 'true',
    VALETKEY_REQUEST_OBJECTS_BY_REFERENCE: 'true',
    VALETKEY_JWT_CLIENT_AUTHENTICATION_ALLOW_ENDPOINT_AUDIENCE: 'true',
    VALETKEY_SESSION_MANAGEMENT_ENABLED: 'true',
    VALETKEY_PAIRWISE_SUBJECTS_SALT: 'the salt of the conformance setup, for tests alone',
    VALETKEY_RATE_LIMITS_LOGIN: MANY,
    VALETKEY_RATE_LIMITS_LOGIN_BY_ADDRESS: MANY,
    VALETKEY_RATE_LIMITS_LARGE_REQUEST: MANY,
    VALETKEY_PUBLIC_MAX_AGE: '1',
    ...(suite.length === 0 ? {} : { VALETKEY_ALLOW_OUTBOUND: suite.join(',') }),
  };
}

/** Starts a provider, with its person and its static clients. */
export async function startConformance(options: ConformanceOptions): Promise<ConformanceServer> {
  const { issuer, folder, redirectUris = [] } = options;
  mkdirSync(folder, { recursive: true });
  const { hostname, port } = new URL(issuer);
  const { key, cert, caFile } = serverCertificate(folder, hostname);
  const assembly = await assemble(await readSettings({ env: environment(options) }));
  const { provider, accounts } = assembly;
  await provider.maintain();
  if ((await accounts.findByUsername(USERNAME)) === null)
    await accounts.create({ username: USERNAME, password: PASSWORD, claims: CLAIMS });
  const clients = redirectUris.length === 0 ? [] : await staticClients(assembly, redirectUris);
  const server = createServer({ key, cert, minVersion: 'TLSv1.2' }, nodeListener(provider));
  await new Promise<void>((resolve) => server.listen(Number(port || 443), resolve));
  return {
    issuer,
    assembly,
    caFile,
    clients,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await assembly.close();
    },
  };
}

/** The plans with static clients use two, which may do everything (made anew at each start). */
async function staticClients(
  { provider }: Assembly,
  redirectUris: readonly string[],
): Promise<ConformanceServer['clients']> {
  const made: { clientId: string; clientSecret: string }[] = [];
  for (const clientId of ['conformance-1', 'conformance-2']) {
    await provider.clients.delete(clientId);
    const { clientSecret } = await provider.clients.create(
      {
        name: clientId,
        redirectUris,
        postLogoutRedirectUris: redirectUris.map((uri) =>
          uri.replace(/callback$/, 'post_logout_redirect'),
        ),
        grantTypes: ['authorization_code', 'implicit', 'refresh_token'],
      },
      { clientId },
    );
    made.push({ clientId, clientSecret: clientSecret ?? '' });
  }
  return made;
}

/** Writes and removes the file by which `conformance:rotate` finds the server. */
export function pidFile(folder: string): { write(): void; remove(): void; readonly path: string } {
  const path = join(folder, 'server.pid');
  return {
    path,
    write: () => writeFileSync(path, String(process.pid)),
    remove: () => rmSync(path, { force: true }),
  };
}
