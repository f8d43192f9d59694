/**
 * Which authorization requests are refused: on a page as long as client and redirect_uri are not
 * proven, at the client from then on. More about redirect_uri stands in redirect-uri.test.ts.
 * Rules AZ.
 */

import { requestObjects } from 'valetkey';
import type { Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage, expectRefusedRedirect } from '../refusals.ts';
import {
  ALICE,
  allow,
  authorizeParams,
  authorizeUrl,
  browserOf,
  codeOf,
  logIn,
  makeWorld,
  openAuthorize,
  pkce,
  REDIRECT_URI,
  redeem,
  type World,
} from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
const ask = async (
  changes: Readonly<Record<string, string | null>> = {},
  extra = '',
): Promise<Visit> => {
  const params = authorizeParams(world, pkce().challenge, changes);
  return await browserOf(world).open(authorizeUrl(world, params) + extra);
};
const askByPost = async (body: string, query = ''): Promise<Visit> =>
  await browserOf(world).open(world.provider.url('authorize') + query, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
  });
const expectPage = async (
  visit: Promise<Visit>,
  reason: string,
  code = 'invalid_request',
): Promise<void> => expectErrorPage(await visit, { status: 400, code, reason });
const expectRedirect = async (
  visit: Promise<Visit>,
  error: string,
  reason: string,
): Promise<URLSearchParams> => {
  const seen = await visit;
  const received = expectRefusedRedirect(world, seen, { error, reason });
  expect(seen.leaves?.href.startsWith(`${REDIRECT_URI}?`), seen.leaves?.href).toBe(true);
  expect(world.events.at(-1)?.type).toBe('request.refused');
  return received;
};

describe('the client', () => {
  it('[RFC6749 §4.1.2.1] AZ-01 shows a page for an unknown client', () =>
    expectPage(ask({ client_id: 'nope', redirect_uri: 'https://evil.example' }), 'client_unknown'));
  it('[RFC6749 §4.1.2.1] AZ-01 shows a page for a request without client_id', () =>
    expectPage(ask({ client_id: null }), 'client_id_missing'));
  it('[RFC6749 §4.1.2.1] shows a page for a disabled client', async () => {
    await world.provider.clients.update(world.other.clientId, { disabled: true });
    await expectPage(
      ask({ client_id: world.other.clientId, redirect_uri: 'https://other.example/cb' }),
      'client_disabled',
      'unauthorized_client',
    );
  });
  it('[RFC6749 §3.1.1] refuses a client that may not use the response type', async () => {
    const { client } = await world.provider.clients.create({
      name: 'Machine',
      grantTypes: ['client_credentials'],
      redirectUris: ['https://machine.example/cb'],
    });
    const seen = await ask({
      client_id: client.clientId,
      redirect_uri: 'https://machine.example/cb',
    });
    expectRefusedRedirect(world, seen, {
      error: 'unauthorized_client',
      reason: 'response_type_not_allowed',
    });
  });
});

describe('parameters that cannot be read', () => {
  it.each(['client_id', 'redirect_uri'])(
    '[RFC6749 §3.1] AZ-08 shows a page for a repeated %s',
    (name) => expectPage(ask({}, `&${name}=${encodeURIComponent('x')}`), 'repeated_parameter'),
  );
  it.each(['%', '%zz', '%ff', '%c0%af', '%ed%a0%80'])(
    '[RFC6749 §3.1] IN-03 shows a page, never a 500, for the malformed encoding %s',
    (text) => expectPage(ask({}, `&foo=${text}`), 'malformed_encoding'),
  );
  it('[RFC6749 §3.1] IN-03 shows a page for a NUL character', () =>
    expectPage(ask({}, '&foo=%00'), 'control_character'));
  it('[RFC6749 §3.1] IN-01 shows a page for too many parameters', () =>
    expectPage(ask({}, '&a=1'.repeat(101)), 'too_many_parameters'));
  it('[RFC6749 §3.1] IN-01 shows a page for a value that is too long', () =>
    expectPage(ask({}, `&a=${'x'.repeat(8193)}`), 'parameter_too_long'));
  it('[RFC6749 §3.1] AZ-09 shows a page for a POST with a query', async () => {
    const body = authorizeParams(world, pkce().challenge).toString();
    await expectPage(askByPost(body, `?client_id=${world.web.clientId}`), 'query_and_body');
  });
  it('[RFC6749 §3.1] AZ-08 refuses a repeated state and does not echo it', async () => {
    const received = await expectRedirect(
      ask({}, '&state=second'),
      'invalid_request',
      'repeated_parameter',
    );
    expect(received.has('state')).toBe(false);
  });
  it('[RFC6749 §3.1] AZ-08 refuses a repeated scope', async () => {
    await expectRedirect(ask({}, '&scope=openid'), 'invalid_request', 'repeated_parameter');
  });
  it.each(['state', 'scope', 'nonce', 'prompt', 'display', 'claims', 'claims_locales'])(
    '[RFC6749 §3.1] AZ-08 refuses a repeated %s in a POST as well',
    async (name) => {
      const body = `${authorizeParams(world, pkce().challenge, { [name]: 'x' })}&${name}=y`;
      const received = await expectRedirect(
        askByPost(body),
        'invalid_request',
        'repeated_parameter',
      );
      expect(received.get('state')).toBe(name === 'state' ? null : 'the-state');
    },
  );
  it('refuses a state that is too long and does not echo it', async () => {
    const received = await expectRedirect(
      ask({ state: 's'.repeat(2049) }),
      'invalid_request',
      'state_too_long',
    );
    expect(received.has('state')).toBe(false);
  });
});

