/** Clients as code: those that the configuration lists. */
import {
  type Config,
  createProvider,
  type Database,
  memoryDatabase,
  type Provider,
  StoreUnavailable,
} from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { basic, ISSUER, SIGNING_KEYS, START } from '../setup.ts';

const SECRET = 'a secret of at least thirty-two characters';
const OTHER = 'another secret of at least thirty-two chars';

let now: number;
let store: Database;
let errors: unknown[];
let people: Parameters<typeof memoryAccounts>[0];
beforeEach(() => {
  [now, store, errors, people] = [START, memoryDatabase(), [], []];
});
afterEach(() => {
  delete process.env['TEST_APP_SECRET'];
});

const start = (clients: Config['clients']): Provider =>
  createProvider({
    issuer: ISSUER,
    store,
    secret: SECRET,
    accounts: memoryAccounts(people),
    pages: builtInPages(),
    signingKeys: SIGNING_KEYS,
    scopes: { read: 'Read' },
    clock: () => now,
    logger: {
      info: () => undefined,
      warn: () => undefined,
      error: (facts) => errors.push((facts as { error: unknown }).error),
    },
    ...(clients === undefined ? {} : { clients }),
  });

const JOB = { clientId: 'job', name: 'Job', kind: 'service' } as const;

const ask = async (provider: Provider, secret: string): Promise<number> =>
  (
    await provider.fetch(
      new Request(provider.url('token'), {
        method: 'POST',
        headers: {
          authorization: basic('job', secret),
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: 'grant_type=client_credentials',
      }),
    )
  ).status;

describe('a client that the configuration lists', () => {
  it('is registered before the first request is answered, and is marked as managed', async () => {
    const provider = start([{ ...JOB, clientSecret: SECRET }]);
    expect(await ask(provider, SECRET)).toBe(200);
    expect(await provider.clients.find('job')).toMatchObject({
      registrationSource: 'configuration',
      grantTypes: ['client_credentials'],
    });
  });
  it('is brought up to date at the next start, and left alone when it is', async () => {
    await start([{ ...JOB, clientSecret: SECRET, scopes: ['read'] }]).maintain();
    const before = await start([]).clients.find('job');
    await start([{ ...JOB, clientSecret: SECRET, scopes: ['read'] }]).maintain();
    expect(await start([]).clients.find('job')).toEqual(before);
    await start([{ ...JOB, name: 'New name', clientSecret: SECRET }]).maintain();
    // What is not given has its default.
    expect(await start([]).clients.find('job')).toMatchObject({ name: 'New name', scopes: null });
  });
  it('keeps fields of features that only another process has', async () => {
    const listed = [{ ...JOB, clientSecret: SECRET }];
    await start(listed).maintain();
    const { clients } = start([]).store;
    const found = await clients.find('job');
    if (found === null) throw new Error('There is no client.');
    const fields = { ...found.fields, of_another: 1 };
    await clients.replace({ ...found, fields, version: found.version + 1 }, null);
    const before = await start([]).clients.find('job');
    await start(listed).maintain();
    expect(await start([]).clients.find('job')).toEqual(before);
    expect(before?.fields).toMatchObject({ of_another: 1 });
  });
  it('takes over a client that an operator registered, with its tokens', async () => {
    await start([]).clients.create(
      { name: 'By hand', grantTypes: ['client_credentials'] },
      { clientId: 'job', clientSecret: SECRET },
    );
    const provider = start([{ ...JOB, clientSecret: SECRET }]);
    expect(await ask(provider, SECRET)).toBe(200);
    expect((await provider.clients.find('job'))?.name).toBe('Job');
  });
  it('has its secret from the environment; another one replaces it, and the first works for a day', async () => {
    process.env['TEST_APP_SECRET'] = SECRET;
    const listed = [{ ...JOB, clientSecretEnv: 'TEST_APP_SECRET' }];
    expect(await ask(start(listed), SECRET)).toBe(200);
    process.env['TEST_APP_SECRET'] = OTHER;
    const provider = start(listed);
    expect([await ask(provider, OTHER), await ask(provider, SECRET)]).toEqual([200, 200]);
    now += 86_401;
    expect([await ask(start(listed), OTHER), await ask(start(listed), SECRET)]).toEqual([200, 401]);
  });
  it('is one when ten nodes start at once', async () => {
    const nodes = Array.from({ length: 10 }, () => start([{ ...JOB, clientSecret: SECRET }]));
    await Promise.all(nodes.map(async (node) => await node.maintain()));
    expect(await start([]).clients.list({ limit: 9 })).toHaveLength(1);
  });
  it.each<[string, object, RegExp]>([
    [
      'no secret',
      {},
      /clients\[0\] \(job\): clientSecret: must have 32 characters: clientSecret or clientSecretEnv/,
    ],
    ['an empty variable', { clientSecretEnv: 'TEST_APP_SECRET' }, /characters: TEST_APP_SECRET/],
    ['a short secret', { clientSecret: 'short' }, /32 characters/],
    [
      'a secret as Django stores it',
      { clientSecret: 'pbkdf2_sha256$600000$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA=' },
      /is a hash, not a secret/,
    ],
    [
      'a member that does not exist',
      { clientSecret: SECRET, redirectURIs: [] },
      /redirectURIs: is not a field of a client Write redirectUris\./,
    ],
    ['a scope that does not exist', { clientSecret: SECRET, scopes: ['raed'] }, /"raed"/],
    [
      'a secret of a public client',
      {
        clientType: 'public',
        kind: 'native',
        redirectUris: ['https://x.example/'],
        clientSecret: SECRET,
      },
      /has no use/,
    ],
    [
      'a client_id that is a URL',
      { clientId: 'https://x.example', clientSecret: SECRET },
      /no URL/,
    ],
    ['an overlap of no number', { clientSecret: SECRET, secretOverlap: -1 }, /secretOverlap: must/],
  ])('with %s is refused before anything starts, with the client', (_what, more, problem) => {
    expect(() => start([{ ...JOB, ...more }])).toThrow(problem);
  });
  it('that is refused later is named as well', async () => {
    const provider = start([]);
    await expect(provider.clients.ensure({ ...JOB, clientSecret: 'short' })).rejects.toThrow(
      /^job: clientSecret must have 32 characters/,
    );
  });
  it('replaces a secret that leaked at once, with secretOverlap: 0', async () => {
    await start([{ ...JOB, clientSecret: SECRET }]).maintain();
    const provider = start([{ ...JOB, clientSecret: OTHER, secretOverlap: 0 }]);
    expect([await ask(provider, OTHER), await ask(provider, SECRET)]).toEqual([200, 401]);
  });
  it.each<[string, unknown, RegExp]>([
    ['no list', {}, /clients: must be a list/],
    ['without a name', [{ clientId: 'x' }], /clients\[0\]: has no clientId, or no name/],
    ['twice', [JOB, JOB], /clients\[1\]: is job again/],
  ])('%s is refused at once', (_what, clients, problem) => {
    expect(() => start(clients as Config['clients'])).toThrow(problem);
  });
  it('that is wrong is logged once in a while, and requests are answered all the same', async () => {
    people = [{ sub: 'job', username: 'job', password: 'a password', claims: {} }];
    const provider = start([{ ...JOB, clientSecret: SECRET }]);
    for (let request = 0; request < 5; request += 1) expect(await ask(provider, SECRET)).toBe(401);
    expect(errors).toHaveLength(1);
    now += 5;
    await ask(provider, SECRET);
    expect(errors).toHaveLength(2);
  });
  it('D-1 waits for a database that does not answer', async () => {
    const { clients } = store.forIssuer(ISSUER);
    const { insert } = clients;
    Object.assign(clients, {
      insert: async () => await Promise.reject(new StoreUnavailable('no answer')),
    });
    const provider = start([{ ...JOB, clientSecret: SECRET }]);
    expect(await ask(provider, SECRET)).toBe(401);
    Object.assign(clients, { insert });
    now += 5;
    expect(await ask(provider, SECRET)).toBe(200);
    expect(errors).toEqual([]);
  });
});
