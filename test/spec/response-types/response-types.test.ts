/** Responses that carry tokens (OIDC Core §3.2, §3.3), in every response type. */
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { type IdTokenAlg, responseTypes, verifyIdToken } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage } from '../refusals.ts';
import {
  ALICE,
  allow,
  browserOf,
  claimsOf,
  decide,
  ISSUER,
  isActive,
  logIn,
  makeWorld,
  openAuthorize,
  pageOf,
  pkce,
  post,
  REDIRECT_URI,
  read,
  redeem,
  SIGNING_KEYS,
  type World,
} from '../setup.ts';
import { allowAll, half, implicitWorld, received, TYPES } from './responses.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await implicitWorld();
  await allowAll(world, world.web);
  browser = browserOf(world);
});

/** Login and consent, to the response. */
async function ask(
  changes: Readonly<Record<string, string | null>>,
  as: ScriptedBrowser = browser,
  proof = pkce(),
): Promise<Visit> {
  const visit = await logIn(as, await openAuthorize(world, as, changes, proof));
  return pageOf(visit) === 'consent' ? await allow(as, visit) : visit;
}

async function jwks(from: World = world): Promise<JSONWebKeySet> {
  const url = new URL('/.well-known/jwks.json', ISSUER);
  return (await read(await from.provider.fetch(new Request(url)))).body as never;
}

describe('a response', () => {
  it.each(
    TYPES.flatMap((type) => [
      [type, null] as const,
      [type, 'fragment'] as const,
      [type, 'form_post'] as const,
    ]),
  )(
    '[OIDC Core §3.2.2.5] [OIDC Core §3.3.2.5] [OAuth Multiple Response Types §5] of %s in the mode %s carries its parts, and nothing in a query',
    async (type, mode) => {
      const visit = await ask({ response_type: type, response_mode: mode });
      const answer = received(visit);
      const words = type.split(' ');
      const expected = [
        ...(words.includes('code') ? ['code'] : []),
        ...(words.includes('id_token') ? ['id_token'] : []),
        ...(words.includes('token') ? ['access_token', 'expires_in', 'scope', 'token_type'] : []),
        'iss',
        'state',
      ];
      expect([...answer.keys()].sort()).toEqual(expected.sort());
      expect([answer.get('state'), answer.get('iss')]).toEqual(['the-state', ISSUER]);
      expect(visit.leaves?.search ?? '').toBe('');
      if (words.includes('token'))
        expect([answer.get('token_type'), answer.get('expires_in'), answer.get('scope')]).toEqual([
          'Bearer',
          '900',
          'openid profile email',
        ]);
    },
  );

  it.each(TYPES.filter((type) => type.split(' ').includes('id_token')))(
    '[OIDC Core §3.2.2.10] [OIDC Core §3.3.2.11] of %s has an ID token with the hashes of what is beside it, and a record',
    async (type) => {
      const answer = received(await ask({ response_type: type }));
      const [code, accessToken] = [answer.get('code'), answer.get('access_token')];
      const idToken = answer.get('id_token') ?? '';
      const { payload } = await jwtVerify(idToken, createLocalJWKSet(await jwks()), {
        issuer: ISSUER,
        audience: world.web.clientId,
        algorithms: ['RS256'],
        currentDate: new Date(world.now * 1000),
      });
      expect(payload).toMatchObject({
        sub: ALICE.sub,
        nonce: 'the-nonce',
        auth_time: world.now,
        s_hash: half('the-state'),
      });
      expect(payload['c_hash']).toBe(code === null ? undefined : half(code));
      expect(payload['at_hash']).toBe(accessToken === null ? undefined : half(accessToken));
      const record = await world.provider.store.tokens.findIdToken(String(payload.jti));
      expect(record).toMatchObject({
        sub: ALICE.sub,
        clientId: world.web.clientId,
        scopes: ['openid', 'profile', 'email'],
        sid: payload['sid'],
        issuedAt: payload.iat,
        expiresAt: payload.exp,
      });
      expect(record?.accessTokenDigest === null).toBe(accessToken === null);
      const options = {
        issuer: ISSUER,
        clientId: world.web.clientId,
        jwks: await jwks(),
        now: world.now,
        nonce: 'the-nonce',
        state: 'the-state',
        ...(accessToken === null ? {} : { accessToken }),
        ...(code === null ? {} : { code }),
      };
      await verifyIdToken(idToken, options);
      for (const change of [{ code: 'x' }, { state: 'x' }])
        await expect(verifyIdToken(idToken, { ...options, ...change })).rejects.toMatchObject({
          problem: 'claim',
        });
    },
  );

  it('[OIDC Core §5.4] of id_token alone has the claims of the scopes in the ID token; no other has', async () => {
    const alone = claimsOf(received(await ask({ response_type: 'id_token' })).get('id_token'));
    expect(alone).toMatchObject({ name: 'Alice Example', email: 'alice@example.com' });
    for (const type of ['code id_token', 'id_token token', 'code id_token token']) {
      const next = await openAuthorize(world, browser, { response_type: type });
      expect(claimsOf(received(next).get('id_token'))).not.toHaveProperty('name');
    }
  });

  it('[OAuth Multiple Response Types §4] of none carries nothing, and the consent is remembered', async () => {
    const visit = await ask({ response_type: 'none' });
    expect([...(visit.leaves?.searchParams.keys() ?? [])].sort()).toEqual(['iss', 'state']);
    const again = await openAuthorize(world, browser, { response_type: 'none', prompt: 'none' });
    expect(again.leaves?.searchParams.get('error')).toBeNull();
  });

  it.each(['token code id_token', 'id_token code token', 'token id_token code'])(
    '[OAuth Multiple Response Types §3] is the same in the order %s',
    async (type) => {
      const answer = received(await ask({ response_type: type }));
      expect(['code', 'access_token', 'id_token'].every((name) => answer.has(name))).toBe(true);
    },
  );

  it.each<IdTokenAlg>(['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'])(
    '[OIDC Core §2] has an ID token signed with %s, for a client registered so',
    async (alg) => {
      world = await implicitWorld({ signingKeys: SIGNING_KEYS });
      const made = await world.provider.clients.create({
        name: alg,
        redirectUris: [REDIRECT_URI],
        grantTypes: ['openid-hybrid'],
        idTokenSignedResponseAlg: alg,
      });
      const changes = { client_id: made.client.clientId, response_type: 'code id_token token' };
      const answer = received(await ask(changes, browserOf(world)));
      await verifyIdToken(answer.get('id_token') ?? '', {
        issuer: ISSUER,
        clientId: made.client.clientId,
        alg,
        now: world.now,
        code: answer.get('code') ?? '',
        accessToken: answer.get('access_token') ?? '',
        ...(alg === 'HS256' ? { clientSecret: made.clientSecret ?? '' } : { jwks: await jwks() }),
      });
    },
  );
});

