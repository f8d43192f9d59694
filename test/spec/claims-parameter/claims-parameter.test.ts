/** The parameter `claims` (OIDC Core §5.5): what it releases, and what it demands of the login. */
import type { Config } from 'valetkey';
import { memoryAccounts, type ScriptedBrowser, type Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusedRedirect } from '../refusals.ts';
import {
  ALICE,
  type Answer,
  allow,
  BOB,
  browserOf,
  claimsOf,
  codeOf,
  getTokens,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  pageOf,
  pkce,
  post,
  read,
  redeem,
  type World,
} from '../setup.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await makeWorld();
  browser = browserOf(world);
});

const request = (claims: unknown): Record<string, string> => ({
  scope: 'openid',
  claims: typeof claims === 'string' ? claims : JSON.stringify(claims),
});

async function userinfo(token: string): Promise<Record<string, unknown>> {
  return (await post(world, 'userinfo', {}, { authorization: `Bearer ${token}` })).body;
}

const NAMES = { name: null, email: { essential: true } };

describe('claims asked for by name', () => {
  it('[OIDC Core §5.5] at userinfo are there, and not in the ID token', async () => {
    const tokens = await getTokens(world, request({ userinfo: NAMES }));
    expect(await userinfo(tokens.access_token)).toEqual({
      sub: ALICE.sub,
      name: 'Alice Example',
      email: 'alice@example.com',
    });
    expect(claimsOf(tokens.id_token)).not.toHaveProperty('name');
  });

  it('[OIDC Core §5.5] in the ID token are there, and not at userinfo', async () => {
    const tokens = await getTokens(world, request({ id_token: NAMES }));
    expect(claimsOf(tokens.id_token)).toMatchObject({
      sub: ALICE.sub,
      name: 'Alice Example',
      email: 'alice@example.com',
    });
    expect(await userinfo(tokens.access_token)).toEqual({ sub: ALICE.sub });
  });

  it('[OIDC Core §5.5] stay for tokens that a refresh brings', async () => {
    const both = { userinfo: { name: null }, id_token: { email: null } };
    const first = await getTokens(world, request(both));
    const { body } = await post(world, 'token', {
      grant_type: 'refresh_token',
      refresh_token: first.refresh_token,
    });
    expect(claimsOf(body['id_token'])).toMatchObject({ email: 'alice@example.com' });
    expect(await userinfo(String(body['access_token']))).toMatchObject({ name: 'Alice Example' });
  });

  it('[RFC6749 §6] RT-06 do not come with tokens for less than was granted', async () => {
    const both = { userinfo: { name: null }, id_token: { email: null } };
    const first = await getTokens(world, { ...request(both), scope: 'openid read' });
    const refresh = async (refreshToken: unknown, scope: string): Promise<Answer> =>
      await post(world, 'token', {
        grant_type: 'refresh_token',
        refresh_token: String(refreshToken),
        scope,
      });
    const { body: less } = await refresh(first.refresh_token, 'openid');
    expect(claimsOf(less['id_token'])).not.toHaveProperty('email');
    expect(await userinfo(String(less['access_token']))).toEqual({ sub: ALICE.sub });
    // The answer was lost: the same request again gets the same.
    const { body: again } = await refresh(first.refresh_token, 'openid');
    expect(claimsOf(again['id_token'])).not.toHaveProperty('email');
    expect(await userinfo(String(again['access_token']))).toEqual({ sub: ALICE.sub });
    // The grant is as it was.
    const { body: all } = await refresh(less['refresh_token'], 'openid read');
    expect(claimsOf(all['id_token'])).toMatchObject({ email: 'alice@example.com' });
    expect(await userinfo(String(all['access_token']))).toMatchObject({ name: 'Alice Example' });
  });

  it('[OIDC Core §5.5.1] with a value come with that value, or not at all', async () => {
    const wishes = {
      name: { value: 'Alice Example' },
      email: { values: ['a@example.com', 'b@example.com'] },
      email_verified: { values: [true] },
      family_name: { value: 'Other', essential: true },
    };
    const tokens = await getTokens(world, request({ userinfo: wishes }));
    expect(await userinfo(tokens.access_token)).toEqual({
      sub: ALICE.sub,
      name: 'Alice Example',
      email_verified: true,
    });
  });

  it('[OIDC Core §5.3.2] that the person does not have, or that no scope releases, are left out', async () => {
    const wishes = {
      birthdate: null,
      phone_number: { essential: true },
      password: null,
      iss: null,
    };
    const tokens = await getTokens(world, request({ userinfo: wishes, id_token: wishes }));
    expect(await userinfo(tokens.access_token)).toEqual({ sub: ALICE.sub });
    expect(claimsOf(tokens.id_token)['iss']).toBe(ISSUER);
    expect(claimsOf(tokens.id_token)).not.toHaveProperty('password');
  });

  it('never say what the protocol says itself', async () => {
    const accounts = memoryAccounts([
      { ...ALICE, claims: { name: 'x', nonce: 'evil', sid: 'evil' } },
    ]);
    const scopes = { odd: { description: 'Odd', claims: ['nonce', 'sid', 'sub', 'name'] } };
    world = await makeWorld({ accounts, scopes });
    const wishes = { nonce: null, sid: null, sub: null, name: null };
    const tokens = await getTokens(world, request({ id_token: wishes }));
    expect(claimsOf(tokens.id_token)).toMatchObject({ nonce: 'the-nonce', name: 'x' });
    expect(claimsOf(tokens.id_token)['sid']).not.toBe('evil');
  });

  it('of a scope that the application may not have are left out', async () => {
    await world.provider.clients.update(world.web.clientId, { scopes: ['openid'] });
    const visit = await logIn(
      browser,
      await openAuthorize(world, browser, request({ userinfo: NAMES })),
    );
    expect(visit.html).not.toContain('email address');
    const tokens = await getTokens(world, request({ userinfo: NAMES, id_token: NAMES }));
    expect(await userinfo(tokens.access_token)).toEqual({ sub: ALICE.sub });
    expect(claimsOf(tokens.id_token)).not.toHaveProperty('name');
  });

  it('reach the host, which may know more', async () => {
    const heard: unknown[] = [];
    world = await makeWorld({
      claims: ({ target, requested }) => {
        heard.push([target, requested]);
        return requested.includes('roles') ? { roles: ['admin'] } : {};
      },
    });
    const tokens = await getTokens(world, request({ userinfo: { roles: null } }));
    expect(await userinfo(tokens.access_token)).toMatchObject({ roles: ['admin'] });
    expect(heard).toEqual([
      ['id_token', []],
      ['userinfo', ['roles']],
    ]);
  });
});

