/** What oauth4webapi refuses as a JWT access token (RFC 9068 §4), where it stands before an API. */
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, register, type Tokens } from './application.ts';
import { openidClient } from './openid-client.ts';
import {
  ALICE,
  ARCHIVE,
  discovered,
  type GrantsProvider,
  openGrants,
  PRINTER,
} from './provider.ts';

const ALGS = ['RS256', 'ES256', 'PS256', 'EdDSA'] as const;
const resourceOf = (alg: string): string => `https://${alg.toLowerCase()}.example/api`;

let op: GrantsProvider;
let as: oauth.AuthorizationServer;
let plain: Application;
let bound: Application;
beforeAll(async () => {
  op = await openGrants(
    {},
    ALGS.map((alg) => ({ resource: resourceOf(alg), tokenFormat: 'jwt', tokenSigningAlg: alg })),
  );
  as = await discovered(op.issuer);
  plain = await register(op, openidClient);
  bound = await register(op, openidClient, { isDpop: true });
});
afterAll(async () => await op.close());

async function validated(
  token: string,
  audience = PRINTER,
  options: oauth.ValidateJWTAccessTokenOptions = {},
  headers: Readonly<Record<string, string>> = { authorization: `Bearer ${token}` },
): Promise<oauth.JWTAccessTokenClaims> {
  const request = new Request(op.api, { headers });
  const insecure = { [oauth.allowInsecureRequests]: true } as const;
  return await oauth.validateJwtAccessToken(as, request, audience, { ...insecure, ...options });
}

/** The same token with another character in one of its parts. */
function changed(token: string, part: 0 | 1 | 2): string {
  const parts = token.split('.');
  const text = parts[part] ?? '';
  const claims = Buffer.from(text, 'base64url').toString();
  parts[part] =
    part === 2
      ? `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`
      : Buffer.from(claims.replace(/"(scope|kid)":"./, '"$1":"x')).toString('base64url');
  return parts.join('.');
}

it.each(ALGS)('[RFC9068 §4] one that is signed by %s is accepted', async (alg) => {
  const { access_token } = await plain.clientCredentials({ resource: resourceOf(alg) });
  const claims = await validated(access_token, resourceOf(alg));
  expect([claims.iss, claims.client_id]).toEqual([op.issuer, plain.clientId]);
});

describe('refused', () => {
  let tokens: Tokens;
  beforeAll(async () => {
    tokens = await plain.signIn({ scope: 'openid read', resource: PRINTER });
  });
  const late = { [oauth.clockSkew]: 1000 } as const;
  it.each<[what: string, token: () => string, options?: oauth.ValidateJWTAccessTokenOptions]>([
    ['[RFC9068 §4] an ID token in its place', () => String(tokens.id_token)],
    ['[RFC9068 §4] one that has expired', () => tokens.access_token, late],
    ['[RFC7515 §5.2] one with another scope', () => changed(tokens.access_token, 1)],
    ['[RFC7515 §5.2] one with another header', () => changed(tokens.access_token, 0)],
    ['[RFC7515 §5.2] one with another signature', () => changed(tokens.access_token, 2)],
    [
      '[RFC6750 §2.1] one without key where keys are required',
      () => tokens.access_token,
      { requireDPoP: true },
    ],
  ])('%s', async (_what, token, options) => {
    expect((await validated(tokens.access_token)).sub).toBe(ALICE.sub);
    await expect(validated(token(), PRINTER, options)).rejects.toThrow();
  });
  it('[RFC9068 §4] one for another audience', async () => {
    await expect(validated(tokens.access_token, ARCHIVE)).rejects.toThrow('"aud"');
  });
});

describe('a token that is bound to a key', () => {
  let token: string;
  beforeAll(async () => {
    token = (await bound.clientCredentials({ scope: 'read', resource: PRINTER })).access_token;
  });
  it('[RFC9449 §7.1] is accepted with a proof of the key', async () => {
    const answer = await bound.call(op.api, token);
    expect([answer.status, await answer.json()]).toMatchObject([200, { cnf: {} }]);
  });
  it('[RFC9449 §7.2] is refused as a bearer token', async () => {
    await expect(validated(token)).rejects.toThrow();
  });
  it('[RFC9449 §7.1] is refused with the proof of another key', async () => {
    const thief = await register(op, openidClient, { isDpop: true });
    expect((await thief.call(op.api, token)).status).toBe(401);
  });
});
