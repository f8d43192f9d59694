/** openid-client drives every way to ask and to be answered, with its own checks. */
import { exportJWK, generateKeyPair } from 'jose';
import * as client from 'openid-client';
import type { ScriptedBrowser } from 'valetkey/testing';
import { readForm } from 'valetkey/testing';
import { beforeEach, expect, it } from 'vitest';
import {
  ALICE,
  allow,
  browserOf,
  ISSUER,
  logIn,
  pageOf,
  REDIRECT_URI,
  type World,
} from '../setup.ts';
import { implicitWorld } from './responses.ts';

let world: World;
let browser: ScriptedBrowser;
const verifier = client.randomPKCECodeVerifier();
const [state, nonce] = ['the-state', 'the-nonce'];

beforeEach(async () => {
  world = await implicitWorld({ clock: () => Math.floor(Date.now() / 1000) });
  browser = browserOf(world);
});

/** The library's view of a client that was registered so. */
async function configured(changes: object): Promise<client.Configuration> {
  const { client: made, clientSecret } = await world.provider.clients.create({
    name: 'openid-client',
    redirectUris: [REDIRECT_URI],
    grantTypes: ['openid-hybrid', 'implicit'],
    ...changes,
  });
  const customFetch = async (url: string, options: object): Promise<Response> =>
    await world.provider.fetch(new Request(url, options));
  return await client.discovery(
    new URL(ISSUER),
    made.clientId,
    { ...registered(changes), client_secret: clientSecret ?? '' },
    undefined,
    { [client.customFetch]: customFetch },
  );
}

const registered = (changes: object): Record<string, unknown> =>
  'fields' in changes ? { ...(changes.fields as object) } : {};

/** Goes through the pages, to the address that the library reads. */
async function through(url: URL): Promise<URL | Request> {
  let visit = await browser.open(url.href);
  if (pageOf(visit) === 'login') visit = await logIn(browser, visit);
  if (pageOf(visit) === 'consent') visit = await allow(browser, visit);
  if (visit.leaves !== null) return visit.leaves;
  const { action, fields } = readForm(visit.html);
  return new Request(action, { method: 'POST', body: new URLSearchParams(fields) });
}

const parameters = async (): Promise<Record<string, string>> => ({
  redirect_uri: REDIRECT_URI,
  scope: 'openid email',
  state,
  nonce,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
});

async function exchanged(config: client.Configuration, url: URL | Request): Promise<void> {
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
  const tokens = await client.authorizationCodeGrant(config, url, checks);
  const info = await client.fetchUserInfo(config, tokens.access_token, ALICE.sub);
  expect([tokens.claims()?.sub, info.email]).toEqual([ALICE.sub, 'alice@example.com']);
}

it('[OIDC Core §3.3] code id_token, in the fragment and by form post', async () => {
  const config = await configured({});
  client.useCodeIdTokenResponseType(config);
  for (const response_mode of ['fragment', 'form_post']) {
    const asked = { ...(await parameters()), response_mode };
    await exchanged(config, await through(client.buildAuthorizationUrl(config, asked)));
  }
});

it('[OIDC Core §3.3.2.11] code id_token with the hash of the state', async () => {
  const config = await configured({});
  client.useCodeIdTokenResponseType(config);
  client.enableDetachedSignatureResponseChecks(config);
  const url = client.buildAuthorizationUrl(config, await parameters());
  await exchanged(config, await through(url));
});

it('[OIDC Core §3.2] id_token, in the fragment and by form post', async () => {
  const config = await configured({});
  client.useIdTokenResponseType(config);
  for (const response_mode of ['fragment', 'form_post']) {
    const { code_challenge: _, code_challenge_method: __, ...rest } = await parameters();
    const url = await through(client.buildAuthorizationUrl(config, { ...rest, response_mode }));
    const claims = await client.implicitAuthentication(config, url, nonce, {
      expectedState: state,
    });
    expect([claims.sub, claims['email']]).toEqual([ALICE.sub, 'alice@example.com']);
  }
});

it('[JARM §2.3] a response as a JWT', async () => {
  const config = await configured({});
  client.useJwtResponseMode(config);
  await exchanged(config, await through(client.buildAuthorizationUrl(config, await parameters())));
});

it('[RFC9101 §5] a signed request, with claims by name', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'key' }] };
  const config = await configured({ jwks });
  const asked = {
    ...(await parameters()),
    claims: JSON.stringify({ id_token: { name: null } }),
  };
  const key = { key: privateKey, kid: 'key' };
  const url = await client.buildAuthorizationUrlWithJAR(config, asked, key);
  expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request']);
  await exchanged(config, await through(url));
});

it('[OIDC Core §10.2] encrypted ID tokens and userinfo', async () => {
  const alg = 'ECDH-ES';
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'enc', use: 'enc', alg }] };
  const config = await configured({
    jwks,
    fields: {
      id_token_encrypted_response_alg: alg,
      id_token_encrypted_response_enc: 'A256GCM',
      userinfo_signed_response_alg: 'RS256',
      userinfo_encrypted_response_alg: alg,
      userinfo_encrypted_response_enc: 'A256GCM',
    },
  });
  client.enableDecryptingResponses(config, ['A256GCM'], { key: privateKey, alg, kid: 'enc' });
  await exchanged(config, await through(client.buildAuthorizationUrl(config, await parameters())));
});
