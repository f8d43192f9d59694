/**
 * `valetkey user …`: the data of an account reaches relying parties, and commands that end access
 * revoke sessions and tokens at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { STANDARD_CLAIMS } from 'valetkey/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Program, stop } from '../processes.ts';
import {
  call,
  calledTold,
  inspect,
  type Json,
  makePlace,
  type Place,
  problemsIn,
  type Ran,
  run,
  startServing,
  told,
  untilTold,
} from './command-line.ts';
import {
  type Application,
  answer,
  authorizeUrl,
  browserAt,
  exchange,
  type Person,
  post,
  random,
  signIn,
  userinfo,
} from './sign-in.ts';

const PASSWORD = 'correct horse battery';
/** Each standard claim as the operator types it, except preferred_username, the username. */
const CLAIMS: Readonly<
  Record<string, { readonly typed: readonly string[]; readonly told: unknown }>
> = {
  name: { typed: ['Zoë Example'], told: 'Zoë Example' },
  given_name: { typed: ['Zoë'], told: 'Zoë' },
  family_name: { typed: ['Example'], told: 'Example' },
  middle_name: { typed: ['J.'], told: 'J.' },
  nickname: { typed: ['-zo'], told: '-zo' },
  profile: { typed: ['https://zoe.example/'], told: 'https://zoe.example/' },
  picture: { typed: ['https://zoe.example/me.png'], told: 'https://zoe.example/me.png' },
  website: { typed: ['https://zoe.example/blog'], told: 'https://zoe.example/blog' },
  gender: { typed: ['female'], told: 'female' },
  birthdate: { typed: ['1990-02-03'], told: '1990-02-03' },
  zoneinfo: { typed: ['Europe/Paris'], told: 'Europe/Paris' },
  locale: { typed: ['fr-FR'], told: 'fr-FR' },
  email: { typed: ['zoe@example.com'], told: 'zoe@example.com' },
  email_verified: { typed: [], told: true },
  phone_number: { typed: ['+33 1 23 45 67 89'], told: '+33 1 23 45 67 89' },
  phone_number_verified: { typed: [], told: true },
  address: {
    typed: ['{"country":"FR","locality":"Paris"}'],
    told: { country: 'FR', locality: 'Paris' },
  },
};

let place: Place;
let server: Program;
let application: Application;

beforeAll(async () => {
  place = await makePlace();
  server = await startServing(place, ['--json']);
  const { clientSecret } = (await untilTold(server))['demo'] as { clientSecret: string };
  application = { clientId: 'demo', clientSecret, redirectUri: 'http://127.0.0.1:8400/callback' };
});
afterAll(async () => {
  await stop(server);
  await place.remove();
});

const person = (username: string, password = PASSWORD): Person => ({ username, password });
const entered = async (who: Person): Promise<boolean> =>
  (await signIn(place.issuer, who, application)) !== null;
const create = async (username: string, ...more: string[]): Promise<Json> =>
  await calledTold(
    ['user', 'create', '--username', username, '--password', PASSWORD, ...more],
    place.env,
  );

/**
 * Waits for the next second. Times are whole seconds, and a sign-in in the same second as a
 * revocation counts as begun before it.
 */
const nextSecond = async (): Promise<void> => await sleep(1000 - (Date.now() % 1000) + 10);

/**
 * Signs a person in and gets tokens. The result checks, by HTTP status, whether the access token,
 * the session and the refresh token still work.
 */
async function tokensOf(who: Person): Promise<() => Promise<readonly number[]>> {
  const request = { state: random(), nonce: random(), verifier: random() };
  const browser = browserAt(place.issuer);
  const visit = await answer(
    browser,
    await browser.open(authorizeUrl(place.issuer, application, request)),
    who,
  );
  const code = visit.leaves?.searchParams.get('code') ?? '';
  const { body } = await post(
    place.issuer,
    'token',
    exchange(code, application, request),
    application,
  );
  return async () => {
    const refresh = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) };
    const silent = await browser.open(
      authorizeUrl(place.issuer, application, request, { prompt: 'none' }),
    );
    return [
      (await userinfo(place.issuer, body['access_token'])).status,
      silent.leaves?.searchParams.has('code') === true ? 200 : 400,
      (await post(place.issuer, 'token', refresh, application)).status,
    ];
  };
}

