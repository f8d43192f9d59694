/**
 * The command line as a whole: help, unknown arguments, missing folders and databases, and the
 * commands for maintenance.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sample } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES } from '../databases.ts';
import {
  call,
  calledTold,
  type Env,
  inspect,
  makePlace,
  oneObject,
  type Place,
  problemsIn,
  run,
  told,
} from './command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'valetkey-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const NOWHERE = join(folder, 'nowhere');

describe('help', () => {
  const person = [
    'name',
    'given-name',
    'family-name',
    'middle-name',
    'nickname',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
  ];
  const more = [
    'zoneinfo',
    'locale',
    'email',
    'email-verified',
    'phone-number',
    'phone-number-verified',
    'address',
  ];
  const application = [
    'name',
    'redirect-uri',
    'post-logout-redirect-uri',
    'allowed-origin',
    'grant-type',
    'scope',
    'client-type',
    'owner',
  ];
  const further = [
    'application-type',
    'auth-method',
    'algorithm',
    'skip-consent',
    'skip-authorization',
    'user',
    'client-uri',
    'logo-uri',
  ];
  it.each<[command: string, options: string[]]>([
    ['', ['version']],
    ['init', []],
    ['serve', ['port', 'host']],
    ['migrate', ['dry-run']],
    ['user create', ['username', 'sub', 'password', 'password-stdin', ...person, ...more]],
    ['user list', ['after', 'limit']],
    ['user show', ['username']],
    ['user update', ['username', 'remove', 'name', 'address']],
    ['user delete', ['username']],
    ['application show', ['client-id']],
    ['application update', ['client-id', 'name', 'redirect-uri']],
    ['application disable', ['client-id']],
    ['application enable', ['client-id']],
    ['user set-password', ['username', 'password', 'password-stdin']],
    ['user disable', ['username']],
    ['user enable', ['username']],
    [
      'application create',
      [
        ...application,
        ...further,
        'contact',
        'policy-uri',
        'tos-uri',
        'client-id',
        'client-secret',
      ],
    ],
    ['application list', ['after', 'limit']],
    ['application delete', ['client-id']],
    ['application rotate-secret', ['client-id', 'overlap']],
    ['keys list', []],
    ['keys rotate', ['emergency']],
    ['clear-expired', ['batch-size', 'pause']],
    ['doctor', ['settings']],
  ])('describes every option of "%s"', async (command, options) => {
    const { code, stdout, stderr } = await call([
      ...command.split(' ').filter((part) => part !== ''),
      '--help',
    ]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.split('\n')[0]).toMatch(new RegExp(`^Usage: valetkey ${command}`));
    // Each option has a name, a placeholder and a description.
    for (const option of [...options, 'config', 'data-dir', 'json', 'help'])
      expect(stdout).toMatch(new RegExp(`^ +(-\\w, )?--${option}( <[\\w-]+>)?(  +|\\n +)\\S`, 'm'));
  });

  it('lists every command', async () => {
    const { stdout } = await run(['help']);
    for (const command of [
      'init',
      'serve',
      'migrate',
      'user',
      'application',
      'keys',
      'clear-expired',
      'doctor',
    ])
      expect(stdout).toMatch(new RegExp(`^  ${command}( \\[options\\])?  +\\S`, 'm'));
  });
});

describe('the command line refuses before it opens anything', () => {
  it.each<[args: string]>([
    [''],
    ['nonsense'],
    ['user'],
    ['user creat'],
    ['user create'],
    ['user create --username'],
    ['user create --username x --bogus'],
    ['user create --username x --address nonsense'],
    ['user list --limit 0'],
    ['user list everybody'],
    ['application create'],
    ['application delete'],
    ['application rotate-secret --client-id x --overlap -1'],
    ['keys rotate --emergency=now'],
    ['serve --port 65536'],
    ['migrate --dryrun'],
    ['clear-expired --batch-size 0'],
    ['clear-expired --pause long'],
  ])('"%s"', async (args) => {
    const words = args.split(' ').filter((part) => part !== '');
    const [text, json] = [
      await call(words, at(NOWHERE)),
      await call(['--json', ...words], at(NOWHERE)),
    ];
    const problems = problemsIn(text);
    expect(problems).toHaveLength(1);
    expect([json.code, oneObject(json.stdout)]).toEqual([1, { error: problems }]);
    expect(existsSync(NOWHERE)).toBe(false);
  });

  it('invalid settings, and prints each problem on its own line', async () => {
    const env = { ...at(NOWHERE), PORT: 'x', VALETKEY_ISUER: 'y', VALETKEY_ACCENT_COLOR: 'red' };
    for (const command of [['serve'], ['user', 'list'], ['doctor']])
      expect(
        problemsIn(await call(command, env))
          .map((problem) => problem.split(' ')[0])
          .sort(),
      ).toEqual(['PORT', 'VALETKEY_ACCENT_COLOR', 'VALETKEY_ISUER']);
    const json = await call(['init', '--json'], env);
    expect([json.code, json.stderr, oneObject(json.stdout)]).toEqual([
      1,
      '',
      { error: expect.toSatisfy((list: unknown[]) => list.length === 3) },
    ]);
  });

  it('a missing settings file, and names it', async () => {
    const [problem] = problemsIn(
      await call(['user', 'list', '--config', join(NOWHERE, 'settings.json')], at(NOWHERE)),
    );
    expect(problem).toContain(join(NOWHERE, 'settings.json'));
  });
});

describe('a missing data folder or database', () => {
  it.each([
    'user list',
    'user create --username x',
    'application create --name x --redirect-uri https://rp.example/',
    'keys rotate',
    'clear-expired',
    'migrate --dry-run',
  ])('%s names the missing folder and does not create it', async (args) => {
    const missing = join(folder, `missing-${args.split(' ', 1)[0]}`);
    const problems = problemsIn(await call([...args.split(' '), '--data-dir', missing]));
    expect(problems).toEqual([expect.stringContaining(missing)]);
    expect(existsSync(missing)).toBe(false);
  });

  it('commands report a database that does not answer in one line, without its password', async () => {
    const env = { ...at(NOWHERE), DATABASE_URL: 'postgres://somebody:hidden@127.0.0.1:1/x' };
    for (const command of [['user', 'list'], ['serve'], ['migrate']]) {
      const [problem = '', ...others] = problemsIn(await call(command, env));
      expect(others).toEqual([]);
      expect(problem).not.toContain('hidden');
    }
  });
});

describe('settings', () => {
  it('come from the file in the working folder, but --data-dir wins over the file', async () => {
    const cwd = join(folder, 'working');
    mkdirSync(cwd);
    const settings = {
      dataDir: join(folder, 'from-file'),
      issuer: 'https://op.example',
      basePath: '/auth',
    };
    writeFileSync(join(cwd, 'valetkey.config.json'), JSON.stringify(settings));
    const { code, stdout } = await run(
      ['init', '--json', '--data-dir', join(folder, 'from-flag')],
      {},
      { cwd },
    );
    expect([code, oneObject(stdout)['issuer']]).toEqual([0, 'https://op.example']);
    expect([
      existsSync(join(folder, 'from-flag', 'secret')),
      existsSync(join(folder, 'from-file')),
    ]).toEqual([true, false]);
  });
});

describe.concurrent.each(DATABASES)('$name', (kind) => {
  describe.skipIf(kind.missing).sequential('migrate', () => {
    let place: Place;
    beforeAll(async () => {
      place = await makePlace({ VALETKEY_AUTO_MIGRATE: 'off' }, kind);
      // A dry run creates nothing, so it needs an empty database file.
      const file = /^sqlite:(.*)$/.exec(place.env['DATABASE_URL'] ?? '')?.[1];
      if (file !== undefined) writeFileSync(file, '');
    });
    afterAll(async () => await place.remove());

    it('serve does not start on an outdated schema when autoMigrate is off', async () => {
      expect(problemsIn(await run(['serve'], place.env))).toEqual([
        expect.stringContaining('valetkey migrate'),
      ]);
      expect(existsSync(join(place.folder, 'data', 'secret'))).toBe(false);
    });
    it('--dry-run lists pending migrations and applies none', async () => {
      const dry = await told(['migrate', '--dry-run'], place.env);
      expect(dry['applied']).toEqual([]);
      expect((dry['pending'] as string[]).length).toBeGreaterThan(1);
      const applied = await told(['migrate'], place.env);
      expect(applied).toEqual({ applied: dry['pending'], pending: [] });
      expect(await told(['migrate'], place.env)).toEqual({ applied: [], pending: [] });
    });
    it('needs no secret and creates none', () =>
      expect(existsSync(join(place.folder, 'data', 'secret'))).toBe(false));
  });
});

describe('maintenance', () => {
  let place: Place;
  beforeAll(async () => {
    place = await makePlace();
    await told(['init'], place.env);
  });
  afterAll(async () => await place.remove());
  const keys = async (
    ...args: string[]
  ): Promise<{ readonly kid: string; readonly state: string }[]> =>
    (await told(['keys', ...args], place.env))['keys'] as { kid: string; state: string }[];

  it('keys list shows the keys; keys rotate publishes a successor, or replaces keys at once with --emergency', async () => {
    const first = await keys('list');
    expect(first.map(({ state }) => state)).toEqual(Array(4).fill('current'));
    const rotated = await keys('rotate');
    const isFirst = (kid: string): boolean => first.some((key) => key.kid === kid);
    expect(rotated.map(({ kid, state }) => [isFirst(kid), state]).sort()).toEqual([
      ...Array(4).fill([false, 'next']),
      ...Array(4).fill([true, 'current']),
    ]);
    const emergency = await keys('rotate', '--emergency');
    expect(emergency.map(({ state }) => state)).toEqual(Array(4).fill('current'));
    expect(emergency.filter(({ kid }) => rotated.some((key) => key.kid === kid))).toEqual([]);
    const [only] = emergency;
    const { stdout } = await run(['keys', 'list'], place.env);
    expect(stdout).toMatch(new RegExp(`^${only?.kid} +RS256 +current `, 'm'));
  });

  it('clear-expired deletes only expired rows, in batches with pauses', async () => {
    const now = Math.floor(Date.now() / 1000);
    const [over, live] = [25, 5].map((length) => Array.from({ length }, () => randomUUID()));
    await inspect(place, async ({ provider: { store } }) => {
      const put = async (digest: string, expiresAt: number): Promise<boolean> =>
        await store.oneTime.put(sample.oneTime({ digest, expiresAt }));
      for (const digest of over ?? []) await put(digest, now - 1);
      for (const digest of live ?? []) await put(digest, now + 600);
      await store.counters.hit('over', 10, now - 100);
      await store.counters.hit('live', 600, now);
    });
    const begun = Date.now();
    const { cleared } = await told(
      ['clear-expired', '--batch-size', '10', '--pause', '0.5'],
      place.env,
    );
    expect(cleared).toMatchObject({
      oneTimeRecords: 25,
      counters: 1,
      initialAccessTokens: 0,
      sessionClients: 0,
      codes: 0,
      sessions: 0,
      accessTokens: 0,
    });
    // Three batches have two pauses between them.
    expect(Date.now() - begun).toBeGreaterThan(1000);
    const found = await inspect(place, async ({ provider: { store } }) => ({
      records: await Promise.all(
        (live ?? []).map(async (digest) => await store.oneTime.find({ kind: 'sample', digest })),
      ),
      counter: (await store.counters.hit('live', 600, now)).count,
    }));
    expect(found.records.map((record) => record?.digest)).toEqual(live);
    expect(found.counter).toBe(2);
    expect((await calledTold(['clear-expired'], place.env))['cleared']).toMatchObject({
      oneTimeRecords: 0,
      counters: 0,
      initialAccessTokens: 0,
      sessionClients: 0,
    });
  });
});

function at(dataDir: string): Env {
  return { VALETKEY_DATA_DIR: dataDir };
}
