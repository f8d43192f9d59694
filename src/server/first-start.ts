/**
 * What a first start creates so that something works at once: signing keys, an administrator
 * account, a demo application. The schema and the secret are made before, in `assemble.ts`. Of many
 * nodes starting at once one makes each thing, the others find it.
 */
import { randomBytes } from 'node:crypto';
import { ClientMetadataError } from 'valetkey';
import { AccountError } from 'valetkey/accounts';
import type { Assembly } from './assemble.ts';

/** What was there and what was made; secrets in clear only for what was made now. */
export interface FirstStart {
  readonly keys: { readonly count: number; readonly made: boolean };
  readonly administrator: { readonly username: string; readonly password: string | null } | null;
  readonly demo: {
    readonly clientId: string;
    readonly clientSecret: string | null;
    readonly redirectUri: string;
  } | null;
}

const ADMINISTRATOR = 'admin';
const DEMO = 'demo';
const DEMO_REDIRECT_URI = 'http://127.0.0.1:8400/callback';

/** Creates what is missing; the same call on a second start finds it. */
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
    // Another node was faster.
    if (error instanceof AccountError) return { username: ADMINISTRATOR, password: null };
    throw error;
  }
}

async function demo(provider: Assembly['provider']): Promise<FirstStart['demo']> {
  const redirectUri = DEMO_REDIRECT_URI;
  // Listed before it is looked for: another node may make it in between.
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
    if (error instanceof ClientMetadataError)
      return { clientId: DEMO, clientSecret: null, redirectUri };
    throw error;
  }
}