describe('user commands refuse', () => {
  const creating = ['user', 'create', '--username', 'bad', '--password', PASSWORD];
  it.each<[name: string, args: string[]]>([
    ['a short password', ['user', 'create', '--username', 'bad', '--password', 'short']],
    ['a long password', ['user', 'create', '--username', 'bad', '--password', 'a'.repeat(129)]],
    ['a blank username', ['user', 'create', '--username', ' ', '--password', PASSWORD]],
    [
      'a username of invisible characters',
      ['user', 'create', '--username', 'a\u200b\u0007', '--password', PASSWORD],
    ],
    ['a username that is taken', ['user', 'create', '--username', 'ADMIN', '--password', PASSWORD]],
    ['an invalid subject', [...creating, '--sub', 'a b']],
    ['two password options', [...creating, '--password-stdin']],
    ['an invalid email address', [...creating, '--email', 'nonsense']],
    ['an empty name', [...creating, '--name', '']],
    ['an invalid birthdate', [...creating, '--birthdate', 'yesterday']],
    ['an invalid picture URL', [...creating, '--picture', 'nonsense']],
    ['a postal address that is a string', [...creating, '--address', '"Paris"']],
    ['a postal address with a number', [...creating, '--address', '{"postal_code": 75001}']],
    ['a postal address that is a list', [...creating, '--address', '[]']],
    ['to set the password of an unknown user', ['user', 'set-password', '--username', 'nobody']],
    ['to enable an unknown user', ['user', 'enable', '--username', 'nobody']],
    ['to disable an unknown user', ['user', 'disable', '--username', 'nobody']],
    ['to show an unknown user', ['user', 'show', '--username', 'nobody']],
    ['to delete an unknown user', ['user', 'delete', '--username', 'nobody']],
    ['to change an unknown user', ['user', 'update', '--username', 'nobody', '--name', 'x']],
    ['an update without a change', ['user', 'update', '--username', 'admin']],
    [
      'an update with an invalid email address',
      ['user', 'update', '--username', 'admin', '--email', 'nonsense'],
    ],
  ])('%s', async (_name, args) => expect(problemsIn(await call(args, place.env))).toHaveLength(1));

  it('a subject that is taken, and name it', async () => {
    await create('first', '--sub', 'the-subject');
    const [problem] = problemsIn(
      await call(['user', 'create', '--username', 'second', '--sub', 'the-subject'], place.env),
    );
    expect(problem).toContain('the-subject');
  });
  it('[RFC9700 §4.15] a subject that is a client_id, or a client_id that is a subject', async () => {
    const named = ['--client-id', 'third-subject'];
    const application = [
      'application',
      'create',
      '--name',
      'App',
      '--redirect-uri',
      'https://a.example/',
    ];
    await create('third', '--sub', 'third-subject');
    expect(problemsIn(await call([...application, ...named], place.env))).toEqual([
      expect.stringContaining('third-subject is the subject of an account'),
    ]);
    expect(
      problemsIn(
        await call(['user', 'create', '--username', 'second', '--sub', 'demo'], place.env),
      ),
    ).toEqual([expect.stringContaining('demo is the client_id of an application')]);
  });
});

