/** `valetkey doctor`: finds each problem, says how to correct it, and changes nothing. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { settingsTable } from 'valetkey/server';
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

interface Finding {
  readonly about: string;
  readonly ok: boolean;
  readonly found: string;
  readonly remedy: string | null;
}

/** The names of the failed checks. Asserts that text, JSON and exit code agree. */
async function wrong(env: Env): Promise<readonly string[]> {
  const [json, text] = [await call(['doctor', '--json'], env), await call(['doctor'], env)];
  const { healthy, findings } = oneObject(json.stdout) as { healthy: boolean; findings: Finding[] };
  const bad = findings.filter(({ ok }) => !ok);
  expect([healthy, json.code, text.code, json.stderr, text.stderr]).toEqual(
    bad.length === 0 ? [true, 0, 0, '', ''] : [false, 1, 1, '', ''],
  );
  const marks = text.stdout
    .split('\n')
    .flatMap((line) => /^([✓✗]) ([^:]+): ./u.exec(line)?.slice(1, 3).join(' ') ?? []);
  expect(marks).toEqual(findings.map(({ ok, about }) => `${ok ? '✓' : '✗'} ${about}`));
  for (const { remedy } of bad) if (remedy !== null) expect(text.stdout).toContain(remedy);
  return bad.map(({ about }) => about);
}

/**
 * Every file below a folder with its size and mode, to show that nothing changes. It leaves out the
 * side files of SQLite, which even a reader creates.
 */
function contents(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(({ name }) => !/-(wal|shm)$/.test(name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .map((path) => `${path} ${statSync(path).size} ${statSync(path).mode}`)
    .sort();
}

describe('doctor on a SQLite file', () => {
  it('finds a database file that other users can read', async () => {
    const own = await makePlace();
    try {
      await told(['init'], own.env);
      const file = String(own.env['DATABASE_URL']).replace('sqlite:', '');
      const files = [file, `${file}-wal`, `${file}-shm`].filter((one) => existsSync(one));
      for (const one of files) chmodSync(one, 0o644);
      expect(await wrong(own.env)).toEqual(['Database file']);
      for (const one of [file, `${file}-wal`, `${file}-shm`])
        if (existsSync(one)) chmodSync(one, 0o600);
      expect(await wrong(own.env)).toEqual([]);
    } finally {
      await own.remove();
    }
  });
});

describe.each(DATABASES)('$name', (kind) => {
  describe.skipIf(kind.missing)('doctor', () => {
    let place: Place;
    let secretFile: string;
    beforeAll(async () => {
      place = await makePlace({}, kind);
      secretFile = join(place.folder, 'data', 'secret');
      await told(['init'], place.env);
    });
    afterAll(async () => await place.remove());

    it('finds settings that weaken, lists among them', async () => {
      const weak = { VALETKEY_ALLOW_PRIVATE_SCHEMES: 'cursor' };
      expect(await wrong({ ...place.env, ...weak })).toEqual(['Settings']);
    });

    it('finds a secret file that other users can read', async () => {
      chmodSync(secretFile, 0o644);
      expect(await wrong(place.env)).toEqual(['Secret']);
      chmodSync(secretFile, 0o600);
    });

    it('finds a missing, empty or different secret', async () => {
      const aside = `${secretFile}.aside`;
      renameSync(secretFile, aside);
      expect(await wrong(place.env)).toEqual(['Secret']);
      writeFileSync(secretFile, '', { mode: 0o600 });
      expect(await wrong(place.env)).toEqual(['Secret']);
      renameSync(aside, secretFile);
      expect(
        await wrong({
          ...place.env,
          VALETKEY_SECRET: 'another-secret-that-is-long-enough-for-anybody',
        }),
      ).toEqual(['Signing keys']);
    });

    it('finds pending migrations', async () => {
      const name = '0001-accounts';
      await inspect(place, async ({ database: { kysely } }) => {
        await kysely.deleteFrom('migrations').where('name', '=', name).execute();
        expect(await wrong(place.env)).toEqual(['Schema']);
        await kysely.insertInto('migrations').values({ name, applied_at: 1 }).execute();
      });
    });

    it('finds missing keys, and keys after their retirement time', async () => {
      await inspect(place, async ({ provider: { store }, database: { kysely } }) => {
        const [key] = (await store.keys.load())?.keys ?? [];
        if (key === undefined) throw new Error('no keys');
        const replace = async (...keys: (typeof key)[]): Promise<void> => {
          await kysely.deleteFrom('key_sets').execute();
          if (keys.length > 0) expect(await store.keys.swap(0, keys, null)).toBe(true);
        };
        await replace();
        expect(await wrong(place.env)).toEqual(['Signing keys']);
        await replace({ ...key, retiredAt: key.activeAt, removedAt: key.activeAt + 100_000 });
        expect(await wrong(place.env)).toEqual(['Signing keys']);
        await replace(key);
      });
    });

    it('finds an issuer that the database does not hold', async () => {
      expect(await wrong({ ...place.env, VALETKEY_ISSUER: 'https://another.example' })).toEqual([
        'Issuer',
      ]);
    });

    it('finds options that weaken security', async () => {
      const env = {
        ...place.env,
        VALETKEY_ALLOW_MISSING_PKCE: 'true',
        VALETKEY_ALLOW_LOCALHOST_REDIRECT: 'true',
      };
      expect(await wrong(env)).toEqual(['Settings']);
    });

    it('reports several problems together', async () => {
      chmodSync(secretFile, 0o604);
      expect(await wrong({ ...place.env, VALETKEY_ALLOW_MISSING_PKCE: 'true' })).toEqual([
        'Settings',
        'Secret',
      ]);
      chmodSync(secretFile, 0o600);
    });

    it('finds no problem on a sound server, and changes nothing', async () => {
      const before = contents(place.folder);
      expect(await wrong(place.env)).toEqual([]);
      expect(contents(place.folder)).toEqual(before);
      const { code, stdout, stderr } = await run(['doctor'], place.env);
      expect([code, stderr, /✗/u.test(stdout)]).toEqual([0, '', false]);
    });
  });
});

describe('doctor without a database', () => {
  let place: Place;
  beforeAll(async () => {
    place = await makePlace();
    mkdirSync(join(place.folder, 'empty'));
  });
  afterAll(async () => await place.remove());

  it.each(['empty', 'missing'])(
    'reports the database as missing in a folder that is %s, and creates nothing',
    async (name) => {
      const before = contents(place.folder);
      expect(await wrong({ VALETKEY_DATA_DIR: join(place.folder, name) })).toEqual(['Database']);
      expect(contents(place.folder)).toEqual(before);
    },
  );

  it('reports a database that does not answer, without its password', async () => {
    const env = {
      DATABASE_URL: 'postgres://somebody:hidden@127.0.0.1:1/x',
      VALETKEY_DATA_DIR: place.folder,
    };
    expect(await wrong(env)).toEqual(['Database']);
    expect((await call(['doctor'], env)).stdout).not.toContain('hidden');
  });

  it('reports invalid settings in the same way as other commands', async () => {
    expect(problemsIn(await call(['doctor'], { PORT: 'x' }))).toHaveLength(1);
  });

  it('lists every setting with --settings', async () => {
    expect((await calledTold(['doctor', '--settings'], {}))['settings']).toEqual(settingsTable());
    const { stdout } = await call(['doctor', '--settings']);
    for (const { env, path, about } of settingsTable())
      expect(stdout.replaceAll(/ +/g, ' ')).toContain(`${env} ${path} ${about}`);
  });
});
