/** The command line on the database of an application that keeps its people itself. */
import { join } from 'node:path';
import { clientField, createProvider, defineFeature } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { sqlDatabase } from 'valetkey/sql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Env, makePlace, type Place, run, told } from './command-line.ts';

const ISSUER = 'https://app.example/auth';
const SECRET = 'dEGgwjL6lLTVzYMcdDYVBtRL3tUUkAQ+wzGQpUIA5eI=';
const REQUIRE_MFA = clientField({
  wireName: 'require_mfa',
  flag: 'require-mfa',
  kind: 'flag',
  default: false,
  setBy: 'operator',
  description: 'Two factors',
});
/** A feature of the application. */
const policies = defineFeature({
  name: 'policies',
  description: 'Policies of this application',
  options: {},
  create: () => ({ clientFields: [REQUIRE_MFA] }),
})();
let place: Place;
let env: Env;
beforeAll(async () => {
  place = await makePlace();
  env = {
    VALETKEY_DATA_DIR: join(place.folder, 'none'),
    DATABASE_URL: `sqlite:${join(place.folder, 'app.db')}`,
    VALETKEY_SECRET: SECRET,
  };
  const database = sqlDatabase({ url: env['DATABASE_URL'] ?? '' });
  await database.migrate();
  const provider = createProvider({
    issuer: ISSUER,
    store: database,
    secret: SECRET,
    accounts: { find: async () => null, current: async () => null },
    pages: builtInPages({ login: '/login' }),
    features: [policies],
  });
  await provider.maintain();
  await provider.clients.create(
    { name: 'Partner', redirectUris: ['https://rp.example/cb'], fields: { require_mfa: true } },
    { clientId: 'partner' },
  );
  await provider.close();
  await database.close();
});
afterAll(async () => await place.remove());

const refused = async (args: readonly string[], changes: Env = {}): Promise<string> => {
  const { code, stderr } = await run(args, { ...env, ...changes });
  expect(code).toBe(1);
  return stderr;
};

describe('the database of an application', () => {
  it('is read and changed without an issuer, accounts, or a first start', async () => {
    expect(await told(['application', 'list'], env)).toMatchObject({
      applications: [{ client_id: 'partner' }],
    });
    const address = 'https://rp.example/other';
    await told(['application', 'update', '--client-id', 'partner', '--redirect-uri', address], env);
    expect(await told(['application', 'show', '--client-id', 'partner'], env)).toMatchObject({
      redirect_uris: [address],
    });
    // A feature of the application, which the command does not have.
    const database = sqlDatabase({ url: env['DATABASE_URL'] ?? '' });
    const kept = await database.forIssuer(ISSUER).clients.find('partner');
    await database.close();
    expect(kept?.fields['require_mfa']).toBe(true);
    expect(await told(['session', 'list', '--sub', 'bob'], env)).toEqual({
      sub: 'bob',
      sessions: [],
    });
    const { events } = await told(['audit'], env);
    expect(events).toMatchObject([
      { type: 'keys.rotated' },
      { type: 'client.created', clientId: 'partner' },
      { type: 'client.updated', clientId: 'partner' },
    ]);
  });
  it('has no people, and says so', async () => {
    for (const args of [
      ['user', 'list'],
      ['session', 'list', '--username', 'bob'],
      ['audit', '--username', 'bob'],
    ])
      expect(await refused(args)).toMatch(/application keeps the people. Name a person by --sub/);
  });
  it('with another issuer, no secret, or no address of it: says what to set', async () => {
    expect(
      await refused(['application', 'list'], { VALETKEY_ISSUER: 'https://x.example' }),
    ).toMatch(/does not hold the issuer .* It holds https:\/\/app\.example\/auth/);
    expect(await refused(['application', 'list'], { VALETKEY_SECRET: '' })).toMatch(
      /set VALETKEY_SECRET to that of the application/,
    );
    expect(await refused(['application', 'list'], { DATABASE_URL: '' })).toMatch(
      /for the database of an application, set DATABASE_URL/,
    );
  });
});