describe('what a response brings', () => {
  it.each(['code id_token', 'code token', 'code id_token token'])(
    '[OIDC Core §3.3.3] a code of %s is redeemed for tokens with the same subject',
    async (type) => {
      const proof = pkce();
      const answer = received(await ask({ response_type: type }, browser, proof));
      const tokens = await redeem(world, answer.get('code') ?? '', proof.verifier);
      expect(tokens.status).toBe(200);
      expect(claimsOf(tokens.body['id_token'])).toMatchObject({ sub: ALICE.sub, iss: ISSUER });
    },
  );

  it('[RFC6749 §4.2.2] an access token is good at userinfo, and there is no refresh token', async () => {
    const answer = received(await ask({ response_type: 'token' }));
    const headers = { authorization: `Bearer ${answer.get('access_token')}` };
    const { status, body } = await post(world, 'userinfo', {}, headers);
    expect([status, body['sub'], answer.has('refresh_token')]).toEqual([200, ALICE.sub, false]);
  });

  it('TK-11 an access token ends with the session, with the consent, and with the account', async () => {
    const ends = [
      async () =>
        await browser.submit(await browser.open(world.provider.url('rp-initiated-logout')), {
          decision: 'logout',
        }),
      async () => await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId),
      async () => await world.provider.subjects.revoke(ALICE.sub),
    ];
    for (const end of ends) {
      browser = browserOf(world);
      const token = received(await ask({ response_type: 'token' })).get('access_token') ?? '';
      expect(await isActive(world, token)).toBe(true);
      await end();
      expect(await isActive(world, token)).toBe(false);
    }
  });

  it('is told to operators: who got tokens, and for what', async () => {
    await ask({ response_type: 'id_token token' });
    const types = world.events.map(({ type }) => type);
    expect(types.filter((type) => type === 'tokens.issued')).toHaveLength(2);
    expect(types.filter((type) => type === 'authorization.granted')).toHaveLength(1);
  });
});

