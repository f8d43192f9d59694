/** Request objects by value (OIDC Core §6.1, RFC 9101). Rules PR-01 to PR-03. */
import { pushedAuthorizationRequests } from 'valetkey';
import type { ScriptedBrowser } from 'valetkey/testing';
import { readForm } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage, expectRefusal, expectRefusedRedirect } from '../refusals.ts';
import {
  allow,
  basic,
  browserOf,
  claimsOf,
  codeOf,
  logIn,
  openAuthorize,
  pageOf,
  paramOf,
  pkce,
  read,
  redeem,
  type World,
} from '../setup.ts';
import { carrying, claimsOfRequest, keyedWorld, OTHER, signed, unsigned } from './objects.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await keyedWorld();
  browser = browserOf(world);
});

describe('a good request object', () => {
  it('[OIDC Core §6.1] [RFC9101 §5] PR-02 is the whole request; what stands beside it does not count', async () => {
    const proof = pkce();
    const inside = {
      code_challenge: proof.challenge,
      max_age: 5000,
      claims: { id_token: { name: null } },
    };
    const beside = {
      scope: 'openid write',
      state: 'outside',
      nonce: 'outside',
      response_type: 'code',
    };
    const url = carrying(world, await signed(claimsOfRequest(world, inside)), beside);
    const consent = await logIn(browser, await browser.open(url));
    expect(consent.html).toContain('Read your things');
    expect(consent.html).not.toContain('Change your things');
    const done = await allow(browser, consent);
    expect(paramOf(done, 'state')).toBe('inside');
    const { body } = await redeem(world, codeOf(done) ?? '', proof.verifier);
    expect(body['scope']).toBe('openid read');
    expect(claimsOf(body['id_token'])).toMatchObject({
      nonce: 'inside-nonce',
      name: 'Alice Example',
    });
  });

  it.each<[string, object, object]>([
    ['without a type', {}, {}],
    ['of the type JWT', { typ: 'JWT' }, {}],
    ['of its own type', { typ: 'oauth-authz-req+jwt' }, {}],
    ['without a key id', { kid: undefined }, {}],
    ['without iss and aud', {}, { iss: undefined, aud: undefined }],
    ['with a list as aud', {}, { aud: ['https://other.example', 'https://op.example'] }],
    ['that ends soon', {}, { exp: 1_800_000_060, nbf: 1_800_000_000, iat: 1_800_000_000 }],
    ['without client_id', {}, { client_id: undefined }],
  ])('[RFC9101 §4] PR-01 PR-03 %s is taken', async (_, header, claims) => {
    const object = await signed(claimsOfRequest(world, claims), header);
    expect(pageOf(await browser.open(carrying(world, object)))).toBe('login');
  });

  it('that ends while somebody signs in still counts', async () => {
    const object = await signed(claimsOfRequest(world, { exp: world.now + 60 }));
    const login = await browser.open(carrying(world, object));
    world.now += 300;
    expect(codeOf(await allow(browser, await logIn(browser, login)))).not.toBeNull();
  });

  it('[OIDC Core §3.1.2.1] comes by POST as well', async () => {
    const body = new URLSearchParams({
      client_id: world.web.clientId,
      request: await signed(claimsOfRequest(world)),
    });
    const request = new Request(world.provider.url('authorize'), { method: 'POST', body });
    const answer = await world.provider.fetch(request);
    expect(pageOf(await browser.open(answer.headers.get('location') ?? ''))).toBe('login');
  });

  it('[RFC9126 §3] can be pushed', async () => {
    const push = async (request: string) =>
      await read(
        await world.provider.fetch(
          new Request(world.provider.url('pushed-authorization-request'), {
            method: 'POST',
            headers: { authorization: basic(world.web.clientId, world.webSecret) },
            body: new URLSearchParams({ request, scope: 'openid write' }),
          }),
        ),
      );
    const { status, body } = await push(await signed(claimsOfRequest(world)));
    expect(status).toBe(201);
    const params = { client_id: world.web.clientId, request_uri: String(body['request_uri']) };
    const login = await browser.open(
      `${world.provider.url('authorize')}?${new URLSearchParams(params)}`,
    );
    const done = await allow(browser, await logIn(browser, login));
    expect(paramOf(done, 'state')).toBe('inside');
    // PR-01 holds there as well.
    const forged = await push(await signed(claimsOfRequest(world), {}, OTHER.privateKey));
    expectRefusal(world, forged, {
      status: 400,
      error: 'invalid_request_object',
      reason: 'request_object_signature',
    });
  });
});

