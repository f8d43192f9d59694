/** Pushed authorization requests (RFC 9126). Rules PR. */

import { type Artifact, defineFeature, pushedAuthorizationRequests } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { expectErrorPage, expectRefusal, expectRefusedRedirect } from '../refusals.ts';
import {
  type Answer,
  allow,
  authorizeParams,
  basic,
  browserOf,
  codeOf,
  ISSUER,
  logIn,
  makeWorld,
  pageOf,
  pkce,
  REDIRECT_URI,
  read,
  reasonOf,
  redeem,
  type World,
  watched,
} from '../setup.ts';

let world: World;
let browser: ScriptedBrowser;
let proof: ReturnType<typeof pkce>;
beforeEach(async () => {
  world = await makeWorld();
  browser = browserOf(world);
  proof = pkce();
});

type Fields = Readonly<Record<string, string | null>>;

const PATH = `${ISSUER}/o/par/`;
const push = async (
  changes: Fields = {},
  headers: Readonly<Record<string, string>> = {
    authorization: basic(world.web.clientId, world.webSecret),
  },
  method = 'POST',
): Promise<Answer> => {
  const body = authorizeParams(world, proof.challenge, changes).toString();
  const all = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
  const init = method === 'POST' ? { method, headers: all, body } : { method, headers: all };
  return await read(await world.provider.fetch(new Request(PATH, init), { ip: '192.0.2.1' }));
};

const pushed = async (changes: Fields = {}): Promise<string> => {
  const { status, body } = await push(changes);
  expect([status, body['expires_in']]).toEqual([201, 60]);
  return String(body['request_uri']);
};

const open = async (
  requestUri: string,
  more: Readonly<Record<string, string>> = {},
  by: ScriptedBrowser = browser,
): Promise<Visit> => {
  const params = { client_id: world.web.clientId, request_uri: requestUri, ...more };
  return await by.open(`${ISSUER}/o/authorize/?${new URLSearchParams(params)}`);
};

const expectUnusable = (visit: Visit, reason: string): void =>
  expectErrorPage(visit, { status: 400, code: 'invalid_request_uri', reason });

describe('pushing a request', () => {
  it.each<[changes: Fields, error: string, reason: string]>([
    [
      { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
      'invalid_request',
      'request_uri_pushed',
    ],
    [{ request_uri: '' }, 'invalid_request', 'request_uri_pushed'],
    [{ request: 'a.b.c' }, 'invalid_request_object', 'request_object_malformed'],
    [{ redirect_uri: 'https://evil.example/' }, 'invalid_request', 'redirect_uri_mismatch'],
    [{ response_type: 'token' }, 'unsupported_response_type', 'response_type'],
    [{ response_type: null }, 'invalid_request', 'response_type_missing'],
    [{ code_challenge: null }, 'invalid_request', 'code_challenge_missing'],
    [{ scope: 'admin' }, 'invalid_scope', 'scope_not_available'],
    [{ prompt: 'none login' }, 'invalid_request', 'prompt_none_combined'],
    [{ id_token_hint: 'x' }, 'invalid_request', 'id_token_hint'],
  ])('[RFC9126 §2.1] [RFC9126 §2.3] PR-07 refuses %o as JSON', async (changes, error, reason) => {
    const answer = await push(changes);
    expectRefusal(world, answer, { status: 400, error, reason });
    const { headers } = answer;
    expect([headers.get('location'), headers.get('cache-control')]).toEqual([null, 'no-store']);
  });
  it('[RFC9126 §2.1] PR-07 refuses a repeated parameter', async () => {
    const body = `${authorizeParams(world, proof.challenge)}&scope=openid`;
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: basic(world.web.clientId, world.webSecret),
    };
    const request = new Request(PATH, { method: 'POST', headers, body });
    expectRefusal(world, await read(await world.provider.fetch(request)), {
      status: 400,
      error: 'invalid_request',
      reason: 'repeated_parameter',
    });
  });
  it.each(['GET', 'PUT', 'HEAD'])('[RFC9126 §2] PR-07 answers %s with 405', async (method) => {
    const answer = await push({}, {}, method);
    expectRefusal(world, answer, {
      status: 405,
      error: 'invalid_request',
      reason: 'method_not_allowed',
    });
    expect(answer.headers.get('allow')).toBe('POST');
  });
  it('[RFC9126 §2] PR-07 refuses a client that does not prove itself, and one that asks in the name of another', async () => {
    const anonymous = await push({}, {});
    expectRefusal(world, anonymous, {
      status: 401,
      error: 'invalid_client',
      reason: 'client_authentication_method',
    });
    const other = await push({}, { authorization: basic(world.other.clientId, world.otherSecret) });
    expectRefusal(world, other, {
      status: 401,
      error: 'invalid_client',
      reason: 'client_id_mismatch',
    });
  });
  it('refuses parameters in the address, and a body that is no form', async () => {
    const headers = { authorization: basic(world.web.clientId, world.webSecret) };
    const inQuery = new Request(`${PATH}?${authorizeParams(world, proof.challenge)}`, {
      method: 'POST',
      headers,
    });
    expectRefusal(world, await read(await world.provider.fetch(inQuery)), {
      status: 400,
      error: 'invalid_request',
      reason: 'query_not_allowed',
    });
    const inJson = new Request(PATH, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{}',
    });
    expectRefusal(world, await read(await world.provider.fetch(inJson)), {
      status: 415,
      error: 'invalid_request',
      reason: 'content_type',
    });
  });
  it('[RFC9126 §2.1] limits how much a network may push for public clients', async () => {
    const publicRequests = { limit: 2, seconds: 60 };
    world = await makeWorld({ features: [pushedAuthorizationRequests({ publicRequests })] });
    const spa = { client_id: world.spa.clientId, redirect_uri: 'https://spa.example/cb' };
    for (let count = 0; count < 2; count += 1) expect((await push(spa, {})).status).toBe(201);
    expectRefusal(world, await push(spa, {}), {
      status: 429,
      error: 'invalid_request',
      reason: 'rate_limited',
    });
    expect((await push()).status).toBe(201);
  });
});