describe('consent', () => {
  it('UI-15 names what is asked for by name, and is asked once', async () => {
    const ask = async (): Promise<Visit> =>
      await openAuthorize(world, browser, request({ userinfo: NAMES }));
    const page = await logIn(browser, await ask());
    expect(page.html).toContain('See your name and profile details');
    expect(page.html).toContain('See your email address');
    expect(codeOf(await allow(browser, page))).not.toBeNull();
    expect(codeOf(await ask())).not.toBeNull();
    // What was allowed is the claims, not more scopes for this token.
    const plain = await openAuthorize(world, browser, { scope: 'openid' });
    expect(codeOf(plain)).not.toBeNull();
  });

  it('is asked again for more claims', async () => {
    const few = request({ userinfo: { name: null } });
    await allow(browser, await logIn(browser, await openAuthorize(world, browser, few)));
    const more = await openAuthorize(world, browser, request({ userinfo: NAMES }));
    expect(pageOf(more)).toBe('consent');
    const silent = { ...request({ userinfo: NAMES }), prompt: 'none' };
    expectRefusedRedirect(world, await openAuthorize(world, browser, silent), {
      error: 'consent_required',
      reason: 'prompt_none',
    });
  });
});

describe('the subject', () => {
  it('[OIDC Core §5.5.1] AZ-22 that is asked for by name has to sign in', async () => {
    const wish = request({ id_token: { sub: { value: BOB.sub } } });
    await allow(
      browser,
      await logIn(browser, await openAuthorize(world, browser, { scope: 'openid' })),
    );
    const again = await openAuthorize(world, browser, wish);
    expect(pageOf(again)).toBe('login');
    expectRefusedRedirect(world, await logIn(browser, again), {
      error: 'login_required',
      reason: 'subject_other_than_hinted',
    });
    const bob = await logIn(browser, await openAuthorize(world, browser, wish), BOB);
    expect(codeOf(await allow(browser, bob))).not.toBeNull();
  });

  it.each<[unknown]>([[{ toString: 'x' }], [{}], [[ALICE.sub]], [7], [true], [null]])(
    '[OIDC Core §5.5.1] AZ-22 %j is nobody',
    async (value) => {
      const wish = request({ id_token: { sub: { value } } });
      const visit = await openAuthorize(world, browserOf(world), { ...wish, prompt: 'none' });
      expectRefusedRedirect(world, visit, { error: 'login_required', reason: 'prompt_none' });
    },
  );

  it('cannot be two at once', async () => {
    const two = { id_token: { sub: { value: ALICE.sub } }, userinfo: { sub: { value: BOB.sub } } };
    const visit = await logIn(browser, await openAuthorize(world, browser, request(two)));
    expectRefusedRedirect(world, visit, {
      error: 'login_required',
      reason: 'subject_other_than_hinted',
    });
  });
});

