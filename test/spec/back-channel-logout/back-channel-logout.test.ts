/** Back-channel logout (OpenID Connect Back-Channel Logout 1.0). Rule LO-05. */
import {
  compactDecrypt,
  createLocalJWKSet,
  decodeProtectedHeader,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose';
import type { Config } from 'valetkey';
import type { ScriptedBrowser } from 'valetkey/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encryptionJwks, pairFor } from '../encrypted-id-tokens/keys.ts';
import {
  ALICE,
  browserOf,
  claimsOf,
  getTokens,
  ISSUER,
  makeWorld,
  openAuthorize,
  read,
  type World,
  watched,
} from '../setup.ts';
import { type RelyingParties, relyingParties, tokenIn } from './relying-parties.ts';

let world: World;
let browser: ScriptedBrowser;
let parties: RelyingParties;
beforeEach(async () => {
  parties = await relyingParties();
  await start();
});
afterEach(async () => {
  await world.provider.close();
  await parties.close();
});

async function start(options: Partial<Config> = {}, path = '/web'): Promise<void> {
  world = await makeWorld({ allowOutbound: [parties.origin], ...options });
  const uri = path.startsWith('/') ? parties.origin + path : path;
  await world.provider.clients.update(world.web.clientId, {
    fields: { backchannel_logout_uri: uri },
  });
  browser = browserOf(world);
}

async function logOut(): Promise<void> {
  const page = await browser.open(world.provider.url('rp-initiated-logout'));
  await browser.submit(page, { decision: 'logout' });
  await world.provider.deliver();
}

async function verified(jwt: string): Promise<Record<string, unknown>> {
  const jwks = await read(
    await world.provider.fetch(new Request(`${ISSUER}/.well-known/jwks.json`)),
  );
  const keys = createLocalJWKSet(jwks.body as unknown as JSONWebKeySet);
  const { payload } = await jwtVerify(jwt, keys, {
    issuer: ISSUER,
    audience: world.web.clientId,
    typ: 'logout+jwt',
    currentDate: new Date(world.now * 1000),
  });
  return payload;
}

describe('a logout token', () => {
  it('[Back-Channel Logout §2.4] [Back-Channel Logout §2.5] LO-05 is posted as a form, with the claims of the ID token', async () => {
    const { id_token: idToken } = await getTokens(world, {}, browser);
    await logOut();
    expect(parties.calls).toHaveLength(1);
    const [call] = parties.calls;
    expect(call).toMatchObject({
      path: '/web',
      method: 'POST',
      type: 'application/x-www-form-urlencoded',
    });
    expect([...new URLSearchParams(call?.body).keys()]).toEqual(['logout_token']);
    const claims = await verified(tokenIn(call));
    const { sub, sid } = claimsOf(idToken);
    expect(claims).toEqual({
      iss: ISSUER,
      sub,
      sid,
      aud: world.web.clientId,
      iat: world.now,
      exp: world.now + 120,
      jti: expect.stringMatching(/^[\w-]{22}$/) as unknown,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    });
  });

  it('[Back-Channel Logout §2.4] is signed, and encrypted, as the ID tokens of the client are', async () => {
    await world.provider.clients.update(world.web.clientId, {
      idTokenSignedResponseAlg: 'ES256',
      jwks: encryptionJwks('ECDH-ES'),
      fields: {
        backchannel_logout_uri: `${parties.origin}/web`,
        id_token_encrypted_response_alg: 'ECDH-ES',
      },
    });
    await getTokens(world, {}, browser);
    await logOut();
    const { plaintext } = await compactDecrypt(
      tokenIn(parties.calls[0]),
      pairFor('ECDH-ES').privateKey,
    );
    const jwt = new TextDecoder().decode(plaintext);
    expect(decodeProtectedHeader(jwt)).toMatchObject({ alg: 'ES256', typ: 'logout+jwt' });
    expect(await verified(jwt)).toMatchObject({ sub: ALICE.sub });
  });

  it('JW-06 is no ID token: it proves nobody at the authorization endpoint', async () => {
    await getTokens(world, {}, browser);
    await logOut();
    const hint = { id_token_hint: tokenIn(parties.calls[0]) };
    const visit = await openAuthorize(world, browser, hint);
    expect(visit.leaves?.searchParams.get('error')).toBe('invalid_request');
  });
});

describe('who is told', () => {
  it('[Back-Channel Logout §2.5] every application of this session, once, and no other', async () => {
    await world.provider.clients.update(world.spa.clientId, {
      fields: { backchannel_logout_uri: `${parties.origin}/spa` },
    });
    await world.provider.clients.update(world.other.clientId, {
      fields: { backchannel_logout_uri: `${parties.origin}/other` },
    });
    await getTokens(world, {}, browser);
    await getTokens(world, {}, browser);
    const spa = { client_id: world.spa.clientId, redirect_uri: 'https://spa.example/cb' };
    const consent = await openAuthorize(world, browser, spa);
    await browser.submit(consent, { decision: 'allow' });
    await getTokens(world, {}, browserOf(world));
    await logOut();
    expect(parties.calls.map(({ path }) => path).sort()).toEqual(['/spa', '/web']);
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'an administrator revokes everything',
      async () => await world.provider.subjects.revoke(ALICE.sub),
    ],
    ['an account is disabled', async () => await world.provider.subjects.disable(ALICE.sub)],
    ['an account is deleted', async () => await world.provider.subjects.delete(ALICE.sub)],
    [
      'one session is ended',
      async () => {
        const [session] = await world.provider.subjects.sessions(ALICE.sub);
        await world.provider.subjects.endSession(ALICE.sub, session?.sid ?? '');
      },
    ],
  ])('when %s', async (_, end) => {
    await getTokens(world, {}, browser);
    await end();
    await world.provider.deliver();
    expect(parties.calls).toHaveLength(1);
  });

  it('nobody when an application only loses its consent', async () => {
    await getTokens(world, {}, browser);
    await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId);
    await world.provider.deliver();
    expect(parties.calls).toEqual([]);
  });

  it('not an application that is gone, or that wants it no more', async () => {
    await getTokens(world, {}, browser);
    await world.provider.clients.update(world.web.clientId, {
      fields: { backchannel_logout_uri: null },
    });
    await logOut();
    expect([parties.calls, await world.provider.store.deliveries.nextDue()]).toEqual([[], null]);
    await start();
    await getTokens(world, {}, browser);
    await world.provider.clients.delete(world.web.clientId);
    await logOut();
    expect([parties.calls, await world.provider.store.deliveries.nextDue()]).toEqual([[], null]);
  });

  it('an application that does not listen costs no call of the store', async () => {
    await world.provider.clients.update(world.web.clientId, {
      fields: { backchannel_logout_uri: null },
    });
    const calls = watched(world.provider.store);
    await getTokens(world, {}, browser);
    expect(calls).not.toContain('sessions.join');
  });
});