describe('where requests have to be pushed', () => {
  const plain = async (): Promise<Visit> =>
    await browser.open(`${ISSUER}/o/authorize/?${authorizeParams(world, proof.challenge)}`);
  it('[RFC9126 §6] PR-08 refuses other requests of a client that is registered so', async () => {
    const fields = { require_pushed_authorization_requests: true };
    await world.provider.clients.update(world.web.clientId, { fields });
    const visit = await plain();
    expectRefusedRedirect(world, visit, { error: 'invalid_request', reason: 'request_not_pushed' });
    expect(pageOf(await open(await pushed()))).toBe('login');
  });
  it('[RFC9126 §5] PR-08 refuses other requests of every client where the server says so, in discovery too', async () => {
    const metadata = async (): Promise<Record<string, unknown>> =>
      (
        await read(
          await world.provider.fetch(new Request(`${ISSUER}/.well-known/openid-configuration`)),
        )
      ).body;
    expect(await metadata()).toMatchObject({
      pushed_authorization_request_endpoint: PATH,
      require_pushed_authorization_requests: false,
      request_uri_parameter_supported: false,
    });
    world = await makeWorld({ features: [pushedAuthorizationRequests({ required: true })] });
    browser = browserOf(world);
    expect(await metadata()).toMatchObject({ require_pushed_authorization_requests: true });
    expectRefusedRedirect(world, await plain(), {
      error: 'invalid_request',
      reason: 'request_not_pushed',
    });
    expect(pageOf(await open(await pushed()))).toBe('login');
  });
});

