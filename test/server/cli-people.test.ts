/**
 * `valetkey user …`: what an account is made of arrives where relying parties read it, and what
 * ends access ends it at once.
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
/** Each standard claim as it is typed. Not the username, which is preferred_username. */
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
 * Times are whole seconds: a sign-in in the very second in which everything ended counts as under
 * way by then.
 */
const nextSecond = async (): Promise<void> => await sleep(1000 - (Date.now() % 1000) + 10);

/** Signed in, with tokens: what they are still good for. */
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

describe('what is refused', () => {
  const creating = ['user', 'create', '--username', 'bad', '--password', PASSWORD];
  it.each<[name: string, args: string[]]>([
    ['a short password', ['user', 'create', '--username', 'bad', '--password', 'short']],
    ['a long password', ['user', 'create', '--username', 'bad', '--password', 'a'.repeat(129)]],
    ['no username', ['user', 'create', '--username', ' ', '--password', PASSWORD]],
    [
      'a username that cannot be seen',
      ['user', 'create', '--username', 'a\u200b\u0007', '--password', PASSWORD],
    ],
    ['a username that is there', ['user', 'create', '--username', 'ADMIN', '--password', PASSWORD]],
    ['a subject that is none', [...creating, '--sub', 'a b']],
    ['a password twice', [...creating, '--password-stdin']],
    ['an address that is none', [...creating, '--email', 'nonsense']],
    ['an empty name', [...creating, '--name', '']],
    ['a birthday that is none', [...creating, '--birthdate', 'yesterday']],
    ['a picture that is none', [...creating, '--picture', 'nonsense']],
    ['a postal address that is text', [...creating, '--address', '"Paris"']],
    ['a postal address with a number', [...creating, '--address', '{"postal_code": 75001}']],
    ['a postal address that is a list', [...creating, '--address', '[]']],
    ['nobody’s new password', ['user', 'set-password', '--username', 'nobody']],
    ['to enable nobody', ['user', 'enable', '--username', 'nobody']],
    ['to disable nobody', ['user', 'disable', '--username', 'nobody']],
    ['to show nobody', ['user', 'show', '--username', 'nobody']],
    ['to delete nobody', ['user', 'delete', '--username', 'nobody']],
    ['to change nobody', ['user', 'update', '--username', 'nobody', '--name', 'x']],
    ['to change nothing', ['user', 'update', '--username', 'admin']],
    [
      'to change to an address that is none',
      ['user', 'update', '--username', 'admin', '--email', 'nonsense'],
    ],
  ])('%s', async (_name, args) => expect(problemsIn(await call(args, place.env))).toHaveLength(1));

  it('a subject that is there already, and it says so', async () => {
    await create('first', '--sub', 'the-subject');
    const [problem] = problemsIn(
      await call(['user', 'create', '--username', 'second', '--sub', 'the-subject'], place.env),
    );
    expect(problem).toContain('the-subject');
  });
});

describe('an account', () => {
  it('has every standard claim as an option, and userinfo tells what was typed', async () => {
    expect(Object.keys(CLAIMS).sort()).toEqual(
      STANDARD_CLAIMS.filter((name) => name !== 'preferred_username').sort(),
    );
    const options = Object.entries(CLAIMS).flatMap(([claim, { typed }]) =>
      // A value that begins with a dash has to be given with an equals sign.
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

  it('gets a password, typed in or made; only one that was made is told', async () => {
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

  it('is listed, in pages', async () => {
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

  it('loses sessions and tokens with its password, and the old password with them', async () => {
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

  it('is shown, changed and deleted, with all it had', async () => {
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

  it('is disabled, with all it had, and enabled', async () => {
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
    // What ended stays ended.
    expect(await good()).toEqual([401, 400, 400]);
  });
});
