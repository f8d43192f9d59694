/**
 * Starts the standalone server as operators do: what a first start creates and prints, what a
 * second start finds, and when the server refuses to start.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DATABASES } from '../databases.ts';
import { type Program, stop } from '../processes.ts';
import {
  inspect,
  kidsAt,
  makePlace,
  oneObject,
  type Place,
  problemsIn,
  run,
  startServing,
  told,
} from './command-line.ts';
import { signIn } from './sign-in.ts';

const CURL = spawnSync('curl', ['--version']).status === 0;

/** The part of a printed text that a pattern captures. */
const find = (pattern: RegExp, text: string): string =>
  pattern.exec(text)?.[1] ?? `no ${pattern} in:\n${text}`;
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const files = (folder: string): string[] =>
  readdirSync(folder).filter((name) => !name.startsWith('test.db'));

describe.concurrent.each(DATABASES)('$name', (kind) => {
  describe.skipIf(kind.missing).sequential('one server', () => {
    let place: Place;
    let server: Program;
    let secretFile: string;
    let printed: { password: string; secret: string; curl: string; discovery: string };
    let kids: readonly string[];

    beforeAll(async () => {
      place = await makePlace({}, kind);
      secretFile = join(place.folder, 'data', 'secret');
      server = await startServing(place);
      const text = server.output();
      printed = {
        password: find(/^Administrator +admin +created; password, shown only once: (\S+)$/m, text),
        secret: find(/^Demo application +demo +created; secret, shown only once: (\S+)$/m, text),
        curl: find(/^Try +(curl .+)$/m, text),
        discovery: find(/^Discovery +(\S+)$/m, text),
      };
      kids = await kidsAt(place.issuer);
    });
    afterAll(async () => {
      await stop(server);
      await place.remove();
    });

    it('a first start creates tables, keys, an administrator and a demo application', async () => {
      const left = await inspect(place, async ({ database, provider, accounts }) => ({
        pending: await database.pendingMigrations(),
        keys: (await provider.keys.list()).map(({ alg, state }) => `${alg} ${state}`),
        people: (await accounts.list({ limit: 10 })).map(({ username }) => username),
        applications: (await provider.clients.list({ limit: 10 })).map(({ clientId }) => clientId),
      }));
      expect(left).toEqual({
        pending: [],
        keys: ['RS256 current', 'PS256 current', 'ES256 current', 'EdDSA current'],
        people: ['admin'],
        applications: ['demo'],
      });
    });

    it('a first start prints the URL at which the discovery document is served', async () => {
      expect(printed.discovery).toBe(`${place.issuer}/.well-known/openid-configuration`);
      expect(await (await fetch(printed.discovery)).json()).toMatchObject({ issuer: place.issuer });
    });

    it('ST-04 the secret is outside the database in a file that only its owner can read, and private keys are sealed', async () => {
      expect([mode(secretFile), mode(join(secretFile, '..'))]).toEqual(['600', '700']);
      const secret = readFileSync(secretFile, 'utf8').trim();
      expect(Buffer.from(secret, 'base64url').length).toBeGreaterThanOrEqual(32);
      const rows = await inspect(place, async ({ database: { kysely } }) =>
        JSON.stringify([
          await sql`select * from ${sql.table('key_sets')}`.execute(kysely),
          await kysely.selectFrom('clients').selectAll().execute(),
        ]),
      );
      expect(rows).toContain(kids[0]);
      for (const hidden of [
        secret,
        printed.secret,
        '"d"',
        '\\"d\\"',
        '\\\\\\"d\\\\\\"',
        'PRIVATE KEY',
      ])
        expect(rows).not.toContain(hidden);
      expect(rows).toContain(createHash('sha256').update(printed.secret).digest('base64url'));
      const file = /^sqlite:(.+)$/.exec(place.env['DATABASE_URL'] ?? '')?.[1];
      const besides =
        file === undefined
          ? []
          : readdirSync(dirname(file)).map((name) => join(dirname(file), name));
      expect(besides.filter((path) => mode(path) !== '600')).toEqual([]);
    });

    it('the printed password signs the administrator in, and a different one does not', async () => {
      const demo = {
        clientId: 'demo',
        clientSecret: printed.secret,
        redirectUri: 'http://127.0.0.1:8400/callback',
      };
      expect(
        await signIn(place.issuer, { username: 'admin', password: `${printed.password}x` }, demo),
      ).toBeNull();
      const claims = await signIn(
        place.issuer,
        { username: 'admin', password: printed.password },
        demo,
      );
      expect(claims).toMatchObject({ preferred_username: 'admin', name: 'Administrator' });
    });

    it.skipIf(!CURL)('the printed curl command gets a token', () => {
      const { stdout, stderr, status } = spawnSync('sh', ['-c', printed.curl], {
        encoding: 'utf8',
      });
      expect(status, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ token_type: 'Bearer', scope: 'read' });
    });

    it('a second start finds everything and prints no secret; --json prints one object', async () => {
      expect(await stop(server)).toBe(0);
      server = await startServing(place, ['--json']);
      const found = oneObject(server.output());
      expect(found).toMatchObject({
        issuer: place.issuer,
        listening: place.issuer,
        discovery: printed.discovery,
        made: { migrations: [], secret: false, issuer: false },
        keys: { count: 4, made: false },
        administrator: { username: 'admin', password: null },
        demo: { clientId: 'demo', clientSecret: null },
        weakened: [],
      });
      expect(await kidsAt(place.issuer)).toEqual(kids);
      const hidden = [
        printed.password,
        printed.secret,
        readFileSync(secretFile, 'utf8').trim(),
        place.env['DATABASE_URL']?.match(/:([^:@]+)@/)?.[1],
      ];
      for (const secret of hidden.filter((one) => one !== undefined))
        expect(server.output()).not.toContain(secret);
    });

    it('init finds everything and prints no secret', async () => {
      const { code, stdout, stderr } = await run(['init'], place.env);
      expect([code, stderr]).toEqual([0, '']);
      for (const what of ['Secret', 'Signing keys', 'Administrator', 'Demo application'])
        expect(stdout).toMatch(new RegExp(`^${what} .* found( \\(.*\\))?$`, 'm'));
      for (const secret of [printed.password, printed.secret]) expect(stdout).not.toContain(secret);
    });

    it('B-3 without the secret that sealed the keys, the server does not start and creates nothing', async () => {
      await stop(server);
      const aside = join(place.folder, 'secret');
      renameSync(secretFile, aside);
      const before = files(join(place.folder, 'data'));
      const another = join(place.folder, 'another');
      mkdirSync(another);
      const runs = await Promise.all([
        run(['serve'], place.env),
        run(['serve'], {
          ...place.env,
          VALETKEY_SECRET: 'another-secret-that-is-long-enough-for-anybody',
        }),
        run(['serve'], { ...place.env, VALETKEY_DATA_DIR: another }),
      ]);
      for (const one of runs) expect(problemsIn(one)).toHaveLength(1);
      expect([files(join(place.folder, 'data')), files(another)]).toEqual([before, []]);
      renameSync(aside, secretFile);
      server = await startServing(place);
      expect(await kidsAt(place.issuer)).toEqual(kids);
    });

    it('the database records the issuer: commands need no other setting, and serve refuses another port', async () => {
      const { PORT: port = '', VALETKEY_ISSUER: _issuer, ...rest } = place.env;
      expect((await told(['user', 'list'], rest))['users']).toHaveLength(1);
      const [problem = '', ...others] = problemsIn(await run(['serve', '--port', '4000'], rest));
      expect(others).toEqual([]);
      expect(problem).toContain(port);
    });

    it('a server on an outdated schema is alive but not ready', async () => {
      const name = '0001-accounts';
      const untilReadiness = async (status: number): Promise<void> =>
        await vi.waitFor(
          async () => expect((await fetch(`${place.issuer}/readyz`)).status).toBe(status),
          { timeout: 10_000 },
        );
      await inspect(place, async ({ database: { kysely } }) => {
        await kysely.deleteFrom('migrations').where('name', '=', name).execute();
        await untilReadiness(503);
        expect((await fetch(`${place.issuer}/healthz`)).status).toBe(200);
        await kysely.insertInto('migrations').values({ name, applied_at: 1 }).execute();
        await untilReadiness(200);
      });
    });
  });
});

describe.each(['/', '/identity', '/identity/'])('an issuer that ends in %s', (path) => {
  it('has its discovery document at the printed URL', async () => {
    const place = await makePlace();
    const issuer = `${place.issuer}${path}`;
    const server = await startServing(
      { ...place, env: { ...place.env, VALETKEY_ISSUER: issuer, VALETKEY_NAME: 'Northwind ID' } },
      ['--json'],
    );
    onTestFinished(async () => {
      await stop(server);
      await place.remove();
    });
    const { discovery } = oneObject(server.output());
    expect(await (await fetch(String(discovery))).json()).toMatchObject({ issuer });
    const home = await fetch(`${place.issuer}/`, { headers: { 'accept-language': 'de-AT' } });
    const html = await home.text();
    const [, link = ''] = /href="([^"]+openid-configuration)"/.exec(html) ?? [];
    expect(link).toBe(discovery);
    expect(html).toContain('<html lang="de">');
    expect(html).toContain('<span class="brand-name">Northwind ID</span>');
    const [, logo = ''] = /<img class="brand-logo" src="([^"]+)"/.exec(html) ?? [];
    expect((await fetch(new URL(logo, place.issuer))).headers.get('content-type')).toMatch(
      /^image\/svg/,
    );
  });
});