describe('one interaction', () => {
  it.each([...TYPES, 'none'])(
    'leads to one answer of %s, however often it is asked',
    async (type) => {
      await world.provider.clients.update(world.web.clientId, { codeLifetime: 10 });
      const consent = await logIn(
        browser,
        await openAuthorize(world, browser, { response_type: type }),
      );
      const goesOn = await decide(world, browser, consent, { decision: 'allow' });
      const [first, second] = [
        received(await browser.open(goesOn)),
        received(await browser.open(goesOn)),
      ];
      for (const name of ['code', 'access_token'])
        expect([name, second.get(name)]).toEqual([name, first.get(name)]);
      const claims = [first, second].map((one) => claimsOf(one.get('id_token') ?? 'a.e30.c'));
      expect(claims[1]).toEqual(claims[0]);
      world.now += 11;
      expectErrorPage(await browser.open(goesOn), {
        status: 400,
        code: 'invalid_request',
        reason: 'interaction_finished',
      });
      // What was withdrawn since does not come back by it, nor a minute later.
      world.now += 50;
      await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId);
      expect(pageOf(await browser.open(goesOn))).toBe('consent');
      const { store } = world.provider;
      expect(await store.authorizations.find(ALICE.sub, world.web.clientId)).toBeNull();
    },
  );

  it.each([...TYPES, 'none'])(
    'leads to nothing of %s once the consent was withdrawn',
    async (type) => {
      const consent = await logIn(
        browser,
        await openAuthorize(world, browser, { response_type: type }),
      );
      const goesOn = await decide(world, browser, consent, { decision: 'allow' });
      await browser.open(goesOn);
      await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId);
      expectErrorPage(await browser.open(goesOn), {
        status: 400,
        code: 'invalid_request',
        reason: 'interaction_finished',
      });
    },
  );

  it('that is asked twice at the same time gets one access token', async () => {
    const consent = await logIn(
      browser,
      await openAuthorize(world, browser, { response_type: 'id_token token' }),
    );
    const goesOn = await decide(world, browser, consent, { decision: 'allow' });
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const response = await world.provider.fetch(new Request(goesOn, { headers: { cookie } }));
        return new URLSearchParams(
          new URL(response.headers.get('location') ?? ISSUER).hash.slice(1),
        );
      }),
    );
    const tokens = new Set(answers.map((answer) => answer.get('access_token')));
    expect([tokens.size, tokens.has(null)]).toEqual([1, false]);
    expect(new Set(answers.map((answer) => claimsOf(answer.get('id_token'))['jti'])).size).toBe(1);
  });
});

describe('the session ends while the answer is made', () => {
  it.each(['token', 'id_token', 'code id_token token'])(
    '%s: nothing is issued, and the login page comes',
    async (response_type) => {
      const consent = await logIn(browser, await openAuthorize(world, browser, { response_type }));
      const goesOn = await decide(world, browser, consent, { decision: 'allow' });
      const { store } = world.provider;
      const { insert } = store.codes;
      // The logout of another tab comes between the code and its tokens.
      let isFirst = true;
      Object.assign(store.codes, {
        insert: async (...args: Parameters<typeof insert>) => {
          const outcome = await insert(...args);
          if (isFirst) {
            isFirst = false;
            await world.provider.subjects.revoke(ALICE.sub);
          }
          return outcome;
        },
      });
      const visit = await browser.open(goesOn);
      expect(visit.leaves).toBeNull();
      expect(visit.html).toContain('id="login-form"');
    },
  );
});

describe('discovery', () => {
  it.each([true, false])(
    '[OIDC Discovery §3] MD-02 tells the response types and the grant type implicit; access tokens in the address: %s',
    async (allowImplicit) => {
      const { provider } = await makeWorld({ features: [responseTypes({ allowImplicit })] });
      const url = new URL('/.well-known/openid-configuration', ISSUER);
      const { body } = await read(await provider.fetch(new Request(url)));
      const told = body['response_types_supported'] as readonly string[];
      expect(told).toEqual([
        'code',
        'id_token',
        'code id_token',
        'none',
        ...(allowImplicit ? ['token', 'id_token token', 'code token', 'code id_token token'] : []),
      ]);
      expect(body['grant_types_supported']).toContain('implicit');
      expect(body['grant_types_supported']).toContain('authorization_code');
    },
  );
});
