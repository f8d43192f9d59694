/** Pushed authorization requests (RFC 9126). */
import { pushedAuthorizationRequests } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
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
} from './setup.ts';

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
const refused = (visit: Visit): readonly unknown[] => [
  visit.leaves,
  visit.status,
  /id="error-code"[^>]*>([^<]*)</.exec(visit.html)?.[1],
  reasonOf(visit),
];
const page = (reason: string): readonly unknown[] => [null, 400, 'invalid_request_uri', reason];

describe('what is not taken', () => {
  it.each<[changes: Fields, error: string, reason: string]>([
    [
      { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
      'invalid_request',
      'request_uri_pushed',
    ],
    [{ request_uri: '' }, 'invalid_request', 'request_uri_pushed'],
    [{ request: 'a.b.c' }, 'request_not_supported', 'request_object'],
    [{ redirect_uri: 'https://evil.example/' }, 'invalid_request', 'redirect_uri_mismatch'],
    [{ response_type: 'token' }, 'unsupported_response_type', 'response_type'],
    [{ response_type: null }, 'invalid_request', 'response_type_missing'],
    [{ code_challenge: null }, 'invalid_request', 'code_challenge_missing'],
    [{ scope: 'admin' }, 'invalid_scope', 'scope_not_available'],
    [{ prompt: 'none login' }, 'invalid_request', 'prompt_none_combined'],
    [{ id_token_hint: 'x' }, 'invalid_request', 'id_token_hint'],
  ])(
    '[RFC9126 §2.1] [RFC9126 §2.3] PR-07 %o is refused as JSON',
    async (changes, error, reason) => {
      const { status, body, headers } = await push(changes);
      expect([status, body['error'], world.reasons.at(-1)]).toEqual([400, error, reason]);
      expect([headers.get('location'), headers.get('cache-control')]).toEqual([null, 'no-store']);
    },
  );
  it('[RFC9126 §2.1] PR-07 a repeated parameter is refused', async () => {
    const body = `${authorizeParams(world, proof.challenge)}&scope=openid`;
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: basic(world.web.clientId, world.webSecret),
    };
    await world.provider.fetch(new Request(PATH, { method: 'POST', headers, body }));
    expect(world.reasons.at(-1)).toBe('repeated_parameter');
  });
  it.each(['GET', 'PUT', 'HEAD'])('[RFC9126 §2] PR-07 %s is 405', async (method) => {
    const { status, headers } = await push({}, {}, method);
    expect([status, headers.get('allow')]).toEqual([405, 'POST']);
  });
  it('[RFC9126 §2] PR-07 of a client that does not prove itself, nor in the name of another one', async () => {
    const anonymous = await push({}, {});
    expect([anonymous.status, anonymous.body['error'], world.reasons.at(-1)]).toEqual([
      401,
      'invalid_client',
      'client_authentication_method',
    ]);
    const other = await push({}, { authorization: basic(world.other.clientId, world.otherSecret) });
    expect([other.status, other.body['error']]).toEqual([401, 'invalid_client']);
  });
  it('parameters in the address, or a body of another kind', async () => {
    const headers = { authorization: basic(world.web.clientId, world.webSecret) };
    const inQuery = new Request(`${PATH}?${authorizeParams(world, proof.challenge)}`, {
      method: 'POST',
      headers,
    });
    await world.provider.fetch(inQuery);
    expect(world.reasons.at(-1)).toBe('query_not_allowed');
    const inJson = new Request(PATH, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{}',
    });
    expect((await world.provider.fetch(inJson)).status).toBe(415);
  });
  it('[RFC9126 §2.1] of public clients more than their network may push', async () => {
    const publicRequests = { limit: 2, seconds: 60 };
    world = await makeWorld({ features: [pushedAuthorizationRequests({ publicRequests })] });
    const spa = { client_id: world.spa.clientId, redirect_uri: 'https://spa.example/cb' };
    const statuses = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await push(spa, {})).status);
    expect([statuses, world.reasons.at(-1)]).toEqual([[201, 201, 429], 'rate_limited']);
    expect((await push()).status).toBe(201);
  });
});