describe('a request_uri', () => {
  it('[RFC9126 §4] PK-10 leads to a code with the parameters that were pushed, and with no others', async () => {
    const login = await open(await pushed(), {
      scope: 'openid write',
      state: 'outer',
      prompt: 'none',
      code_challenge: 'B'.repeat(43),
      code_challenge_method: 'plain',
    });
    const consent = await logIn(browser, login);
    expect([pageOf(login), pageOf(consent)]).toEqual(['login', 'consent']);
    expect(consent.html).not.toContain('Change your things');
    const done = await allow(browser, consent);
    expect(done.leaves?.searchParams.get('state')).toBe('the-state');
    const answer = await redeem(world, codeOf(done) ?? '', proof.verifier);
    expect([answer.status, answer.body['scope']]).toEqual([200, 'openid profile email']);
  });
  it('[RFC9126 §4] PR-06 is refused for a client that was deleted and registered anew', async () => {
    const requestUri = await pushed();
    const { clients } = world.provider;
    const { clientId } = world.web;
    await clients.delete(clientId);
    world.now += 1;
    const again = { name: 'Again', redirectUris: [REDIRECT_URI] };
    await clients.create(again, { clientId, clientSecret: world.webSecret });
    expectUnusable(await open(requestUri), 'request_uri_foreign');
  });
  it('[RFC9126 §4] PR-05 is used once by response types of a host as well', async () => {
    const ticket: Artifact = {
      name: 'ticket',
      make: async () => ({ outcome: 'made', parameters: { ticket: 'x' } }),
    };
    const responseTypes = [{ name: 'ticket', artifacts: ['ticket'] }];
    const feature = defineFeature({
      name: 'tickets',
      description: 'Tickets',
      options: {},
      create: () => ({ artifacts: [ticket], responseTypes }),
    });
    world = await makeWorld({ features: [feature()] });
    browser = browserOf(world);
    const own = { responseTypes: ['code', 'ticket'], skipConsent: true };
    await world.provider.clients.update(world.web.clientId, own);
    const requestUri = await pushed({ response_type: 'ticket' });
    const done = await logIn(browser, await open(requestUri));
    expect(done.leaves?.searchParams.get('ticket')).toBe('x');
    expectUnusable(await open(requestUri), 'request_uri_used');
  });
  it('[RFC9126 §2.2] is random, of 256 bits, and leaves nothing usable in the store', async () => {
    const calls: unknown[] = [];
    const { oneTime } = world.provider.store;
    const { put } = oneTime;
    Object.assign(oneTime, {
      put: async (record: never) => {
        calls.push(record);
        return await put(record);
      },
    });
    const first = await pushed();
    expect(first).toMatch(/^urn:ietf:params:oauth:request_uri:vkpr_[\w-]{49}$/);
    expect(await pushed()).not.toBe(first);
    expect(calls).toHaveLength(2);
    const kept = JSON.stringify(calls);
    for (const secret of [first.split(':').at(-1) ?? '', 'rp.example', 'the-state'])
      expect(kept).not.toContain(secret);
  });
  it('[OIDC Core §3.1.2.1] may be posted', async () => {
    const body = new URLSearchParams({
      client_id: world.web.clientId,
      request_uri: await pushed(),
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const visit = await browser.open(`${ISSUER}/o/authorize/`, { method: 'POST', headers, body });
    expect(codeOf(await allow(browser, await logIn(browser, visit)))).toMatch(/^vkac_/);
  });
  it('PR-09 shows the browser nothing of what was pushed', async () => {
    const uri = await pushed({ state: 'a-state-nobody-sees', nonce: 'a-nonce-nobody-sees' });
    const params = new URLSearchParams({ client_id: world.web.clientId, request_uri: uri });
    const response = await world.provider.fetch(new Request(`${ISSUER}/o/authorize/?${params}`));
    const seen = JSON.stringify([...response.headers]) + (await response.text());
    expect(seen).not.toMatch(/nobody-sees|rp\.example/);
    expect((await open(uri)).html).not.toMatch(/nobody-sees/);
  });
  it('costs one call to the store for pushing, and one more than a request in the address', async () => {
    await allow(browser, await logIn(browser, await open(await pushed())));
    const calls = watched(world.provider.store);
    const uri = await pushed();
    await open(uri);
    expect(calls.filter((call) => call !== 'audit.append')).toEqual([
      'oneTime.put',
      'oneTime.find',
      'sessions.findFor',
      'codes.insert',
    ]);
  });
});

describe('a request_uri that is opened again, or late', () => {
  it('[RFC9126 §4] PR-06 is good until somebody has signed in', async () => {
    const uri = await pushed();
    await open(uri);
    const again = await open(uri);
    expect(pageOf(again)).toBe('login');
    const done = await allow(browser, await logIn(browser, again));
    expect(codeOf(done)).toMatch(/^vkac_/);
  });
  it('[RFC9126 §4] PR-05 leads to one code, though it was opened on two pages', async () => {
    const uri = await pushed();
    const other = browserOf(world);
    const pages = await Promise.all(
      [browser, other].map(
        async (one) => [one, await logIn(one, await open(uri, {}, one))] as const,
      ),
    );
    const done = await Promise.all(pages.map(async ([one, consent]) => await allow(one, consent)));
    expect(done.filter((visit) => codeOf(visit) !== null)).toHaveLength(1);
    expect(done.map(reasonOf).filter((reason) => reason !== '')).toEqual(['request_consumed']);
  });
  it('[RFC9126 §4] PR-05 is refused after the code that it led to, also when no page was shown', async () => {
    const uri = await pushed();
    const consent = await logIn(browser, await open(uri));
    const done = await allow(browser, consent);
    expect(codeOf(done)).not.toBeNull();
    expectUnusable(await open(uri), 'request_uri_used');
    const silent = await pushed({ prompt: 'none' });
    expect(codeOf(await open(silent))).toMatch(/^vkac_/);
    expectUnusable(await open(silent), 'request_uri_used');
  });
  it('[RFC9126 §4] PR-05 is refused after a refusal that answered it', async () => {
    const silent = await pushed({ prompt: 'none' });
    expectRefusedRedirect(world, await open(silent), {
      error: 'login_required',
      reason: 'prompt_none',
    });
    expectUnusable(await open(silent), 'request_uri_used');
    const declined = await pushed();
    const consent = await logIn(browser, await open(declined));
    const no = await browser.submit(consent, { decision: 'deny' });
    expectRefusedRedirect(world, no, { error: 'access_denied', reason: 'user_declined' });
    expectUnusable(await open(declined), 'request_uri_used');
  });
  it('S-2 leads to one code for a double click', async () => {
    const consent = await logIn(browser, await open(await pushed()));
    const [one, two] = await Promise.all([allow(browser, consent), allow(browser, consent)]);
    expect(codeOf(one)).toMatch(/^vkac_/);
    expect(codeOf(two)).toBe(codeOf(one));
  });
  it('[RFC9126 §2.2] PR-05 is refused when it is opened after 60 s, but not when the sign-in takes longer', async () => {
    const [slow, late] = [await pushed(), await pushed()];
    world.now += 59;
    const login = await open(slow);
    world.now += 1;
    expectUnusable(await open(late), 'request_uri_expired');
    world.now += 1800;
    const done = await allow(browser, await logIn(browser, login));
    expect(codeOf(done)).toMatch(/^vkac_/);
    expectUnusable(await open(slow), 'request_uri_expired');
  });
  it('[RFC9126 §2.2] PR-05 is refused on a page that was left open for longer than any other', async () => {
    const login = await open(await pushed());
    world.now += 3700;
    expectUnusable(await logIn(browser, login), 'request_uri_expired');
  });
});

describe('a request_uri that is refused', () => {
  it.each<[what: string, uri: (good: string) => string, client: () => string, reason: string]>([
    ['that of another client', (good) => good, () => world.other.clientId, 'request_uri_foreign'],
    [
      'a guess',
      () => `urn:ietf:params:oauth:request_uri:vkpr_${'x'.repeat(49)}`,
      () => world.web.clientId,
      'request_uri_unknown',
    ],
    ['a damaged one', (good) => `${good}x`, () => world.web.clientId, 'request_uri_unknown'],
  ])('[RFC9126 §4] PR-05 shows a page for %s', async (_what, uri, client, reason) => {
    const params = new URLSearchParams({ client_id: client(), request_uri: uri(await pushed()) });
    expectUnusable(await browser.open(`${ISSUER}/o/authorize/?${params}`), reason);
  });
  it('[RFC9126 §4] shows a page without client_id', async () => {
    const params = new URLSearchParams({ request_uri: await pushed() });
    const visit = await browser.open(`${ISSUER}/o/authorize/?${params}`);
    expectErrorPage(visit, { status: 400, code: 'invalid_request', reason: 'missing_parameter' });
  });
  it.each([
    'https://rp.example/request.jwt',
    'http://169.254.169.254/',
    'file:///etc/passwd',
    `${ISSUER}/o/token/`,
    'urn:example:other',
  ])('PR-04 is never fetched when it is of another kind: %s', async (uri) => {
    const more = { redirect_uri: REDIRECT_URI, response_type: 'code' };
    const fetched = vi.spyOn(globalThis, 'fetch');
    const visit = await open(uri, more);
    const fetches = [...fetched.mock.calls];
    fetched.mockRestore();
    expect(fetches).toEqual([]);
    expectRefusedRedirect(world, visit, {
      error: 'request_uri_not_supported',
      reason: 'request_uri',
    });
  });
});
