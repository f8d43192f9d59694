/**
 * The modules of the basic, implicit and hybrid plans, in all response types, response modes and
 * methods of client authentication that they apply to. Each test is named after its module.
 */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignJWT } from 'jose';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLAIMS } from '../../tools/conformance/person.ts';
import {
  claimsOf,
  half,
  newBrowser,
  REDIRECT_URI,
  Relying,
  type Setup,
  startSetup,
  throughPages,
  type Variant,
} from './suite.ts';

const TYPES = [
  'code',
  'id_token',
  'id_token token',
  'code id_token',
  'code token',
  'code id_token token',
];
const AUTHS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const;
const VARIANTS: readonly Variant[] = TYPES.flatMap((responseType) =>
  (['default', 'form_post'] as const).flatMap((responseMode) =>
    AUTHS.filter((auth) => responseType.includes('code') || auth === 'client_secret_basic').map(
      (auth) => ({ responseType, responseMode, auth }),
    ),
  ),
);

const PROFILE = [
  'name',
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'preferred_username',
];
const MORE = ['profile', 'picture', 'website', 'gender', 'birthdate', 'zoneinfo', 'locale'];
const OF_SCOPE: Readonly<Record<string, readonly string[]>> = {
  profile: [...PROFILE, ...MORE],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
};

/** Times in tokens are whole seconds. */
const nextSecond = async (): Promise<void> => await sleep(1010 - (Date.now() % 1000));

let setup: Setup;
beforeAll(async () => {
  setup = await startSetup();
});
afterAll(async () => {
  await setup.close();
});

