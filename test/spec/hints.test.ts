/** ID tokens that come back as a hint, signed with the right key and wrong in one other thing. */
import { createHmac, sign } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ALICE,
  authorizeParams,
  authorizeUrl,
  browserOf,
  ISSUER,
  makeWorld,
  pkce,
  SIGNING_KEYS,
  type World,
} from './setup.ts';

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

/** What becomes of a hint at both endpoints that take one: taken, or refused with their reasons. */
async function judged(
  hint: string,
  client: { readonly client_id: string; readonly redirect_uri: string },
): Promise<unknown[]> {
  const params = authorizeParams(world, pkce().challenge, {
    ...client,
    prompt: 'none',
    id_token_hint: hint,
  });
  const visit = await browserOf(world).open(authorizeUrl(world, params));
  const asked = [visit.leaves?.searchParams.get('error'), world.events.at(-1)?.reason];
  const before = world.reasons.length;
  const logout = await browserOf(world).open(
    `${world.provider.url('rp-initiated-logout')}?${new URLSearchParams({ id_token_hint: hint })}`,
  );
  return [...asked, logout.status, ...world.reasons.slice(before)];
}

const TAKEN = ['login_required', 'prompt_none', 200];
const REFUSED = ['invalid_request', 'id_token_hint', 400, 'logout_hint_invalid'];

describe('a hint signed with a key of ours', () => {
  it.each<[name: string, changes: Record<string, unknown>, outcome: unknown[]]>([
    ['that is right in everything', {}, TAKEN],
    ['that has expired', { exp: 1, iat: 0 }, TAKEN],
    ['JW-17 of another issuer that has the same key', { iss: 'https://other-op.example' }, REFUSED],
    ['JW-17 of an issuer that is spelt otherwise', { iss: `${ISSUER}/` }, REFUSED],
    ['of no issuer', { iss: undefined }, REFUSED],
    ['for a client nobody knows', { aud: 'nobody' }, REFUSED],
    ['JW-17 for no client', { aud: undefined }, REFUSED],
    ['about nobody', { sub: '' }, REFUSED],
    ['JW-17 without an end', { exp: undefined }, REFUSED],
    ['JW-17 of the future', { iat: 2_000_000_000 }, REFUSED],
  ])('[OIDC Core §3.1.2.1] [RP-Initiated Logout §2] %s', async (_name, changes, outcome) => {
    expect(
      await judged(signed(changes), {
        client_id: world.web.clientId,
        redirect_uri: 'https://rp.example/cb',
      }),
    ).toEqual(outcome);
  });
  it('[OIDC Core §2] for a list of clients is none of ours: we name one, as a text', async () => {
    const client = { client_id: world.web.clientId, redirect_uri: 'https://rp.example/cb' };
    for (const aud of [
      [world.web.clientId],
      [world.web.clientId, world.other.clientId],
      { [world.web.clientId]: 1 },
    ])
      expect(await judged(signed({ aud }), client)).toEqual(REFUSED);
  });
});

describe('a hint of a client that has a secret for it', () => {
  const client = (): { client_id: string; redirect_uri: string } => ({
    client_id: hs.clientId,
    redirect_uri: HS,
  });
  it('[OIDC Core §10.1] is signed with HS256', async () =>
    expect(await judged(macced('HS256'), client())).toEqual(TAKEN));
  it.each(['HS384', 'HS512'] as const)(
    '[RFC8725 §3.1] JW-02 and with nothing else: %s under the very secret',
    async (alg) => expect(await judged(macced(alg), client())).toEqual(REFUSED),
  );
  it('[RFC8725 §3.1] JW-02 and not with a key of ours', async () =>
    expect(await judged(signed({ aud: hs.clientId }), client())).toEqual(REFUSED));
});
