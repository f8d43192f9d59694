/**
 * Backup and restore: a copy that is taken while the server runs becomes a server of the same
 * issuer, and what happened after the copy is as if it had not been.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DATABASES } from '../databases.ts';
import { type Program, start, stop } from '../processes.ts';
import { services } from '../services.ts';
import {
  type Env,
  type Json,
  makePlace,
  type Place,
  startServing,
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
  userinfo,
} from './sign-in.ts';

type Tokens = Readonly<Record<string, unknown>>;

let places: Place[] = [];
let servers: Program[] = [];
afterEach(async () => {
  for (const server of servers) await stop(server, 'SIGKILL');
  for (const place of places) await place.remove();
  [places, servers] = [[], []];
});

async function serve(place: Pick<Place, 'env' | 'issuer'>): Promise<Program> {
  const server = await startServing(place, ['--json']);
  servers.push(server);
  return server;
}

interface World {
  readonly place: Place;
  readonly server: Program;
  readonly person: Person;
  readonly application: Application;
}

async function world(more: Env, kind = DATABASES[0]): Promise<World> {
  // Without grace a refresh token that was used is a replay at once.
  const rotating = { VALETKEY_REFRESH_TOKENS_ROTATION: 'true', VALETKEY_REFRESH_TOKENS_GRACE: '0' };
  const place = await makePlace({ ...more, ...rotating }, kind);
  places.push(place);
  const server = await serve(place);
  const { administrator, demo } = (await untilTold(server)) as Record<string, Json>;
  const [person, application] = [administrator, demo] as unknown as [Person, Application];
  return { place, server, person, application };
}

async function tokensOf({ place: { issuer }, person, application }: World): Promise<Tokens> {
  const request = { state: random(), nonce: random(), verifier: random() };
  const browser = browserAt(issuer);
  const first = await browser.open(
    authorizeUrl(issuer, application, request, { prompt: 'consent' }),
  );
  const { leaves } = await answer(browser, first, person);
  const code = leaves?.searchParams.get('code') ?? '';
  const { body } = await post(issuer, 'token', exchange(code, application, request), application);
  expect(body).toMatchObject({ refresh_token: expect.any(String) });
  return body;
}

async function refresh({ place, application }: World, { refresh_token }: Tokens) {
  const form = { grant_type: 'refresh_token', refresh_token: String(refresh_token) };
  return await post(place.issuer, 'token', form, application);
}

/** What a restored server does with tokens from before the copy, and with those from after it. */
async function expectOlderState(
  old: World,
  { before, rotated, after }: Record<'before' | 'rotated' | 'after', Tokens>,
): Promise<void> {
  const { issuer } = old.place;
  expect((await userinfo(issuer, before['access_token'])).status).toBe(200);
  expect((await userinfo(issuer, after['access_token'])).status).toBe(401);
  expect((await refresh(old, after)).body).toMatchObject({ error: 'invalid_grant' });
  // The successor is unknown, but it names its family, which the copy holds.
  expect((await refresh(old, rotated)).body).toMatchObject({ error: 'invalid_grant' });
  expect(await tokensOf(old)).toMatchObject({ id_token: expect.any(String) });
}

describe('SQLite', () => {
  it('is copied while the server runs, and restored into another folder', async () => {
    const was = await world({ DATABASE_URL: '' });
    const data = was.place.env['VALETKEY_DATA_DIR'] ?? '';
    const copy = join(was.place.folder, 'copy');
    const before = await tokensOf(was);
    const kept = await tokensOf(was);
    let written = 0;
    let copied = false;
    const load = (async () => {
      for (let last = await tokensOf(was); !copied; written += 1)
        last = (await refresh(was, last)).body;
    })();
    const backup = start('deploy/backup.mjs', [data, copy]);
    expect(await backup.ended, backup.output()).toBe(0);
    copied = true;
    await load;
    expect(written).toBeGreaterThan(0);
    expect(
      ['valetkey.db', 'secret'].map((name) => statSync(join(copy, name)).mode & 0o777),
    ).toEqual([0o600, 0o600]);
    const rotated = (await refresh(was, before)).body;
    const after = await tokensOf(was);
    await stop(was.server);

    const env = { ...was.place.env, VALETKEY_DATA_DIR: copy };
    const restored = { ...was, place: { ...was.place, env } };
    await serve(restored.place);
    await expectOlderState(restored, { before, rotated, after });
    expect((await refresh(restored, kept)).status).toBe(200);
    // The successor counted as a replay, so the family of both has ended.
    expect((await refresh(restored, before)).body).toMatchObject({ error: 'invalid_grant' });
  }, 120_000);

  it.each([
    ['a folder without a database', ['.', 'new'], 'there is no valetkey.db'],
    ['a folder that exists, which it would overwrite', ['data', 'data'], 'EEXIST'],
    ['nothing', [], 'name the data folder'],
  ])('refuses %s', async (_, names, problem) => {
    const place = await makePlace({ DATABASE_URL: '' });
    places.push(place);
    mkdirSync(join(place.folder, 'data'));
    writeFileSync(join(place.folder, 'data', 'valetkey.db'), '');
    const backup = start(
      'deploy/backup.mjs',
      names.map((name) => join(place.folder, name)),
    );
    expect([await backup.ended, backup.output()]).toEqual([1, expect.stringContaining(problem)]);
  });
});

describe.skipIf(services.postgres === null)('PostgreSQL', () => {
  it('is dumped while the server runs, and restored', async () => {
    const was = await world({}, DATABASES[1]);
    const { DATABASE_URL: url = '', VALETKEY_DATABASE_SCHEMA: schema = '' } = was.place.env;
    const before = await tokensOf(was);
    const file = join(was.place.folder, 'valetkey.dump');
    execFileSync('pg_dump', ['--format=custom', `--schema=${schema}`, `--file=${file}`, url]);
    const rotated = (await refresh(was, before)).body;
    const after = await tokensOf(was);
    await stop(was.server);
    execFileSync('pg_restore', ['--clean', '--exit-on-error', '-1', `--dbname=${url}`, file]);
    await serve(was.place);
    await expectOlderState(was, { before, rotated, after });
  });
});
