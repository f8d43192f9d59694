/** The device authorization grant (RFC 8628). */
import { type DeviceAuthorizationOptions, deviceAuthorization } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { scriptedBrowser } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  type Answer,
  authorizeParams,
  authorizeUrl,
  BOB,
  basic,
  browserOf,
  claimsOf,
  cookieOf,
  decide,
  ISSUER,
  isActive,
  logIn,
  makeWorld,
  pkce,
  post,
  read,
  reasonOf,
  type World,
  watched,
} from './setup.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const PAGE = `${ISSUER}/o/device/`;

interface Device {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

let world: World;
let browser: ScriptedBrowser;

const setUp = async (options: Partial<DeviceAuthorizationOptions> = {}): Promise<void> => {
  world = await makeWorld({ features: [deviceAuthorization(options)] });
  browser = browserOf(world);
  const { clients } = world.provider;
  const grantTypes = [GRANT, 'refresh_token', 'authorization_code'];
  await clients.update(world.web.clientId, { grantTypes });
  await clients.update(world.spa.clientId, { grantTypes });
};
beforeEach(async () => await setUp());

const as = (client: 'web' | 'other' = 'web'): Readonly<Record<string, string>> => {
  const secret = client === 'web' ? world.webSecret : world.otherSecret;
  return { authorization: basic(world[client].clientId, secret) };
};
const send = async (
  path: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = as(),
  ip = '198.51.100.7',
): Promise<Answer> => {
  const all = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
  const body = new URLSearchParams(fields).toString();
  const request = new Request(`${ISSUER}/o/${path}`, { method: 'POST', headers: all, body });
  return await read(await world.provider.fetch(request, { ip }));
};
const start = async (
  fields: Readonly<Record<string, string>> = { scope: 'openid read' },
): Promise<Device> => {
  const { status, body } = await send('device_authorization/', fields);
  expect([status, body]).toEqual([200, expect.anything()]);
  return body as unknown as Device;
};
const poll = async (
  { device_code }: Pick<Device, 'device_code'>,
  headers?: Readonly<Record<string, string>>,
): Promise<Answer> => await send('token/', { grant_type: GRANT, device_code }, headers);
const pollLater = async (device: Device, seconds = 5): Promise<Answer> => {
  world.now += seconds;
  return await poll(device);
};
const wrong = ({ status, body }: Answer): readonly unknown[] => [
  status,
  body['error'],
  world.reasons.at(-1),
];
const enter = async (userCode: string, by: ScriptedBrowser = browser): Promise<Visit> =>
  await by.submit(await by.open(PAGE), { user_code: userCode });
const toConfirmation = async (
  device: Device,
  user: { readonly username: string; readonly password: string } = ALICE,
): Promise<Visit> => await logIn(browser, await enter(device.user_code), user);
const answered = async (device: Device, decision = 'allow'): Promise<Visit> =>
  await browser.submit(await toConfirmation(device), { decision });
const shows = ({ html }: Visit): string =>
  /id="(device-form|device-confirmation-form|login-form|device-allowed|device-denied|error-title)"/.exec(
    html,
  )?.[1] ?? html;

describe('the request of a device', () => {
  it.each<[what: string, fields: Readonly<Record<string, string>>, expected: readonly unknown[]]>([
    [
      'a scope that is not there',
      { scope: 'admin' },
      [400, 'invalid_scope', 'scope_not_available'],
    ],
    ['a malformed scope', { scope: '"' }, [400, 'invalid_scope', 'malformed_scope']],
  ])('[RFC8628 §3.1] is refused for %s', async (_what, fields, expected) => {
    expect(wrong(await send('device_authorization/', fields))).toEqual(expected);
  });
  it('[RFC8628 §3.1] [RFC8628 §3.2] needs a client that proves itself and is registered for the grant', async () => {
    const path = 'device_authorization/';
    expect(wrong(await send(path, {}, {}))).toEqual([
      401,
      'invalid_client',
      'client_credentials_missing',
    ]);
    const other = { client_id: world.other.clientId, client_secret: world.otherSecret };
    expect(wrong(await send(path, other, {}))).toEqual([
      400,
      'unauthorized_client',
      'device_grant_not_allowed',
    ]);
    const get = await world.provider.fetch(new Request(`${ISSUER}/o/${path}`));
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
  });
  it('[RFC8628 §3.2] [RFC8628 §3.3.1] [RFC8628 §6.1] DV-01 DV-02 is answered with two codes, never cached', async () => {
    const { status, body, headers } = await send('device_authorization/', { scope: 'openid' });
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toEqual({
      device_code: expect.stringMatching(/^vkdc_[\w-]{49}$/),
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: PAGE,
      verification_uri_complete: `${PAGE}?user_code=${String(body['user_code'])}`,
      expires_in: 600,
      interval: 5,
    });
  });
  it('[RFC8628 §6.1] DV-01 letters of user codes are equally likely', async () => {
    const counts = new Map<string, number>();
    await setUp({ publicRequests: { limit: 10_000, seconds: 900 } });
    for (let count = 0; count < 500; count += 1)
      for (const letter of (await start()).user_code.replace('-', ''))
        counts.set(letter, (counts.get(letter) ?? 0) + 1);
    expect(counts.size).toBe(20);
    // 4000 letters, 200 of each on average; 6 standard deviations are 83.
    for (const count of counts.values()) expect(Math.abs(count - 200)).toBeLessThan(90);
  });
  it('[RFC8628 §5.1] of public clients is bounded per network', async () => {
    await setUp({ publicRequests: { limit: 2, seconds: 60 } });
    const spa = { client_id: world.spa.clientId };
    const statuses = [];
    for (let count = 0; count < 3; count += 1)
      statuses.push((await send('device_authorization/', spa, {})).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await send('device_authorization/', spa, {}, '203.0.113.9')).status).toBe(200);
  });
  it('shows another address where the operator says so', async () => {
    await setUp({ verificationUri: 'https://op.example/tv?from=qr' });
    const { verification_uri, verification_uri_complete, user_code } = await start();
    expect([verification_uri, verification_uri_complete]).toEqual([
      'https://op.example/tv?from=qr',
      `https://op.example/tv?from=qr&user_code=${user_code}`,
    ]);
  });
  it('stands in discovery', async () => {
    const url = `${ISSUER}/.well-known/openid-configuration`;
    const { body } = await read(await world.provider.fetch(new Request(url)));
    expect(body['device_authorization_endpoint']).toBe(`${ISSUER}/o/device_authorization/`);
    expect(body['grant_types_supported']).toContain(GRANT);
  });
  it('ST-01 leaves nothing usable in the store', async () => {
    const kept: unknown[] = [];
    const { oneTime } = world.provider.store;
    const { put } = oneTime;
    Object.assign(oneTime, {
      put: async (record: never) => {
        kept.push(record);
        return await put(record);
      },
    });
    const { device_code, user_code } = await start();
    const text = JSON.stringify(kept);
    for (const secret of [device_code, user_code, user_code.replace('-', '')])
      expect(text).not.toContain(secret);
  });
});

