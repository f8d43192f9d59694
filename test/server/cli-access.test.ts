/** `valetkey session`, `consent`, `token` and `user unlock`. */
import { scriptedBrowser } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspect, type Json, makePlace, type Place, run, told } from './command-line.ts';

const PASSWORD = 'correct horse battery';
const CALLBACK = 'https://rp.example/cb';
const SECRET = 'a-secret-of-more-than-32-characters';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
  await told(['init'], place.env);
  await told(['user', 'create', '--username', 'alice', '--password', PASSWORD], place.env);
  const app = ['--client-id', 'app', '--client-secret', SECRET, '--no-require-pkce'];
  await told(
    ['application', 'create', '--kind', 'web', '--name', 'App', ...app, '--redirect-uri', CALLBACK],
    place.env,
  );
});
afterAll(async () => await place.remove());

const command = async (...args: string[]): Promise<Json> => await told(args, place.env);
const refused = async (...args: string[]): Promise<string> => {
  const { code, stderr } = await run(args, place.env);
  expect(code).toBe(1);
  return stderr;
};

/** Signs alice in, allows everything, and redeems the code. @param cookies of her own browser */
const signIn = async (
  password = PASSWORD,
  cookies: Map<string, string> = new Map(),
): Promise<Json | null> =>
  await inspect(place, async ({ provider }) => {
    const browser = scriptedBrowser(
      async (request) => await provider.fetch(request, { ip: '192.0.2.1' }),
      (url) => url.origin === provider.issuer,
    );
    // She is known in this browser, and not signed in.
    for (const [name, value] of cookies)
      if (!name.includes('session')) browser.cookies.set(name, value);
    const keep = (): void => {
      for (const [name, value] of browser.cookies) cookies.set(name, value);
    };
    const query = new URLSearchParams({
      client_id: 'app',
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: 'openid profile',
    });
    let visit = await browser.open(`${provider.url('authorize')}?${query}`);
    visit = await browser.submit(visit, { username: 'alice', password, decision: 'login' });
    if (visit.html.includes('id="consent-form"'))
      visit = await browser.submit(visit, { decision: 'allow' });
    keep();
    const code = visit.leaves?.searchParams.get('code');
    if (code === null || code === undefined) return null;
    const response = await provider.fetch(
      new Request(provider.url('token'), {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`app:${SECRET}`).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code,
          redirect_uri: CALLBACK,
        }).toString(),
      }),
    );
    return (await response.json()) as Json;
  });

describe('session, consent and token', () => {
  it('list what a person is signed in to and allowed, and end it', async () => {
    const tokens = await signIn();
    const access = String(tokens?.['access_token']);
    const refresh = String(tokens?.['refresh_token']);
    expect(await command('token', 'inspect', access)).toMatchObject({
      kind: 'access_token',
      state: 'active',
      clientId: 'app',
      scopes: ['openid', 'profile'],
    });
    expect(await command('token', 'inspect', refresh)).toMatchObject({
      kind: 'refresh_token',
      state: 'active',
    });
    const { sessions } = await command('session', 'list', '--username', 'alice');
    const [only] = sessions as { sid: string; methods: string[] }[];
    expect(only?.methods).toEqual(['pwd']);
    const { consents } = await command('consents', 'list', '--username', 'alice');
    expect(consents).toMatchObject([{ client_id: 'app', scope: 'openid profile' }]);

    expect(
      await command('session', 'end', '--username', 'alice', '--sid', only?.sid ?? ''),
    ).toEqual(expect.objectContaining({ ended: only?.sid }));
    // A logout ends the tokens of the session.
    expect((await command('token', 'inspect', refresh))['state']).toBe('revoked');
    expect(await refused('token', 'inspect', access)).toMatch(/no access or refresh token/);
    expect((await run(['session', 'list', '--username', 'alice'], place.env)).stdout).toBe(
      'No sessions.\n',
    );
    expect(await refused('session', 'end', '--username', 'alice', '--sid', 'x')).toMatch(
      /no session x .* session list/,
    );
  });
  it('token revoke ends a token with its family, also from standard input', async () => {
    const tokens = await signIn();
    const refresh = String(tokens?.['refresh_token']);
    const { code } = await run(['token', 'revoke', '-'], place.env, { input: `${refresh}\n` });
    expect(code).toBe(0);
    expect((await command('token', 'inspect', refresh))['state']).toBe('revoked');
    expect(await refused('token', 'revoke', refresh)).toMatch(/ended already/);
    expect(await refused('token', 'inspect', 'nonsense')).toMatch(/no access or refresh token/);
    const again = String((await signIn())?.['access_token']);
    expect(await command('token', 'revoke', again)).toEqual({ revoked: true });
    expect(await refused('token', 'inspect', again)).toMatch(/has ended/);
  });
  it('consent revoke withdraws what was allowed, with the tokens', async () => {
    const refresh = String((await signIn())?.['refresh_token']);
    await command('consent', 'revoke', '--username', 'alice', '--client-id', 'app');
    expect((await command('token', 'inspect', refresh))['state']).not.toBe('active');
    expect(await refused('consent', 'revoke', '--username', 'alice', '--client-id', 'app')).toMatch(
      /allowed app nothing/,
    );
    expect(await refused('consent', 'list')).toMatch(/--username or --sub/);
    expect(await refused('consent', 'list', '--username', 'nobody')).toMatch(/user list/);
  });
});

