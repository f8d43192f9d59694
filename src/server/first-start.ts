/**
 * Creates what makes a first start usable: signing keys, an administrator account and a demo
 * application. `assemble.ts` creates the schema and the secret before. When several nodes start at
 * the same time, one node creates each thing and the others find it.
 */
import { randomBytes } from 'node:crypto';
import { ClientMetadataError } from 'valetkey';
import { AccountError } from 'valetkey/accounts';
import type { Assembly } from './assemble.ts';

/** What a start found and created. It contains a password or secret only when just created. */
export interface FirstStart {
  /** The signing keys. */
  readonly keys: {
    /** Number of signing keys. */
    readonly count: number;
    /** True when this start created them. */
    readonly made: boolean;
  };
  /** The administrator account; null when there are accounts, but none with its username. */
  readonly administrator: {
    /** Its username. */
    readonly username: string;
    /** Its password; null when this start did not create the account. */
    readonly password: string | null;
  } | null;
  /** The demo application; null when there are applications, but none with its client_id. */
  readonly demo: {
    /** Its client_id. */
    readonly clientId: string;
    /** Its client_secret; null when this start did not create the application. */
    readonly clientSecret: string | null;
    /** Its redirect URI. */
    readonly redirectUri: string;
  } | null;
}

const ADMINISTRATOR = 'admin';
const DEMO = 'demo';
const DEMO_REDIRECT_URI = 'http://127.0.0.1:8400/callback';

/**
 * Creates what is missing. A second start finds it and creates nothing.
 * @throws StoreUnavailable when the database does not answer
 */
export async function firstStart({ provider, accounts }: Assembly): Promise<FirstStart> {
  const had = (await provider.keys.list()).length > 0;
  const made = (await provider.maintain()) && !had;
  return {
    keys: { count: (await provider.keys.list()).length, made },
    administrator: await administrator(accounts),
    demo: await demo(provider),
  };
}

async function administrator(accounts: Assembly['accounts']): Promise<FirstStart['administrator']> {
  if ((await accounts.list({ limit: 1 })).length > 0) {
    return (await accounts.findByUsername(ADMINISTRATOR)) === null
      ? null
      : { username: ADMINISTRATOR, password: null };
  }
  const password = randomBytes(15).toString('base64url');
  try {
    await accounts.create({ username: ADMINISTRATOR, password, claims: { name: 'Administrator' } });
    return { username: ADMINISTRATOR, password };
  } catch (error) {
    // Another node may have created the account at the same time.
    const found = error instanceof AccountError && (await accounts.findByUsername(ADMINISTRATOR));
    if (found) return { username: ADMINISTRATOR, password: null };
    throw error;
  }
}

async function demo(provider: Assembly['provider']): Promise<FirstStart['demo']> {
  const redirectUri = DEMO_REDIRECT_URI;
  // List before find: when another node creates the demo application between the two calls, `find`
  // returns it. In the other order this node would report that there is none.
  const others = (await provider.clients.list({ limit: 1 })).length > 0;
  if ((await provider.clients.find(DEMO)) !== null)
    return { clientId: DEMO, clientSecret: null, redirectUri };
  if (others) return null;
  try {
    const { clientSecret } = await provider.clients.create(
      {
        name: 'Demo application',
        redirectUris: [redirectUri],
        postLogoutRedirectUris: ['http://127.0.0.1:8400/'],
        grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
      },
      { clientId: DEMO },
    );
    return { clientId: DEMO, clientSecret, redirectUri };
  } catch (error) {
    if (!(error instanceof ClientMetadataError)) throw error;
    // Another node created it at the same time, or the settings leave out what it needs.
    const found = await provider.clients.find(DEMO);
    return found === null ? null : { clientId: DEMO, clientSecret: null, redirectUri };
  }
}