describe('the authentication context', () => {
  /** Passwords reach `pwd`, unless somebody is stronger now. */
  let strength = 'pwd';
  const contexts = (acrValues: readonly string[] | undefined): Partial<Config> => {
    const people = memoryAccounts([ALICE, BOB]);
    return {
      accounts: {
        ...people,
        ...(acrValues === undefined ? {} : { acrValues }),
        async authenticate(credentials) {
          const proven = await people.authenticate?.(credentials);
          return proven == null ? null : { ...proven, acr: strength };
        },
      },
    };
  };
  const acr = (wish: object): Record<string, string> => request({ id_token: { acr: wish } });
  const essential = acr({ essential: true, values: ['mfa', 'hw'] });
  beforeEach(async () => {
    strength = 'pwd';
    world = await makeWorld(contexts(['pwd', 'mfa']));
    browser = browserOf(world);
    await allow(
      browser,
      await logIn(browser, await openAuthorize(world, browser, { scope: 'openid' })),
    );
  });

  it('[OIDC Core §5.5.1.1] that is essential asks for another login, and its failure is an error', async () => {
    const page = await openAuthorize(world, browser, essential);
    expect(pageOf(page)).toBe('login');
    expectRefusedRedirect(world, await logIn(browser, page), {
      error: 'unmet_authentication_requirements',
      reason: 'acr_not_reached',
    });
    strength = 'mfa';
    const proof = pkce();
    const done = await logIn(browser, await openAuthorize(world, browser, essential, proof));
    const tokens = await redeem(world, codeOf(done) ?? '', proof.verifier);
    expect(claimsOf(tokens.body['id_token'])['acr']).toBe('mfa');
    expect(codeOf(await openAuthorize(world, browser, essential))).not.toBeNull();
  });

  it('[OIDC Core §5.5.1.1] UI-14 is demanded by the endpoint: who leaves a page out comes back to it', async () => {
    const page = await openAuthorize(world, browser, essential);
    const interaction = new URL(page.url).searchParams.get('interaction') ?? '';
    for (const endpoint of ['authorize', 'interaction']) {
      const again = await browser.open(
        `${world.provider.url(endpoint)}?${new URLSearchParams({ interaction })}`,
      );
      expect(pageOf(again)).toBe('login');
    }
    const skipped = await browser.submit(page, { step: 'consent', decision: 'allow' });
    expect([skipped.status, codeOf(skipped)]).toEqual([403, null]);
  });

  it('[OIDC Core §5.5.1.1] that is essential and that no login reaches is an error at once', async () => {
    for (const changes of [
      acr({ essential: true, value: 'hw' }),
      { ...essential, prompt: 'none' },
    ]) {
      const none = 'prompt' in changes;
      expectRefusedRedirect(world, await openAuthorize(world, browser, changes), {
        error: none ? 'login_required' : 'unmet_authentication_requirements',
        reason: none ? 'prompt_none' : 'acr_not_reached',
      });
    }
  });

  it('[OIDC Core §5.5.1.1] that claims ask for is tried, and another is told', async () => {
    const page = await openAuthorize(world, browser, acr({ values: ['mfa'] }));
    expect(pageOf(page)).toBe('login');
    expect(codeOf(await logIn(browser, page))).not.toBeNull();
  });
  it('[RFC9470 §5] that acr_values ask for is reached, or the request fails', async () => {
    const changes = { scope: 'openid', acr_values: 'hw mfa' };
    const unmet = { error: 'unmet_authentication_requirements', reason: 'acr_not_reached' };
    const page = await openAuthorize(world, browser, changes);
    expect(pageOf(page)).toBe('login');
    expectRefusedRedirect(world, await logIn(browser, page), unmet);
    strength = 'mfa';
    const proof = pkce();
    const done = await logIn(browser, await openAuthorize(world, browser, changes, proof));
    const tokens = await redeem(world, codeOf(done) ?? '', proof.verifier);
    const { access_token: token } = tokens.body;
    const told = await post(world, 'introspect', { token: String(token) });
    // RFC 9470 §6.2: the API judges by these.
    expect([told.body['acr'], told.body['auth_time']]).toEqual(['mfa', world.now]);
  });
  it('[RFC9470 §5] that acr_values ask for and no login reaches is an error at once', async () => {
    const visit = await openAuthorize(world, browser, { scope: 'openid', acr_values: 'hw' });
    const error = 'unmet_authentication_requirements';
    expectRefusedRedirect(world, visit, { error, reason: 'acr_not_reached' });
  });
  it('[OIDC Core §3.1.2.1] that acr_values ask for is a wish where logins reach none', async () => {
    world = await makeWorld(contexts(undefined));
    browser = browserOf(world);
    const changes = { scope: 'openid', acr_values: 'hw' };
    const visit = await logIn(browser, await openAuthorize(world, browser, changes));
    expect(codeOf(await allow(browser, visit))).not.toBeNull();
  });

  it.each<[string, Record<string, string>]>([
    ['was reached', { scope: 'openid', acr_values: 'hw pwd' }],
    ['is named without values', acr({ essential: true })],
  ])('[OIDC Core §3.1.2.1] that %s asks nobody', async (_, changes) => {
    expect(codeOf(await openAuthorize(world, browser, changes))).not.toBeNull();
  });

  it('[OIDC Discovery §3] MD-02 is announced as the accounts say, and only then', async () => {
    for (const acrValues of [undefined, ['pwd', 'mfa']]) {
      const { provider } = await makeWorld(contexts(acrValues));
      const url = new URL('/.well-known/openid-configuration', ISSUER);
      const { body } = await read(await provider.fetch(new Request(url)));
      expect([body['acr_values_supported'], body['claims_parameter_supported']]).toEqual([
        acrValues,
        true,
      ]);
    }
  });
});