describe.each(VARIANTS)('$responseType, $responseMode, $auth', (variant) => {
  const isFirst = variant.auth === 'client_secret_basic';
  const has = (word: string): boolean => variant.responseType.split(' ').includes(word);
  let party: Relying;
  let browser: ScriptedBrowser;
  beforeAll(async () => {
    party = await new Relying(setup, variant).register();
    browser = newBrowser(setup);
  });
  afterAll(async () => {
    await party.remove();
  });

  /** Claims of the person, from where this response type has them. */
  async function person(scope: string, changes: Record<string, string> = {}): Promise<object> {
    const response = await party.authorize(browser, { scope, ...changes });
    const tokens = await party.tokensOf(response);
    return 'access_token' in tokens
      ? await party.userinfo(tokens['access_token'])
      : claimsOf(tokens['id_token']);
  }

  /** An error in the response, or on a page of ours; never a response to somebody else. */
  function errorOf(visit: Visit, params: URLSearchParams): string {
    if (visit.leaves !== null || visit.html.includes('response-form'))
      return party.received(visit, params).get('error') ?? '';
    expect(visit.status).toBe(400);
    return /id="error-code"[^>]*>([^<]*)</.exec(visit.html)?.[1]?.trim() ?? '';
  }

  it('oidcc-server', async () => {
    const params = party.params();
    const response = party.received(
      await throughPages(browser, await party.open(browser, params)),
      params,
    );
    if (has('id_token')) {
      const claims = await party.idToken(response.get('id_token'), params.get('nonce'));
      if (has('code')) expect(claims['c_hash']).toBe(half(response.get('code')));
      if (has('token')) expect(claims['at_hash']).toBe(half(response.get('access_token')));
      if (has('code')) expect(claims).not.toHaveProperty('name');
    }
    if (has('token')) expect(Number(response.get('expires_in'))).toBeGreaterThan(0);
    if (!has('code')) return;
    expect((response.get('code') ?? '').length).toBeGreaterThanOrEqual(22);
    const tokens = await party.tokensOf(response);
    const claims = await party.idToken(tokens['id_token'], params.get('nonce'));
    expect(claims['at_hash']).toBe(half(tokens['access_token']));
    expect(claims).not.toHaveProperty('email');
  });

  it('oidcc-response-type-missing', async () => {
    const visit = await party.open(
      browser,
      party.params({ response_type: null, response_mode: null }),
    );
    const sent = new URLSearchParams(visit.leaves?.search);
    expect(['invalid_request', 'unsupported_response_type']).toContain(sent.get('error'));
  });

  it('oidcc-idtoken-signature', async () => {
    const params = party.params();
    const visit = await throughPages(browser, await party.open(browser, params));
    const tokens = await party.tokensOf(party.received(visit, params));
    await party.idToken(tokens['id_token'], params.get('nonce'), 'RS256');
  });

  if (has('code') || has('token'))
    it.each(['get', 'post-header', 'post-body'] as const)('oidcc-userinfo-%s', async (how) => {
      const tokens = await party.tokensOf(await party.authorize(browser));
      const claims = await party.userinfo(tokens['access_token'], how);
      expect(claims['sub']).toEqual(expect.any(String));
    });

  if (!has('id_token'))
    it('oidcc-ensure-request-without-nonce-succeeds-for-code-flow', async () => {
      const tokens = await party.tokensOf(await party.authorize(browser, { nonce: null }));
      await party.idToken(tokens['id_token'], null);
    });

  if (has('id_token'))
    it('oidcc-ensure-request-without-nonce-fails', async () => {
      const params = party.params({ nonce: null });
      expect(errorOf(await party.open(browser, params), params)).toBe('invalid_request');
    });

  it.each(['profile', 'email', 'address', 'phone'])('oidcc-scope-%s', async (scope) => {
    const claims = await person(`openid ${scope}`);
    for (const name of OF_SCOPE[scope] ?? [])
      expect([name, (claims as Record<string, unknown>)[name]]).toEqual([name, CLAIMS[name]]);
    if (scope === 'profile')
      expect((claims as Record<string, unknown>)['updated_at']).toEqual(expect.any(Number));
  });

  it('oidcc-scope-all', async () => {
    expect(await person('openid profile email address phone')).toMatchObject(CLAIMS);
  });

  it('oidcc-alternate-happy-flow', async () => {
    const params = new URLSearchParams([...party.params()].reverse());
    params.set('scope', 'email openid');
    params.set('response_type', variant.responseType.split(' ').reverse().join(' '));
    const response = party.received(
      await throughPages(browser, await party.open(browser, params)),
      params,
    );
    expect(response.get('error')).toBeNull();
  });

  it.each<[string, Record<string, string>]>([
    ['oidcc-display-page', { display: 'page' }],
    ['oidcc-display-popup', { display: 'popup' }],
    ['oidcc-login-hint', { login_hint: 'buffy@localhost' }],
    ['oidcc-ui-locales', { ui_locales: 'se' }],
    ['oidcc-claims-locales', { claims_locales: 'se' }],
    ['oidcc-ensure-request-with-unknown-parameter-succeeds', { extra: 'foobar' }],
  ])('%s', async (_, changes) => {
    for (const one of [browser, ...(isFirst ? [newBrowser(setup)] : [])])
      expect((await party.authorize(one, changes)).get('error')).toBeNull();
  });

  it('oidcc-prompt-login', async () => {
    const first = await party.tokensOf(await party.authorize(browser));
    await nextSecond();
    const params = party.params({ prompt: 'login' });
    const visit = await party.open(browser, params);
    expect(visit.html).toContain('id="login-form"');
    const second = await party.tokensOf(party.received(await throughPages(browser, visit), params));
    const [before, after] = [first, second].map((one) => claimsOf(one['id_token'])['auth_time']);
    expect(Number(after)).toBeGreaterThan(Number(before));
  });

  it('oidcc-prompt-none-not-logged-in', async () => {
    const params = party.params({ prompt: 'none' });
    const response = party.received(await party.open(newBrowser(setup), params), params);
    expect(response.get('error')).toBe('login_required');
  });

  it.each<[string, Record<string, string>]>([
    ['oidcc-prompt-none-logged-in', {}],
    ['oidcc-id-token-hint', { id_token_hint: 'the first one' }],
  ])('%s', async (_, changes) => {
    const first = await party.tokensOf(await party.authorize(browser));
    const hint = 'id_token_hint' in changes ? { id_token_hint: String(first['id_token']) } : {};
    const params = party.params({ prompt: 'none', ...hint });
    const second = await party.tokensOf(party.received(await party.open(browser, params), params));
    const [before, after] = [first, second].map((one) => claimsOf(one['id_token']));
    expect([after?.sub, after?.['auth_time']]).toEqual([before?.sub, before?.['auth_time']]);
  });

  if (isFirst)
    it('oidcc-max-age-1', async () => {
      const first = await party.tokensOf(await party.authorize(browser));
      await sleep(2100);
      const params = party.params({ max_age: '1' });
      const visit = await party.open(browser, params);
      expect(visit.html).toContain('id="login-form"');
      const second = await party.tokensOf(
        party.received(await throughPages(browser, visit), params),
      );
      const [before, after] = [first, second].map((one) =>
        Number(claimsOf(one['id_token'])['auth_time']),
      );
      expect(after).toBeGreaterThan(before ?? 0);
    });

  it('oidcc-max-age-10000', async () => {
    const first = await party.tokensOf(await party.authorize(browser, { max_age: '10000' }));
    const params = party.params({ max_age: '10000' });
    const second = await party.tokensOf(party.received(await party.open(browser, params), params));
    const [before, after] = [first, second].map((one) => claimsOf(one['id_token'])['auth_time']);
    expect(before).toEqual(expect.any(Number));
    expect(after).toBe(before);
  });

  it('oidcc-ensure-request-with-acr-values-succeeds', async () => {
    const supported = setup.metadata['acr_values_supported'] as readonly string[];
    const response = await party.authorize(browser, { acr_values: supported.join(' ') });
    const tokens = await party.tokensOf(response);
    expect(supported).toContain(claimsOf(tokens['id_token'])['acr']);
  });

  it('oidcc-ensure-registered-redirect-uri', async () => {
    const params = party.params({ redirect_uri: 'https://suite.example/other' });
    const visit = await party.open(browser, params);
    expect([visit.leaves, visit.status]).toEqual([null, 400]);
    expect(visit.html).toContain('id="error-code"');
  });

  it('oidcc-ensure-post-request-succeeds', async () => {
    const params = party.params();
    const body = params.toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const url = String(setup.metadata['authorization_endpoint']);
    const visit = await browser.open(url, { method: 'POST', headers, body });
    const response = party.received(await throughPages(browser, visit), params);
    expect(response.get('error')).toBeNull();
  });

  it('oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported', async () => {
    const params = party.params();
    const encode = (value: object): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const inside = {
      ...Object.fromEntries(params),
      iss: params.get('client_id'),
      aud: setup.server.issuer,
    };
    const outside = party.params({ response_mode: null, state: null, nonce: null });
    outside.set('request', `${encode({ alg: 'none' })}.${encode(inside)}.`);
    expect(errorOf(await party.open(browser, outside), params)).toBe('request_not_supported');
  });

  it('oidcc-ensure-request-object-with-redirect-uri', async () => {
    const { client_id: id } = party.client;
    const sign = async (redirectUri: string): Promise<URLSearchParams> => {
      const params = party.params({ redirect_uri: redirectUri });
      const jwt = await new SignJWT({ ...Object.fromEntries(params), aud: setup.server.issuer })
        .setProtectedHeader({ alg: 'RS256', kid: party.kid })
        .setIssuer(String(id))
        .sign(party.key);
      return new URLSearchParams({
        client_id: String(id),
        response_type: variant.responseType,
        scope: 'openid',
        state: params.get('state') ?? '',
        request: jwt,
      });
    };
    const good = await sign(REDIRECT_URI);
    const response = party.received(
      await throughPages(browser, await party.open(browser, good)),
      good,
    );
    expect(response.get('error')).toBeNull();
    const bad = await party.open(browser, await sign('https://suite.example/unregistered'));
    expect([bad.leaves, bad.status]).toEqual([null, 400]);
  });

  it('oidcc-claims-essential', async () => {
    const target = has('code') || has('token') ? 'userinfo' : 'id_token';
    const claims = JSON.stringify({ [target]: { name: { essential: true } } });
    expect(await person('openid', { claims })).toMatchObject({ name: CLAIMS['name'] });
  });

  if (has('code'))
    describe('with a code', () => {
      it('oidcc-codereuse', async () => {
        const code = (await party.authorize(browser)).get('code') ?? '';
        const first = (await (await party.redeem(code)).json()) as Record<string, unknown>;
        const again = await party.redeem(code);
        expect([again.status, ((await again.json()) as { error: string }).error]).toEqual([
          400,
          'invalid_grant',
        ]);
        // oidcc-codereuse-30seconds looks at this as well.
        const headers = { authorization: `Bearer ${first['access_token']}` };
        const { status } = await setup.ask(String(setup.metadata['userinfo_endpoint']), {
          headers,
        });
        expect(status).toBe(401);
      });

      it('oidcc-refresh-token', async () => {
        const response = await party.authorize(browser, {
          scope: 'openid offline_access',
          prompt: 'consent',
        });
        const first = await party.tokensOf(response);
        expect(setup.metadata['grant_types_supported']).toContain('refresh_token');
        const other = await new Relying(setup, variant).register();
        const fields = {
          grant_type: 'refresh_token',
          refresh_token: String(first['refresh_token']),
        };
        const stolen = await other.token(fields);
        expect([stolen.status, ((await stolen.json()) as { error: string }).error]).toEqual([
          400,
          'invalid_grant',
        ]);
        await other.remove();
        await nextSecond();
        const answer = await party.token(fields);
        expect(answer.headers.get('cache-control')).toContain('no-store');
        const body = (await answer.json()) as Record<string, unknown>;
        expect(body).toMatchObject({ token_type: 'Bearer' });
        const [before, after] = [claimsOf(first['id_token']), claimsOf(body['id_token'])];
        for (const name of ['iss', 'sub', 'aud', 'auth_time', 'azp'])
          expect([name, after[name]]).toEqual([name, before[name]]);
        expect(after.iat).not.toBe(before.iat);
      });

      it('oidcc-ensure-request-with-valid-pkce-succeeds', async () => {
        const verifier = randomBytes(32).toString('base64url');
        const challenge = createHash('sha256').update(verifier).digest('base64url');
        const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
        const response = await party.authorize(browser, pkce);
        await party.tokensOf(response, { code_verifier: verifier });
      });
    });
});
