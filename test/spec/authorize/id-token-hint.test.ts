/**
 * The id_token_hint: which ID tokens are taken as one, at the authorization endpoint and at logout.
 * What a good hint does stands in interaction/prompt.test.ts. Rules AZ, JW.
 */

import { createHmac, sign } from 'node:crypto';
import type { Visit } from 'valetkey/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectRefusedRedirect } from '../refusals.ts';
import {
  ALICE,
  browserOf,
  ISSUER,
  makeWorld,
  openAuthorize,
  post,
  REDIRECT_URI,
  SIGNING_KEYS,
  type World,
} from '../setup.ts';

const HS = 'https://hs.example/cb';
let world: World;

/** A client whose ID tokens are signed with its secret. */
let hs: { readonly clientId: string; readonly secret: string };
let kid = '';
beforeAll(async () => {
  world = await makeWorld();
  const made = await world.provider.clients.create({
    name: 'HS',
    redirectUris: [HS],
    idTokenSignedResponseAlg: 'HS256',
  });
  hs = { clientId: made.client.clientId, secret: made.clientSecret ?? '' };
  kid = (await world.provider.keys.list()).find(({ alg }) => alg === 'RS256')?.kid ?? '';
});

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const rightClaims = (aud: string): Record<string, unknown> => ({
  iss: ISSUER,
  sub: ALICE.sub,
  aud,
  exp: world.now + 60,
  iat: world.now,
});

/** Signed by the provider's own RSA key: everything the key can vouch for is right. */
function signed(changes: Record<string, unknown>): string {
  const input = `${encode({ alg: 'RS256', typ: 'JWT', kid })}.${encode({ ...rightClaims(world.web.clientId), ...changes })}`;
  return `${input}.${sign('sha256', Buffer.from(input), SIGNING_KEYS[0]?.pem ?? '').toString('base64url')}`;
}

/** Signed with the secret of the HS256 client. */
function macced(alg: 'HS256' | 'HS384' | 'HS512', claims = rightClaims(hs.clientId)): string {
  const input = `${encode({ alg, typ: 'JWT' })}.${encode(claims)}`;
  return `${input}.${createHmac(`sha${alg.slice(2)}`, hs.secret)
    .update(input)
    .digest('base64url')}`;
}

interface Asking {
  readonly client_id: string;
  readonly redirect_uri: string;
}
const authorizeWith = async (id_token_hint: string, client: Asking): Promise<Visit> =>
  await openAuthorize(world, browserOf(world), { ...client, prompt: 'none', id_token_hint });
const logOutWith = async (id_token_hint: string): Promise<Visit> =>
  await browserOf(world).open(
    `${world.provider.url('rp-initiated-logout')}?${new URLSearchParams({ id_token_hint })}`,
  );

/** Both endpoints take the hint: they go on to what they would say to anybody. */
async function expectTaken(hint: string, client: Asking): Promise<void> {
  expectRefusedRedirect(world, await authorizeWith(hint, client), {
    error: 'login_required',
    reason: 'prompt_none',
  });
  const refusals = world.reasons.length;
  expect((await logOutWith(hint)).status).toBe(200);
  expect(world.reasons.slice(refusals)).toEqual([]);
}

async function expectRefused(hint: string, client: Asking): Promise<void> {
  expectRefusedRedirect(world, await authorizeWith(hint, client), {
    error: 'invalid_request',
    reason: 'id_token_hint',
  });
  const visit = await logOutWith(hint);
  expect([visit.status, visit.leaves, world.reasons.at(-1)]).toEqual([
    200,
    null,
    'logout_hint_invalid',
  ]);
}

describe('a hint signed with a key of ours', () => {
  const web = (): Asking => ({ client_id: world.web.clientId, redirect_uri: REDIRECT_URI });
  it.each<[name: string, changes: Record<string, unknown>]>([
    ['right in everything', {}],
    ['expired', { exp: 1, iat: 0 }],
  ])(
    '[OIDC Core §3.1.2.1] [RP-Initiated Logout §2] is taken when it is %s',
    async (_name, changes) => await expectTaken(signed(changes), web()),
  );
  it.each<[name: string, changes: Record<string, unknown>]>([
    ['JW-17 of another issuer that has the same key', { iss: 'https://other-op.example' }],
    ['JW-17 of an issuer that is spelt otherwise', { iss: `${ISSUER}/` }],
    ['of no issuer', { iss: undefined }],
    ['for a client nobody knows', { aud: 'nobody' }],
    ['JW-17 for no client', { aud: undefined }],
    ['about nobody', { sub: '' }],
    ['JW-17 without an end', { exp: undefined }],
    ['JW-17 of the future', { iat: 2_000_000_000 }],
  ])(
    '[OIDC Core §3.1.2.1] [RP-Initiated Logout §2] is refused when it is %s',
    async (_name, changes) => await expectRefused(signed(changes), web()),
  );
  it('[OIDC Core §2] is refused when its aud is a list: ours names one client, as a text', async () => {
    for (const aud of [
      [world.web.clientId],
      [world.web.clientId, world.other.clientId],
      { [world.web.clientId]: 1 },
    ])
      await expectRefused(signed({ aud }), web());
  });
  it.each([21, 2900])(
    'JW-07 AZ-21 is refused, and is no failure of ours, when it is nested %i deep',
    async (depth) => {
      const payload = `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
      const hint = `${encode({ alg: 'RS256' })}.${Buffer.from(payload).toString('base64url')}.AAAA`;
      await expectRefused(hint, web());
      expect((await post(world, 'introspect', { token: hint })).body).toEqual({ active: false });
    },
  );
});

describe('a hint of a client that has a secret for it', () => {
  const client = (): Asking => ({ client_id: hs.clientId, redirect_uri: HS });
  it('[OIDC Core §10.1] is taken when it is signed with HS256', async () =>
    await expectTaken(macced('HS256'), client()));
  it.each(['HS384', 'HS512'] as const)(
    '[RFC8725 §3.1] JW-02 is refused with %s under the very secret',
    async (alg) => await expectRefused(macced(alg), client()),
  );
  it('[RFC8725 §3.1] JW-02 is refused when it is signed with a key of ours', async () =>
    await expectRefused(signed({ aud: hs.clientId }), client()));
});