describe('bad input', () => {
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`c${index}`, null]));
  it.each([
    '',
    'x',
    '[]',
    'null',
    '"name"',
    '{"userinfo":[]}',
    '{"userinfo":"name"}',
    '{"id_token":{"name":true}}',
    '{"id_token":{"name":{"essential":"yes"}}}',
    '{"id_token":{"name":{"values":"x"}}}',
    '{',
  ])('[OIDC Core §5.5] AZ-22 %s is refused at the client', async (text) => {
    const visit = await openAuthorize(world, browser, request(text));
    if (text === '') expect(pageOf(visit)).toBe('login');
    else expectRefusedRedirect(world, visit, { error: 'invalid_request', reason: 'claims' });
  });

  it.each([
    ['many claims', JSON.stringify({ userinfo: many })],
    ['many levels', `${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`],
    [
      'values of many levels',
      `{"id_token":{"a":{"value":${'['.repeat(1500)}${']'.repeat(1500)}}}}`,
    ],
  ])('[OIDC Core §5.5] AZ-22 %s are refused at the client', async (_, text) => {
    const visit = await openAuthorize(world, browser, request(text));
    expectRefusedRedirect(world, visit, { error: 'invalid_request', reason: 'claims' });
  });

  it('[OIDC Core §5.5] AZ-22 IN-02 names of claims are data, and other members are ignored', async () => {
    const text =
      '{"__proto__":{"x":1},"other":3,"userinfo":{"__proto__":null,"constructor":null,"name":null}}';
    const tokens = await getTokens(world, request(text));
    expect(await userinfo(tokens.access_token)).toEqual({ sub: ALICE.sub, name: 'Alice Example' });
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});