describe('an application that does not answer well', () => {
  const due = async (): Promise<number | null> => {
    const next = await world.provider.store.deliveries.nextDue();
    return next === null ? null : next - world.now;
  };

  it('LO-05 is told again after 10 s, 1 min, 5 min and 30 min, and then it is reported', async () => {
    await getTokens(world, {}, browser);
    parties.answer = 500;
    await logOut();
    for (const [index, pause] of [10, 60, 300, 1800].entries()) {
      expect([await due(), parties.calls.length]).toEqual([pause, index + 1]);
      world.now += pause - 1;
      await world.provider.deliver();
      expect(parties.calls).toHaveLength(index + 1);
      world.now += 1;
      await world.provider.deliver();
    }
    expect([await due(), parties.calls.length]).toEqual([null, 5]);
    expect(world.events.at(-1)).toEqual({ type: 'delivery.failed', reason: 'status' });
    // Each token was made for its attempt.
    const times = await Promise.all(parties.calls.map((call) => claimsOf(tokenIn(call))['iat']));
    expect(new Set(times).size).toBe(5);
  });

  it('is told once it answers', async () => {
    await getTokens(world, {}, browser);
    parties.answer = 503;
    await logOut();
    parties.answer = 204;
    world.now += 10;
    await world.provider.deliver();
    expect([parties.calls.length, await due()]).toEqual([2, null]);
  });

  it.each([302, 400, 404])('LO-05 has not taken it when it answers %i', async (status) => {
    await getTokens(world, {}, browser);
    parties.answer = status;
    await logOut();
    expect([parties.calls.length, await due()]).toEqual([1, 10]);
  });

  it('LO-05 does not keep the user waiting', async () => {
    await getTokens(world, {}, browser);
    parties.answer = null;
    const page = await browser.open(world.provider.url('rp-initiated-logout'));
    const began = performance.now();
    await browser.submit(page, { decision: 'logout' });
    expect(performance.now() - began).toBeLessThan(1000);
    const left = await openAuthorize(world, browser, { prompt: 'none' });
    expect(left.leaves?.searchParams.get('error')).toBe('login_required');
  });

  it.each(['https://127.0.0.1/x', 'https://169.254.169.254/x', 'https://[::1]/x'])(
    'LO-05 OB-02 is not reached at %s, which the operator did not name',
    async (uri) => {
      await start({ allowOutbound: [] }, uri);
      await getTokens(world, {}, browser);
      await logOut();
      expect([parties.calls, await due()]).toEqual([[], 10]);
    },
  );
});

describe('what is lost', () => {
  it('nothing when a process ends: another takes over after half a minute', async () => {
    await getTokens(world, {}, browser);
    const { store } = world.provider;
    const session = (await store.sessions.listBySubject(ALICE.sub))[0];
    if (session === undefined) throw new Error('no session');
    await store.sessions.end(session, world.now, true, null);
    // A process took it, and ended.
    expect(await store.deliveries.claim(world.now, 10, world.now + 30)).toHaveLength(1);
    await world.provider.deliver();
    expect(parties.calls).toEqual([]);
    world.now += 30;
    await world.provider.deliver();
    expect(parties.calls).toHaveLength(1);
  });
});

describe('registration', () => {
  it.each([
    'x',
    'ftp://rp.example/',
    'http://rp.example/',
    'http://127.0.0.1:1/x',
    'https://rp.example/#x',
    'https://u:p@rp.example/',
    'https://rp.example/ x',
  ])('[Back-Channel Logout §2.2] %s is refused', async (uri) => {
    await expect(
      world.provider.clients.update(world.web.clientId, {
        fields: { backchannel_logout_uri: uri },
      }),
    ).rejects.toMatchObject({ name: 'ClientMetadataError' });
  });

  it('[Back-Channel Logout §2.1] MD-02 is announced', async () => {
    const url = new URL('/.well-known/openid-configuration', ISSUER);
    const { body } = await read(await world.provider.fetch(new Request(url)));
    expect(body).toMatchObject({
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      frontchannel_logout_supported: true,
      frontchannel_logout_session_supported: true,
    });
  });
});