describe('user commands', () => {
  it('create has an option for every standard claim, and userinfo returns the typed values', async () => {
    expect(Object.keys(CLAIMS).sort()).toEqual(
      STANDARD_CLAIMS.filter((name) => name !== 'preferred_username').sort(),
    );
    const options = Object.entries(CLAIMS).flatMap(([claim, { typed }]) =>
      // A value that begins with a dash must follow an equals sign.
      typed[0]?.startsWith('-')
        ? [`--${claim}=${typed[0]}`]
        : [`--${claim.replaceAll('_', '-')}`, ...typed],
    );
    const made = await told(
      ['user', 'create', '--username', 'Zoë', '--password', PASSWORD, '--sub', 'zoe-1', ...options],
      place.env,
    );
    expect(made).toEqual({ sub: 'zoe-1', username: 'zoë' });
    const expected = Object.fromEntries(
      Object.entries(CLAIMS).map(([claim, { told: value }]) => [claim, value]),
    );
    const claims = await signIn(place.issuer, person('zoË'), application);
    expect(claims).toEqual({
      sub: 'zoe-1',
      preferred_username: 'zoë',
      updated_at: expect.any(Number),
      ...expected,
    });
    expect(
      await inspect(place, async ({ accounts }) => await accounts.find('zoe-1')),
    ).toMatchObject({ enabled: true, claims: expected });
  });

  it('create reads a password or generates one, and prints only a generated one', async () => {
    const typed = await told(
      ['user', 'create', '--username', 'typed', '--password-stdin'],
      place.env,
      { input: `${PASSWORD}\n` },
    );
    expect(typed).toEqual({ sub: expect.any(String), username: 'typed' });
    expect(await entered(person('typed'))).toBe(true);
    const made = await calledTold(['user', 'create', '--username', 'made'], place.env);
    expect(await entered(person('made', String(made['password'])))).toBe(true);
    const { stdout } = await run(['user', 'create', '--username', 'text'], place.env);
    expect(await entered(person('text', /^Password +(\S+)$/m.exec(stdout)?.[1]))).toBe(true);
  });

  it('list returns accounts in pages', async () => {
    await create('alice', '--name', 'Alice Example');
    const all = (await told(['user', 'list'], place.env))['users'] as Json[];
    expect(all.find(({ username }) => username === 'alice')).toMatchObject({
      name: 'Alice Example',
      enabled: true,
      sub: expect.any(String),
    });
    const names = all.map(({ username }) => String(username));
    expect(names).toEqual([...names].sort());
    const page = (
      await calledTold(['user', 'list', '--limit', '2', '--after', names[0] ?? ''], place.env)
    )['users'] as Json[];
    expect(page.map(({ username }) => username)).toEqual(names.slice(1, 3));
    const { stdout } = await call(['user', 'list'], place.env);
    for (const name of names) expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
  });

  it('RT-09 set-password ends all sessions and tokens and replaces the old password', async () => {
    await create('bob');
    const good = await tokensOf(person('bob'));
    expect(await good()).toEqual([200, 200, 200]);
    const set = await told(
      ['user', 'set-password', '--username', 'BOB', '--password-stdin'],
      place.env,
      {
        input: 'another good password',
      },
    );
    expect(set).toEqual({ username: 'bob', sub: expect.any(String) });
    expect(await good()).toEqual([401, 400, 400]);
    await nextSecond();
    expect([
      await entered(person('bob')),
      await entered(person('bob', 'another good password')),
    ]).toEqual([false, true]);
    const made = await calledTold(['user', 'set-password', '--username', 'bob'], place.env);
    await nextSecond();
    expect(await entered(person('bob', String(made['password'])))).toBe(true);
  });

  it('show, update and delete work, and delete ends all sessions and tokens', async () => {
    await create('dora', '--name', 'Dora', '--email', 'dora@example.com');
    const good = await tokensOf(person('dora'));
    await calledTold(
      ['user', 'update', '--username', 'dora', '--name', 'Dora Example', '--remove', 'email'],
      place.env,
    );
    const shown = await calledTold(['user', 'show', '--username', 'DORA'], place.env);
    expect(shown).toMatchObject({
      username: 'dora',
      enabled: true,
      claims: { name: 'Dora Example', preferred_username: 'dora' },
    });
    expect(shown['claims']).not.toHaveProperty('email');
    expect(await good()).toEqual([200, 200, 200]);
    expect(await calledTold(['user', 'delete', '--username', 'dora'], place.env)).toMatchObject({
      deleted: 'dora',
    });
    expect(await good()).toEqual([401, 400, 400]);
    await nextSecond();
    expect(await entered(person('dora'))).toBe(false);
  });

  it('RT-09 disable ends all sessions and tokens, and enable allows a new sign-in', async () => {
    await create('carol');
    const good = await tokensOf(person('carol'));
    expect(await told(['user', 'disable', '--username', 'carol'], place.env)).toMatchObject({
      username: 'carol',
      enabled: false,
    });
    expect(await good()).toEqual([401, 400, 400]);
    expect(await entered(person('carol'))).toBe(false);
    const [carol] = (
      await calledTold(['user', 'list', '--after', 'bob', '--limit', '1'], place.env)
    )['users'] as Json[];
    expect(carol).toMatchObject({ username: 'carol', enabled: false });
    const again: Ran = await run(['user', 'enable', '--username', 'carol'], place.env);
    expect([again.code, again.stderr]).toEqual([0, '']);
    await nextSecond();
    expect(await entered(person('carol'))).toBe(true);
    // The old sessions and tokens stay ended.
    expect(await good()).toEqual([401, 400, 400]);
  });
});