describe('polling', () => {
  it('[RFC8628 §3.5] DV-04 waits, is slowed down by five seconds at each poll too many, and waits again', async () => {
    const device = await start();
    expect(wrong(await poll(device))).toEqual([400, 'authorization_pending', 'device_pending']);
    expect(wrong(await pollLater(device, 4))).toEqual([400, 'slow_down', 'device_slow_down']);
    expect((await pollLater(device, 9)).body['error']).toBe('slow_down');
    expect((await pollLater(device, 14)).body['error']).toBe('slow_down');
    expect((await pollLater(device, 20)).body['error']).toBe('authorization_pending');
  });
  it('[RFC8628 §3.5] DV-04 of many polls at once one waits, the others are slowed down', async () => {
    const device = await start();
    const answers = await Promise.all(Array.from({ length: 20 }, () => poll(device)));
    const errors = answers.map(({ body }) => body['error']);
    expect(errors.filter((error) => error === 'authorization_pending')).toHaveLength(1);
    expect(errors.filter((error) => error === 'slow_down')).toHaveLength(19);
  });
  it('[RFC8628 §3.5] DV-04 expires, whether nobody answered, somebody declined, or somebody allowed', async () => {
    const [waiting, declined, allowed] = [await start(), await start(), await start()];
    await answered(declined, 'deny');
    await browser.submit(await enter(allowed.user_code), { decision: 'allow' });
    world.now += 600;
    for (const device of [waiting, declined, allowed])
      expect(wrong(await poll(device))).toEqual([400, 'expired_token', 'device_code_expired']);
  });
  it('[RFC8628 §3.5] tells that the user declined', async () => {
    const device = await start();
    expect(shows(await answered(device, 'deny'))).toBe('device-denied');
    expect(wrong(await poll(device))).toEqual([400, 'access_denied', 'device_denied']);
    expect(world.events.some(({ type }) => type === 'authorization.denied')).toBe(true);
  });
  it('[RFC8628 §3.4] DV-02 by another client, or with another code, is refused and changes nothing', async () => {
    const device = await start();
    await answered(device);
    await world.provider.clients.update(world.other.clientId, {
      grantTypes: [GRANT, 'authorization_code'],
    });
    const other = { client_id: world.other.clientId, client_secret: world.otherSecret };
    const foreign = await send(
      'token/',
      { ...other, grant_type: GRANT, device_code: device.device_code },
      {},
    );
    expect(wrong(foreign)).toEqual([400, 'invalid_grant', 'device_code_foreign']);
    expect(world.events.at(-1)?.reason).toBe('device_code_foreign');
    for (const device_code of ['x', `vkdc_${'a'.repeat(49)}`, device.user_code])
      expect(wrong(await poll({ device_code }))).toEqual([
        400,
        'invalid_grant',
        'device_code_unknown',
      ]);
    expect(wrong(await send('token/', { grant_type: GRANT }))).toEqual([
      400,
      'invalid_request',
      'missing_parameter',
    ]);
    expect((await poll(device)).status).toBe(200);
  });
  it('[RFC8628 §3.5] DV-03 gives tokens once: of fifty polls after the approval one gets them', async () => {
    const device = await start();
    await answered(device);
    const answers = await Promise.all(Array.from({ length: 50 }, () => poll(device)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const errors = new Set(answers.map(({ body }) => body['error']));
    expect(errors).toEqual(new Set([undefined, 'invalid_grant']));
    expect(wrong(await pollLater(device))).toEqual([400, 'invalid_grant', 'device_code_used']);
  });
  it('[RFC8628 §3.4] [RFC8628 §3.5] gives an access token, a refresh token and an ID token with the time of the sign-in', async () => {
    const device = await start({ scope: 'openid profile read' });
    await answered(device);
    world.now += 30;
    const { status, body } = await poll(device);
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({ scope: 'openid profile read', token_type: 'Bearer' }),
    ]);
    expect(claimsOf(body['id_token'])).toMatchObject({
      sub: ALICE.sub,
      aud: world.web.clientId,
      auth_time: world.now - 30,
      amr: ['pwd'],
    });
    const refreshed = await post(world, 'token', {
      grant_type: 'refresh_token',
      refresh_token: String(body['refresh_token']),
    });
    expect(refreshed.status).toBe(200);
  });
  it('works for a public client', async () => {
    const client = { client_id: world.spa.clientId };
    const { body } = await send('device_authorization/', { ...client, scope: 'read' }, {});
    const device = body as unknown as Device;
    await answered(device);
    const fields = { ...client, grant_type: GRANT, device_code: device.device_code };
    expect((await send('token/', fields, {})).body['scope']).toBe('read');
  });
  it('RT-09 ends with everything of the subject, with the authorization, and with the account', async () => {
    const [revoked, withdrawn, disabled] = [await start(), await start(), await start()];
    await answered(revoked);
    for (const device of [withdrawn, disabled])
      await browser.submit(await enter(device.user_code), { decision: 'allow' });
    await world.provider.subjects.revoke(ALICE.sub);
    expect(wrong(await poll(revoked))).toEqual([400, 'invalid_grant', 'subject_revoked']);
    await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId);
    expect(wrong(await poll(withdrawn))).toEqual([400, 'invalid_grant', 'authorization_withdrawn']);
    const device = await start();
    world.now += 1;
    await answered(device);
    world.accounts.setEnabled(ALICE.sub, false);
    expect(wrong(await poll(device))).toEqual([400, 'invalid_grant', 'account_disabled']);
  });
  it('what it gave outlives the session in which it was allowed', async () => {
    const device = await start({ scope: 'read' });
    await answered(device);
    const token = String((await poll(device)).body['access_token']);
    const question = await browser.open(world.provider.url('rp-initiated-logout'));
    await browser.submit(question, { decision: 'logout' });
    expect(await isActive(world, token)).toBe(true);
  });
});