describe('a bad request object', () => {
  const redirected = async (object: string, reason: string, error = 'invalid_request_object') =>
    expectRefusedRedirect(world, await browser.open(carrying(world, object)), { error, reason });

  it.each<[string, reason: string, object, object]>([
    ['another issuer', 'request_object_issuer', { iss: 'somebody' }, {}],
    ['another audience', 'request_object_audience', { aud: 'https://other.example' }, {}],
    ['PR-02 another client_id', 'request_object_claim', { client_id: 'other' }, {}],
    ['[RFC9101 §10.8] the client_id as subject', 'request_object_claim', { sub: 'SELF' }, {}],
    ['another request inside', 'request_object_claim', { request: 'x' }, {}],
    ['a request_uri inside', 'request_object_claim', { request_uri: 'https://rp.example/r' }, {}],
    ['an end that has passed', 'request_object_expired', { exp: 1_799_999_969 }, {}],
    ['an end that is no number', 'request_object_claim', { exp: 'soon' }, {}],
    ['a beginning to come', 'request_object_not_yet_valid', { nbf: 1_800_000_100 }, {}],
    ['the type of another JWT', 'request_object_type', {}, { typ: 'client-authentication+jwt' }],
    ['an unknown key id', 'request_object_unknown_key', {}, { kid: 'other' }],
  ])('[RFC9101 §6.2] PR-01 PR-03 with %s is refused', async (_, reason, claims, header) => {
    const sub = 'sub' in claims ? { sub: world.web.clientId } : {};
    const object = await signed(claimsOfRequest(world, { ...claims, ...sub }), header);
    const received = await redirected(object, reason);
    expect(received.get('state')).toBe('inside');
  });

  it('[RFC9101 §6.2] PR-01 signed by somebody else, or not as registered, is refused', async () => {
    const claims = claimsOfRequest(world);
    await redirected(await signed(claims, {}, OTHER.privateKey), 'request_object_signature');
    world = await keyedWorld({}, { request_object_signing_alg: 'PS256' });
    browser = browserOf(world);
    await redirected(await signed(claimsOfRequest(world)), 'request_object_algorithm');
    await redirected(unsigned(claimsOfRequest(world)), 'request_object_algorithm');
  });

  it('[OIDC Core §6.1] PR-01 unsigned is refused by name, with the state and in the mode that it has', async () => {
    for (const mode of ['query', 'fragment']) {
      const object = unsigned(claimsOfRequest(world, { response_mode: mode }));
      const visit = await browser.open(carrying(world, object));
      const received = expectRefusedRedirect(world, visit, {
        error: 'request_not_supported',
        reason: 'request_object_unsigned',
      });
      expect([received.get('state'), visit.leaves?.search === '']).toEqual([
        'inside',
        mode === 'fragment',
      ]);
    }
    const posted = unsigned(claimsOfRequest(world, { response_mode: 'form_post' }));
    const { fields } = readForm((await browser.open(carrying(world, posted))).html);
    expect([fields['error'], fields['state']]).toEqual(['request_not_supported', 'inside']);
  });

  it('[OIDC Core §3.1.2.1] AZ-01 without a redirect URI, or with one that is not registered, is a page', async () => {
    for (const [redirect_uri, reason] of [
      [undefined, 'redirect_uri_missing'],
      ['https://evil.example/', 'redirect_uri_mismatch'],
    ] as const) {
      const claims = claimsOfRequest(world, { redirect_uri, scope: 'read' });
      for (const object of [await signed(claims), unsigned(claims)]) {
        const beside = { redirect_uri: 'https://rp.example/cb' };
        expectErrorPage(await browser.open(carrying(world, object, beside)), {
          status: 400,
          code: 'invalid_request',
          reason,
        });
      }
    }
  });

  it.each(['a.b.c', 'x', 'e30.e30.e30', `${'a'.repeat(8000)}`])(
    '[RFC9101 §6.2] IN-03 %.20s is refused where the parameters beside it say',
    async (text) => {
      const beside = { redirect_uri: 'https://rp.example/cb', response_type: 'code', state: 's' };
      const visit = await browser.open(carrying(world, text, beside));
      const received = expectRefusedRedirect(world, visit, {
        error: 'invalid_request_object',
        reason: 'request_object_malformed',
      });
      expect(received.get('state')).toBe('s');
      const page = await browser.open(carrying(world, text));
      expect([page.leaves, page.status]).toEqual([null, 400]);
    },
  );

  it('IN-02 IN-03 values that no parameter can have are refused', async () => {
    const beside = { redirect_uri: 'https://rp.example/cb', response_type: 'code' };
    for (const state of ['a\0b', 'x'.repeat(9000)]) {
      const object = await signed(claimsOfRequest(world, { state }));
      const tooLong = state.length > 8192;
      const visit = await browser.open(carrying(world, object, beside));
      if (tooLong) expect([visit.leaves, visit.status]).toEqual([null, 400]);
      else
        expectRefusedRedirect(world, visit, {
          error: 'invalid_request_object',
          reason: 'request_object_parameter',
        });
    }
    const odd = claimsOfRequest(world, { scope: ['openid'], toString: 'x' });
    const visit = await browser.open(carrying(world, await signed(odd)));
    expectRefusedRedirect(world, visit, { error: 'invalid_scope', reason: 'malformed_scope' });
  });

  it('of a client without keys names what to do', async () => {
    await world.provider.clients.update(world.web.clientId, { jwks: null });
    await redirected(await signed(claimsOfRequest(world)), 'request_object_unknown_key');
  });

  it('of a client whose keys cannot be read says so', async () => {
    const jwksUri = 'https://127.0.0.1/jwks';
    await world.provider.clients.update(world.web.clientId, { jwks: null, jwksUri });
    await redirected(await signed(claimsOfRequest(world)), 'request_object_keys_unavailable');
  });

  it('of an unknown client is a page', async () => {
    const url = carrying(world, await signed(claimsOfRequest(world)), { client_id: 'nobody' });
    const visit = await browser.open(url);
    expect([visit.leaves, visit.status]).toEqual([null, 400]);
  });
});

