/** Authorization responses as a JWT (JARM). */
import { compactDecrypt, createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { formPost } from 'valetkey';
import { readForm, type ScriptedBrowser, type Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { encryptionJwks, pairFor } from '../encrypted-id-tokens/keys.ts';
import { expectErrorPage, expectRefusedRedirect } from '../refusals.ts';
import { allowAll, implicitWorld } from '../response-types/responses.ts';
import {
  allow,
  browserOf,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  pkce,
  read,
  redeem,
  type World,
  watched,
} from '../setup.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await implicitWorld();
  await allowAll(world, world.web);
  browser = browserOf(world);
});

/** The response in a query, a fragment or a form, and where it was. */
function wrappedIn(visit: Visit): [place: string, response: string] {
  const { leaves } = visit;
  if (leaves === null) {
    const { fields } = readForm(visit.html);
    expect(Object.keys(fields)).toEqual(['response']);
    return ['form_post', fields['response'] ?? ''];
  }
  const place = leaves.search === '' ? 'fragment' : 'query';
  const params = new URLSearchParams(place === 'query' ? leaves.search : leaves.hash.slice(1));
  // JARM §2.3.1: nothing stands beside it.
  expect([...params.keys()]).toEqual(['response']);
  return [place, params.get('response') ?? ''];
}

async function claimsIn(jwt: string, alg = 'RS256'): Promise<Record<string, unknown>> {
  const jwks = await read(
    await world.provider.fetch(new Request(`${ISSUER}/.well-known/jwks.json`)),
  );
  const { payload } = await jwtVerify(
    jwt,
    createLocalJWKSet(jwks.body as unknown as JSONWebKeySet),
    {
      issuer: ISSUER,
      audience: world.web.clientId,
      algorithms: [alg],
      currentDate: new Date(world.now * 1000),
    },
  );
  return payload;
}

async function ask(changes: Record<string, string>, proof = pkce()): Promise<Visit> {
  const page = await logIn(browser, await openAuthorize(world, browser, changes, proof));
  return await allow(browser, page);
}

describe('a response', () => {
  it.each([
    ['code', 'jwt', 'query'],
    ['code', 'query.jwt', 'query'],
    ['code', 'fragment.jwt', 'fragment'],
    ['code', 'form_post.jwt', 'form_post'],
    ['code id_token', 'jwt', 'fragment'],
    ['id_token token', 'jwt', 'fragment'],
    ['code id_token token', 'form_post.jwt', 'form_post'],
    ['none', 'jwt', 'query'],
  ])(
    '[JARM §2.3] [JARM §2.3.4] of %s in the mode %s is one JWT in %s',
    async (type, mode, place) => {
      const proof = pkce();
      const [where, jwt] = wrappedIn(
        await ask({ response_type: type, response_mode: mode }, proof),
      );
      expect(where).toBe(place);
      const claims = await claimsIn(jwt);
      expect(claims).toMatchObject({
        iss: ISSUER,
        aud: world.web.clientId,
        exp: world.now + 300,
        state: 'the-state',
      });
      const words = type.split(' ').map((word) => (word === 'token' ? 'access_token' : word));
      for (const word of words.filter((one) => one !== 'none'))
        expect(claims[word]).toMatch(/^[\w.-]+$/);
      if (words.includes('code'))
        expect((await redeem(world, String(claims['code']), proof.verifier)).status).toBe(200);
    },
  );

  it('[JARM §3] is signed as the client is registered', async () => {
    const fields = { authorization_signed_response_alg: 'ES256' };
    await world.provider.clients.update(world.web.clientId, { fields });
    const [, jwt] = wrappedIn(await ask({ response_mode: 'jwt' }));
    expect(await claimsIn(jwt, 'ES256')).toMatchObject({ state: 'the-state' });
  });

  it('[JARM §3] is encrypted for a client that is registered so', async () => {
    const fields = { authorization_encrypted_response_alg: 'ECDH-ES' };
    const jwks = encryptionJwks('ECDH-ES');
    await world.provider.clients.update(world.web.clientId, { jwks, fields });
    const [, jwe] = wrappedIn(await ask({ response_mode: 'jwt' }));
    const { plaintext } = await compactDecrypt(jwe, pairFor('ECDH-ES').privateKey);
    expect(await claimsIn(new TextDecoder().decode(plaintext))).toHaveProperty('code');
  });

  it('[OIDC Core §10.2] whose key is gone is not made, and nothing is stored for it', async () => {
    const fields = { authorization_encrypted_response_alg: 'ECDH-ES' };
    await world.provider.clients.update(world.web.clientId, {
      jwks: encryptionJwks('ECDH-ES'),
      fields,
    });
    const consent = await logIn(
      browser,
      await openAuthorize(world, browser, { response_mode: 'jwt' }),
    );
    const jwks = { keys: encryptionJwks('ECDH-ES').keys.slice(0, 1) };
    await world.provider.clients.update(world.web.clientId, { jwks });
    const calls = watched(world.provider.store);
    expectErrorPage(await allow(browser, consent), {
      status: 400,
      code: 'invalid_request',
      reason: 'encryption_key_missing',
    });
    expect(calls).not.toContain('codes.insert');
    expect(calls).not.toContain('authorizations.remember');
  });
});

describe('a refusal', () => {
  it.each([
    ['code', 'jwt', 'query'],
    ['id_token', 'jwt', 'fragment'],
    ['code', 'form_post.jwt', 'form_post'],
  ])('[JARM §2.3] of %s in the mode %s is a JWT as well', async (type, mode, place) => {
    const changes = { response_type: type, response_mode: mode, prompt: 'none' };
    const [where, jwt] = wrappedIn(await openAuthorize(world, browser, changes));
    expect(where).toBe(place);
    expect(await claimsIn(jwt)).toMatchObject({
      error: 'login_required',
      state: 'the-state',
      aud: world.web.clientId,
    });
  });

  it('[JARM §2.3.1] AZ-12 query.jwt carries no tokens: the refusal is in the fragment', async () => {
    const changes = { response_type: 'id_token', response_mode: 'query.jwt' };
    const visit = await openAuthorize(world, browser, changes);
    expectRefusedRedirect(world, visit, { error: 'invalid_request', reason: 'response_mode' });
    expect(visit.leaves?.search).toBe('');
  });

  it('that is for no client stays a page', async () => {
    const changes = { response_mode: 'jwt', redirect_uri: 'https://evil.example/' };
    expectErrorPage(await openAuthorize(world, browser, changes), {
      status: 400,
      code: 'invalid_request',
      reason: 'redirect_uri_mismatch',
    });
  });
});

it('[JARM §4] MD-02 is announced, and form_post.jwt only where form_post is', async () => {
  for (const enabled of [true, false]) {
    const { provider } = await makeWorld({ features: [formPost({ enabled })] });
    const url = new URL('/.well-known/openid-configuration', ISSUER);
    const { body } = await read(await provider.fetch(new Request(url)));
    const modes = body['response_modes_supported'] as readonly string[];
    expect(modes.includes('jwt') && modes.includes('query.jwt')).toBe(true);
    expect(modes.includes('form_post.jwt')).toBe(enabled);
    expect(body['authorization_signing_alg_values_supported']).toContain('RS256');
  }
});

it('[JARM §3] an algorithm that is not offered is not registered', async () => {
  for (const alg of ['none', 'ES512', 'x'])
    await expect(
      world.provider.clients.update(world.web.clientId, {
        fields: { authorization_signed_response_alg: alg },
      }),
    ).rejects.toMatchObject({ name: 'ClientMetadataError' });
});