describe('user', () => {
  it('unlock forgets wrong passwords, so that the owner signs in', async () => {
    for (let attempt = 0; attempt < 5; attempt += 1) expect(await signIn('wrong')).toBeNull();
    expect(await signIn()).toBeNull();
    const shown = await run(['user', 'show', '--username', 'alice'], place.env);
    expect(shown.stdout).toMatch(/State +enabled, locked until \d{4}.* \(valetkey user unlock\)/);
    const { events } = await command('audit', '--type', 'login.limited');
    expect(events).toMatchObject([{ reason: 'rate_limited' }]);
    expect(await command('user', 'unlock', '--username', 'alice')).toMatchObject({
      unlocked: true,
    });
    expect(await command('user', 'show', '--username', 'alice')).toMatchObject({
      locked_until: null,
    });
    expect(await signIn()).not.toBeNull();
  });
  it('unlock works in her own browser, where she mistyped', async () => {
    const own = new Map<string, string>();
    expect(await signIn(PASSWORD, own)).not.toBeNull();
    // The browser has a limit of its own, and then that of the account counts.
    for (let attempt = 0; attempt < 10; attempt += 1) expect(await signIn('wrong', own)).toBeNull();
    expect(await signIn(PASSWORD, own)).toBeNull();
    await command('user', 'unlock', '--username', 'alice');
    expect(await signIn(PASSWORD, own)).not.toBeNull();
    const { events } = await command('audit', '--type', 'subject.unlocked');
    expect((events as Json[]).at(-1)).toMatchObject({ detail: { username: 'alice' } });
  });
  it('create, update, set-password and delete stand in the audit log, without what was given', async () => {
    const one = ['--username', 'carol'];
    const { sub } = await command('user', 'create', ...one, '--name', 'Carol Example');
    await command('user', 'update', ...one, '--name', 'Carol Other', '--remove', 'email');
    await command('user', 'set-password', ...one);
    const { events } = await command('audit', ...one);
    await command('user', 'delete', ...one);
    const { events: ends } = await command('audit', '--type', 'subject.deleted');
    expect(events).toMatchObject([
      { type: 'subject.created', sub, detail: {} },
      { type: 'subject.updated', sub, detail: { changed: 'name email' } },
      { type: 'subject.revoked', sub, reason: 'password_changed' },
    ]);
    expect(ends).toMatchObject([{ sub }]);
    expect(JSON.stringify(events)).not.toContain('Carol');
  });
  it('disable keeps the reason in the audit log', async () => {
    await command('user', 'disable', '--username', 'alice', '--reason', 'left the company');
    const { sub } = await command('user', 'enable', '--username', 'alice');
    const { events } = await command('audit', '--username', 'alice');
    expect((events as Json[]).slice(-2)).toMatchObject([
      { type: 'subject.disabled', reason: 'left the company', sub },
      { type: 'subject.enabled', sub },
    ]);
    expect(await refused('audit', '--username', 'nobody')).toMatch(/user list/);
  });
});

describe('words of other software', () => {
  it.each([
    ['app', 'list'],
    ['client', 'list'],
    ['users', 'list'],
  ])('%s %s works', async (...words) => {
    expect((await run(words, place.env)).code).toBe(0);
  });
  it('user passwd sets a password, and a misspelt scope is told', async () => {
    const { code } = await run(['user', 'passwd', '--username', 'alice'], place.env);
    expect(code).toBe(0);
    expect(
      await refused('app', 'create', '--kind', 'service', '--name', 'x', '--scope', 'profil'),
    ).toMatch(/"profil", which is no scope of this server \(there are: openid/);
  });
  it('rotate-secret says until when the earlier one works', async () => {
    const rotate = ['app', 'rotate-secret', '--client-id', 'app'];
    const { stdout } = await run([...rotate, '--overlap', '3600'], place.env);
    expect(stdout).toMatch(/Earlier secrets +work until 20\d\d-/);
    expect((await run([...rotate, '--overlap', '0'], place.env)).stdout).toMatch(
      /Earlier secrets +have ended/,
    );
  });
});