describe('the page for codes', () => {
  it.each([
    (code: string) => code,
    (code: string) => code.toLowerCase(),
    (code: string) => code.replace('-', ''),
    (code: string) => ` ${code.replace('-', ' – ')} `,
  ])('[RFC8628 §6.1] takes the code however it is typed (%#)', async (typed) => {
    const { user_code } = await start();
    expect(shows(await enter(typed(user_code)))).toBe('login-form');
  });
  it('[RFC8628 §3.3] DV-08 gives one answer for codes that never were, expired, and were used', async () => {
    const [used, expired] = [await start(), await start()];
    await answered(used);
    const page = (visit: Visit): readonly unknown[] => [
      visit.status,
      shows(visit),
      /id="device-problem"[^>]*>([^<]*)/.exec(visit.html)?.[1],
    ];
    const unknown = page(await enter('BCDF-GHJK'));
    expect(unknown).toEqual([422, 'device-form', expect.stringContaining('not valid')]);
    expect(page(await enter(used.user_code))).toEqual(unknown);
    world.now += 600;
    expect(page(await enter(expired.user_code))).toEqual(unknown);
    expect(page(await enter(''))).toEqual(unknown);
  });
  it('[RFC8628 §5.1] DV-01 after five wrong codes a browser waits, and a right one is not looked at', async () => {
    const { user_code } = await start();
    for (let count = 0; count < 5; count += 1) expect((await enter('BCDF-GHJK')).status).toBe(422);
    const limited = await enter(user_code);
    expect([limited.status, shows(limited), limited.headers.get('retry-after')]).toEqual([
      429,
      'device-form',
      '900',
    ]);
    world.now += 900;
    expect(shows(await enter((await start()).user_code))).toBe('login-form');
  });
  it('[RFC8628 §5.1] DV-01 after ten a network waits, whatever the browser; others do not', async () => {
    const statuses = [];
    for (let count = 0; count < 12; count += 1)
      statuses.push((await enter('BCDF-GHJK', browserOf(world))).status);
    expect(statuses).toEqual([...Array(10).fill(422), 429, 429]);
    const elsewhere = scriptedBrowser(
      async (request) => await world.provider.fetch(request, { ip: '203.0.113.9' }),
      (url) => url.origin === ISSUER,
    );
    expect(shows(await enter((await start()).user_code, elsewhere))).toBe('login-form');
  });
  it('[RFC8628 §5.1] DV-01 there is a limit in all, where addresses are not known', async () => {
    await setUp({ attemptsInAll: { limit: 3, seconds: 60 } });
    const nowhere = (): ScriptedBrowser =>
      scriptedBrowser(
        async (request) => await world.provider.fetch(request),
        (url) => url.origin === ISSUER,
      );
    const statuses = [];
    for (let count = 0; count < 5; count += 1)
      statuses.push((await enter('BCDF-GHJK', nowhere())).status);
    expect(statuses).toEqual([422, 422, 422, 429, 429]);
  });
  it('right codes are not counted', async () => {
    for (let count = 0; count < 12; count += 1)
      expect(shows(await enter((await start()).user_code))).toBe('login-form');
  });
  it('[RFC8628 §3.3.1] DV-06 shows the code of a link, and takes it by its form alone', async () => {
    const { verification_uri_complete, user_code } = await start();
    const visit = await browser.open(verification_uri_complete);
    expect([shows(visit), visit.html.includes(`value="${user_code}"`)]).toEqual([
      'device-form',
      true,
    ]);
    const odd = await browser.open(`${PAGE}?user_code=${encodeURIComponent('"><script>')}`);
    expect(odd.html).not.toContain('script');
  });
  it('[RFC6749 §10.12] takes no form of another site or browser', async () => {
    const { user_code } = await start();
    const page = await browser.open(PAGE);
    const forged = await browser.submit(page, { user_code, token: 'x' });
    expect([forged.status, reasonOf(forged)]).toEqual([403, 'form_token']);
    const other = await browserOf(world).submit(page, { user_code });
    expect([other.status, reasonOf(other)]).toEqual([400, 'interaction_other_browser']);
    const bare = await browser.open(PAGE, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ user_code }).toString(),
    });
    expect([bare.status, reasonOf(bare)]).toEqual([400, 'interaction_missing']);
  });
});