describe('require_signed_request_object', () => {
  const refused = { error: 'invalid_request', reason: 'request_not_signed' };
  beforeEach(async () => {
    world = await keyedWorld(
      { features: [pushedAuthorizationRequests()] },
      { require_signed_request_object: true },
    );
    browser = browserOf(world);
  });

  it('[RFC9101 §10.5] refuses plain requests, and takes signed ones to the end', async () => {
    expectRefusedRedirect(world, await openAuthorize(world, browser), refused);
    const login = await browser.open(carrying(world, await signed(claimsOfRequest(world))));
    expect(codeOf(await allow(browser, await logIn(browser, login)))).not.toBeNull();
  });

  it('[RFC9101 §10.5] holds for pushed requests', async () => {
    for (const request of [null, await signed(claimsOfRequest(world))]) {
      const claims = claimsOfRequest(world) as Record<string, string>;
      const answer = await read(
        await world.provider.fetch(
          new Request(world.provider.url('pushed-authorization-request'), {
            method: 'POST',
            headers: { authorization: basic(world.web.clientId, world.webSecret) },
            body: new URLSearchParams(request === null ? claims : { request }),
          }),
        ),
      );
      if (request === null) expectRefusal(world, answer, { status: 400, ...refused });
      else {
        const params = {
          client_id: world.web.clientId,
          request_uri: String(answer.body['request_uri']),
        };
        const url = `${world.provider.url('authorize')}?${new URLSearchParams(params)}`;
        expect(pageOf(await browser.open(url))).toBe('login');
      }
    }
  });
});