describe('a request_uri', () => {
  it('[RFC9126 §4] leads to login, consent and a code, with the parameters that were pushed and no others', async () => {
    const login = await open(await pushed(), {
      scope: 'openid write',
      state: 'outer',
      prompt: 'none',
    });
    const consent = await logIn(browser, login);
    expect([pageOf(login), pageOf(consent)]).toEqual(['login', 'consent']);
    expect(consent.html).not.toContain('Change your things');
    const done = await allow(browser, consent);
    expect(done.leaves?.searchParams.get('state')).toBe('the-state');
    const answer = await redeem(world, codeOf(done) ?? '', proof.verifier);
    expect([answer.status, answer.body['scope']]).toEqual([200, 'openid profile email']);
  });
  it('[RFC9126 §2.2] is random, of 256 bits, and nothing usable rests in the store', async () => {
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
    const kept = JSON.stringify(calls);
    for (const secret of [first.split(':').at(-1) ?? '', 'rp.example', 'the-state'])
      expect(kept).not.toContain(secret);
  });
  it('[RFC9126 §4] PR-06 may be opened again before anybody signed in', async () => {
    const uri = await pushed();
    await open(uri);
    const again = await open(uri);
    expect(pageOf(again)).toBe('login');
    const done = await allow(browser, await logIn(browser, again));
    expect(codeOf(done)).toMatch(/^vkac_/);
  });
  it('[RFC9126 §4] PR-05 of two pages that it led to one gets a code', async () => {
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
  it('[RFC9126 §2.2] PR-05 expires for who takes it up too late, not for who signs in slowly', async () => {
    const [slow, late] = [await pushed(), await pushed()];
    world.now += 59;
    const login = await open(slow);
    world.now += 1;
    expect(refused(await open(late))).toEqual(page('request_uri_expired'));
    world.now += 1800;
    const done = await allow(browser, await logIn(browser, login));
    expect(codeOf(done)).toMatch(/^vkac_/);
    expect(refused(await open(slow))).toEqual(page('request_uri_expired'));
  });
  it('[RFC9126 §2.2] PR-05 is gone for a page that was left open for longer than any other', async () => {
    const login = await open(await pushed());
    world.now += 3700;
    expect(refused(await logIn(browser, login))).toEqual(page('request_uri_expired'));
  });
  it('[RFC9126 §4] PR-05 dies with the code it led to, also on the silent path', async () => {
    const uri = await pushed();
    const consent = await logIn(browser, await open(uri));
    const done = await allow(browser, consent);
    expect(codeOf(done)).not.toBeNull();
    expect(refused(await open(uri))).toEqual(page('request_uri_used'));
    const silent = await pushed({ prompt: 'none' });
    expect(codeOf(await open(silent))).toMatch(/^vkac_/);
    expect(refused(await open(silent))).toEqual(page('request_uri_used'));
  });
  it('[RFC9126 §4] PR-05 dies with a refusal that answered it', async () => {
    const silent = await pushed({ prompt: 'none' });
    expect((await open(silent)).leaves?.searchParams.get('error')).toBe('login_required');
    expect(refused(await open(silent))).toEqual(page('request_uri_used'));
    const declined = await pushed();
    const consent = await logIn(browser, await open(declined));
    const no = await browser.submit(consent, { decision: 'deny' });
    expect(no.leaves?.searchParams.get('error')).toBe('access_denied');
    expect(refused(await open(declined))).toEqual(page('request_uri_used'));
  });
  it('the answer to one page is the same code for a double click', async () => {
    const consent = await logIn(browser, await open(await pushed()));
    const [one, two] = await Promise.all([allow(browser, consent), allow(browser, consent)]);
    expect(codeOf(one)).toMatch(/^vkac_/);
    expect(codeOf(two)).toBe(codeOf(one));
  });
  it.each<[what: string, uri: (good: string) => string, client: () => string, reason: string]>([
    ['another client', (good) => good, () => world.other.clientId, 'request_uri_foreign'],
    [
      'a guess',
      () => `urn:ietf:params:oauth:request_uri:vkpr_${'x'.repeat(49)}`,
      () => world.web.clientId,
      'request_uri_unknown',
    ],
    ['a damaged one', (good) => `${good}x`, () => world.web.clientId, 'request_uri_unknown'],
  ])('[RFC9126 §4] PR-05 of %s is refused on a page', async (_what, uri, client, reason) => {
    const params = new URLSearchParams({ client_id: client(), request_uri: uri(await pushed()) });
    expect(refused(await browser.open(`${ISSUER}/o/authorize/?${params}`))).toEqual(page(reason));
  });
  it('[RFC9126 §4] without client_id is refused on a page', async () => {
    const params = new URLSearchParams({ request_uri: await pushed() });
    const visit = await browser.open(`${ISSUER}/o/authorize/?${params}`);
    expect([visit.leaves, reasonOf(visit)]).toEqual([null, 'missing_parameter']);
  });
  it.each([
    'https://rp.example/request.jwt',
    'http://169.254.169.254/',
    'file:///etc/passwd',
    `${ISSUER}/o/token/`,
    'urn:example:other',
  ])('PR-04 %s is of no kind that is known here, and nobody asks for it', async (uri) => {
    const more = { redirect_uri: REDIRECT_URI, response_type: 'code' };
    const visit = await open(uri, more);
    expect(visit.leaves?.searchParams.get('error')).toBe('request_uri_not_supported');
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
  it('PR-09 nothing that was pushed reaches the browser', async () => {
    const secretHint = 'a-login-hint-nobody-sees';
    const uri = await pushed({ state: secretHint, nonce: 'a-nonce-nobody-sees' });
    const params = new URLSearchParams({ client_id: world.web.clientId, request_uri: uri });
    const response = await world.provider.fetch(new Request(`${ISSUER}/o/authorize/?${params}`));
    const seen = JSON.stringify([...response.headers]) + (await response.text());
    expect(seen).not.toMatch(/nobody-sees|rp\.example/);
    expect((await open(uri)).html).not.toMatch(/nobody-sees/);
  });
  it('costs one trip for pushing, and one more than a request in the address', async () => {
    await allow(browser, await logIn(browser, await open(await pushed())));
    const calls = watched(world.provider.store);
    const uri = await pushed();
    await open(uri);
    expect(calls.filter((call) => call !== 'audit.append')).toEqual([
      'oneTime.put',
      'oneTime.find',
      'sessions.find',
      'authorizations.find',
      'codes.insert',
    ]);
  });
});

describe('where requests have to be pushed', () => {
  const plain = async (): Promise<Visit> =>
    await browser.open(`${ISSUER}/o/authorize/?${authorizeParams(world, proof.challenge)}`);

  it('[RFC9126 §6] PR-08 by the client: another request is refused', async () => {
    const fields = { require_pushed_authorization_requests: true };
    await world.provider.clients.update(world.web.clientId, { fields });
    const visit = await plain();
    expect([visit.leaves?.searchParams.get('error'), world.events.at(-1)?.reason]).toEqual([
      'invalid_request',
      'request_not_pushed',
    ]);
    expect(pageOf(await open(await pushed()))).toBe('login');
  });
  it('[RFC9126 §5] PR-08 by the server: of every client, and discovery says so', async () => {
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
    expect((await plain()).leaves?.searchParams.get('error')).toBe('invalid_request');
    expect(pageOf(await open(await pushed()))).toBe('login');
  });
});