describe('the confirmation', () => {
  it('[RFC8628 §3.3] [RFC8628 §5.4] DV-06 shows application, account, code, place and scopes, and warns', async () => {
    const device = await start({ scope: 'openid read offline_access' });
    const { html } = await toConfirmation(device);
    for (const text of [
      'Web App',
      'Alice Example',
      device.user_code,
      '198.51.100.7',
      'Read your things',
    ])
      expect(html).toContain(text);
    for (const text of ['another network than yours', 'while you are away', 'choose Deny'])
      expect(html).toContain(text);
  });
  it('DV-06 says that device and browser share a network, and uses the words of the host for a place', async () => {
    await setUp({ place: async (address) => (address === '192.0.2.1' ? 'Utrecht' : null) });
    const { body } = await send('device_authorization/', { scope: 'read' }, as(), '192.0.2.1');
    const { html } = await toConfirmation(body as unknown as Device);
    expect(html).toContain('Utrecht');
    expect(html).toContain('the same network as you');
  });
  it('[RFC8628 §5.4] is asked every time, though the application was allowed before and needs no consent', async () => {
    await world.provider.clients.update(world.web.clientId, { skipConsent: true });
    await answered(await start());
    expect(shows(await enter((await start()).user_code))).toBe('device-confirmation-form');
  });
  it('takes no answer that it does not know', async () => {
    const visit = await browser.submit(await toConfirmation(await start()), { decision: 'maybe' });
    expect([visit.status, reasonOf(visit)]).toEqual([400, 'decision']);
  });
  it('[RFC6749 §10.12] DV-05 takes no answer from another session or browser, nor without its form', async () => {
    const device = await start();
    const page = await toConfirmation(device);
    const stranger = browserOf(world);
    expect(reasonOf(await stranger.submit(page, { decision: 'allow' }))).toBe(
      'interaction_other_browser',
    );
    expect(reasonOf(await browser.submit(page, { decision: 'allow', token: 'x' }))).toBe(
      'form_token',
    );
    // Bob takes this browser over while the page of Alice is open.
    const login = await browser.open(
      authorizeUrl(world, authorizeParams(world, pkce().challenge, { prompt: 'login' })),
    );
    await logIn(browser, login, BOB);
    const taken = await browser.submit(page, { decision: 'allow' });
    expect([taken.status, reasonOf(taken)]).toEqual([403, 'form_token']);
    expect((await poll(device)).body['error']).toBe('authorization_pending');
  });
  it('DV-05 of two people who typed one code the first answer counts, and the other is told', async () => {
    const device = await start();
    const page = await toConfirmation(device);
    const bob = browserOf(world);
    const other = await logIn(bob, await enter(device.user_code, bob), BOB);
    expect(shows(await browser.submit(page, { decision: 'allow' }))).toBe('device-allowed');
    for (const decision of ['allow', 'deny'])
      expect(reasonOf(await bob.submit(other, { decision }))).toBe('device_request_answered');
    expect(claimsOf((await poll(device)).body['id_token'])['sub']).toBe(ALICE.sub);
    expect(await world.provider.store.authorizations.listBySubject(BOB.sub)).toEqual([]);
  });
  it('two clicks and a reload show one result, and one approval', async () => {
    const device = await start();
    const page = await toConfirmation(device);
    const results = await Promise.all(
      ['allow', 'allow'].map(async (decision) => await browser.submit(page, { decision })),
    );
    expect(results.map(shows)).toEqual(['device-allowed', 'device-allowed']);
    const reload = await browser.open(results[0]?.url ?? '');
    expect(shows(reload)).toBe('device-allowed');
    expect(world.events.filter(({ type }) => type === 'authorization.granted')).toHaveLength(1);
    expect((await poll(device)).status).toBe(200);
  });
  it('[RFC8628 §3.5] is too late once the code expired', async () => {
    const page = await toConfirmation(await start());
    world.now += 600;
    expect(reasonOf(await browser.submit(page, { decision: 'allow' }))).toBe(
      'device_request_expired',
    );
  });
  it('is counted while the device polls', async () => {
    const device = await start();
    const page = await toConfirmation(device);
    const [visit] = await Promise.all([
      browser.submit(page, { decision: 'allow' }),
      ...Array.from({ length: 3 }, () => poll(device)),
    ]);
    expect(shows(visit)).toBe('device-allowed');
    expect((await pollLater(device)).status).toBe(200);
  });
  it('lets somebody else sign in, and gives to them', async () => {
    const device = await start();
    const login = await browser.submit(await toConfirmation(device), { decision: 'switch' });
    const again = await logIn(browser, login, BOB);
    expect(again.html).toContain('Bob Example');
    await browser.submit(again, { decision: 'allow' });
    expect(claimsOf((await poll(device)).body['id_token'])['sub']).toBe(BOB.sub);
  });
  it('whoever cancels the sign-in declines', async () => {
    const device = await start();
    const login = await enter(device.user_code);
    expect(shows(await browser.submit(login, { decision: 'cancel' }))).toBe('device-denied');
    expect((await poll(device)).body['error']).toBe('access_denied');
  });
  it('DV-07 follows what the client may have and be by then', async () => {
    const device = await start({ scope: 'openid read write' });
    const page = await toConfirmation(device);
    const { clients } = world.provider;
    await clients.update(world.web.clientId, { scopes: ['openid', 'read'] });
    await browser.submit(page, { decision: 'allow' });
    await clients.update(world.web.clientId, { scopes: null });
    expect((await poll(device)).body['scope']).toBe('openid read');
    const other = await start();
    const second = await enter(other.user_code);
    await clients.update(world.web.clientId, { disabled: true });
    expect(reasonOf(await browser.submit(second, { decision: 'allow' }))).toBe(
      'device_client_disabled',
    );
  });
  it('never allows more than was shown', async () => {
    const { clients } = world.provider;
    await clients.update(world.web.clientId, { scopes: ['openid', 'read', 'write'] });
    const device = await start({ scope: 'openid read write' });
    await clients.update(world.web.clientId, { scopes: ['openid'] });
    const page = await toConfirmation(device);
    await clients.update(world.web.clientId, { scopes: null });
    await browser.submit(page, { decision: 'allow' });
    expect((await poll(device)).body['scope']).toBe('openid');
  });
  it('an answer in an address of long ago asks again', async () => {
    const device = await start();
    const answer = await decide(world, browser, await toConfirmation(device), {
      decision: 'allow',
    });
    world.now += 61;
    expect(shows(await browser.open(answer))).toBe('device-confirmation-form');
    expect((await poll(device)).body['error']).toBe('authorization_pending');
  });
  it('a page of the host learns what is asked and answers it', async () => {
    const device = await start();
    const page = await toConfirmation(device);
    const url = new URL(`${ISSUER}/mine`);
    const sealed = /name="interaction" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
    url.searchParams.set('interaction', sealed);
    const request = (): Request => new Request(url, { headers: { cookie: cookieOf(browser) } });
    const { interactions } = world.provider;
    expect(await interactions.details(request())).toMatchObject({
      step: 'device-confirmation',
      client: { name: 'Web App', host: 'rp.example' },
      sub: ALICE.sub,
    });
    const answer = await interactions.answer(request(), 'device-confirmation', 'allow');
    const done = await browser.open(answer.headers.get('location') ?? '');
    expect(shows(done)).toBe('device-allowed');
    expect((await poll(device)).status).toBe(200);
  });
});

describe('trips to the store', () => {
  it('a request 1, a poll that waits 2, a poll that gets tokens 3', async () => {
    await answered(await start());
    const calls = watched(world.provider.store);
    const trips = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
      calls.length = 0;
      await work();
      return calls.filter((call) => call !== 'audit.append');
    };
    let device: Device | undefined;
    expect(await trips(async () => (device = await start()))).toEqual(['oneTime.put']);
    if (device === undefined) throw new Error('no device');
    const polled = device;
    expect(await trips(async () => await poll(polled))).toEqual(['oneTime.find', 'oneTime.swap']);
    await browser.submit(await enter(polled.user_code), { decision: 'allow' });
    expect(await trips(async () => await poll(polled))).toEqual([
      'oneTime.find',
      'authorizations.find',
      'tokens.issue',
    ]);
  });
});