describe('values that are wrong or not supported', () => {
  it.each<[Record<string, string | null>, string, string]>([
    [{ response_type: null }, 'invalid_request', 'response_type_missing'],
    [{ response_type: '' }, 'invalid_request', 'response_type_missing'],
    [{ response_type: 'code code' }, 'unsupported_response_type', 'response_type'],
    [{ response_type: 'ticket' }, 'unsupported_response_type', 'response_type'],
    [{ response_mode: 'web_message' }, 'invalid_request', 'response_mode'],
    [{ scope: 'openid "' }, 'invalid_scope', 'malformed_scope'],
    [{ scope: 'admin' }, 'invalid_scope', 'scope_not_available'],
    [
      { scope: Array.from({ length: 101 }, (_, index) => `s${index}`).join(' ') },
      'invalid_scope',
      'too_many_scopes',
    ],
    [{ prompt: 'none login' }, 'invalid_request', 'prompt_none_combined'],
    [{ prompt: 'whatever' }, 'invalid_request', 'prompt'],
    [{ prompt: 'none' }, 'login_required', 'prompt_none'],
    [{ max_age: '-1' }, 'invalid_request', 'max_age'],
    [{ max_age: 'soon' }, 'invalid_request', 'max_age'],
    [{ request: 'a.b.c' }, 'invalid_request_object', 'request_object_malformed'],
    [{ request_uri: 'http://169.254.169.254/' }, 'request_uri_not_supported', 'request_uri'],
    [{ registration: '{}' }, 'registration_not_supported', 'registration'],
    [{ id_token_hint: 'a.b.c' }, 'invalid_request', 'id_token_hint'],
    [{ nonce: 'n'.repeat(2049) }, 'invalid_request', 'state_too_long'],
  ])(
    '[OIDC Core §3.1.2.6] [RFC6749 §3.3] [RFC9700 §2.1.2] AZ-11 AZ-12 AZ-18 AZ-19 refuses %o at the client',
    async (changes, error, reason) => {
      const received = await expectRedirect(ask(changes), error, reason);
      expect(received.get('state')).toBe('the-state');
    },
  );
  it.each([
    ['request', 'request_not_supported', 'request_object'],
    ['request_uri', 'request_uri_not_supported', 'request_uri'],
    ['registration', 'registration_not_supported', 'registration'],
  ])(
    '[OIDC Core §3.1.2.6] refuses %s in a POST by name where it is not supported',
    async (name, error, reason) => {
      world = await makeWorld({ features: [requestObjects({ enabled: false })] });
      const body = authorizeParams(world, pkce().challenge, { [name]: 'x' }).toString();
      await expectRedirect(askByPost(body), error, reason);
    },
  );
});

describe('the scope', () => {
  it('[RFC6749 §3.3] AZ-18 grants no scope that the client may not have, whatever it asks for', async () => {
    const proof = pkce();
    const browser = browserOf(world);
    await world.provider.clients.update(world.web.clientId, { scopes: ['openid', 'read'] });
    const login = await openAuthorize(world, browser, { scope: 'openid write profile' }, proof);
    const done = await allow(browser, await logIn(browser, login));
    const tokens = await redeem(world, codeOf(done) ?? '', proof.verifier);
    expect([tokens.status, tokens.body['scope']]).toEqual([200, 'openid']);
    expect(
      (await world.provider.store.authorizations.find(ALICE.sub, world.web.clientId))?.scopes,
    ).toEqual(['openid']);
    expectRefusedRedirect(world, await openAuthorize(world, browser, { scope: 'write' }), {
      error: 'invalid_scope',
      reason: 'scope_not_available',
    });
  });
});

describe('the method', () => {
  it.each(['HEAD', 'PUT', 'PATCH', 'DELETE'])(
    '[RFC9110 §15.5.6] IN-04 answers %s with 405 and Allow',
    async (method) => {
      const url = authorizeUrl(world, authorizeParams(world, pkce().challenge));
      const visit = await browserOf(world).open(url, { method });
      expectErrorPage(visit, {
        status: 405,
        code: 'invalid_request',
        reason: 'method_not_allowed',
      });
      expect(visit.headers.get('allow')).toBe('GET, POST');
    },
  );
});
