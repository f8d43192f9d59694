/** APIs that operators register, beside those of the configuration. */
import {
  ConfigError,
  createProvider,
  type Database,
  memoryDatabase,
  type Provider,
  resourceIndicators,
} from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { claimsOf, ISSUER, makeWorld, post, SIGNING_KEYS, type World, watched } from '../setup.ts';

const API = 'https://api.example/v1';
const LISTED = 'https://listed.example';

let world: World;
let database: Database;
const node = (resources: readonly string[], anyResource = false): Provider =>
  createProvider({
    issuer: ISSUER,
    store: database,
    accounts: memoryAccounts([]),
    pages: builtInPages(),
    scopes: { read: 'Read', write: 'Write' },
    signingKeys: SIGNING_KEYS,
    clock: () => world.now,
    logger: { info() {}, warn() {}, error() {} },
    features: [resourceIndicators({ enabled: true, resources, anyResource })],
  });
beforeEach(async () => {
  database = memoryDatabase();
  const features = [resourceIndicators({ enabled: true, resources: [LISTED] })];
  world = await makeWorld({ store: database, features });
});

const ask = async (resource: string) =>
  await post(world, 'token', { grant_type: 'client_credentials', scope: 'read write', resource });

describe('an API of the registry', () => {
  it('[RFC8707 §2] is served as it is registered, at once', async () => {
    expect((await ask(API)).body['error']).toBe('invalid_target');
    const { resources } = world.provider;
    const listed = async () => (await resources.list()).find((one) => one.resource === API);
    const made = { resource: API, scopes: ['read'], tokenFormat: 'jwt' } as const;
    expect(await resources.create(made)).toEqual({ ...made, source: 'registry' });
    expect(await listed()).toEqual({ ...made, source: 'registry' });
    const answer = await ask(`${API}/`);
    expect(answer.body['scope']).toBe('read');
    expect(claimsOf(answer.body['access_token'])['aud']).toBe(API);
    const changes = { scopes: ['write'], tokenFormat: null, tokenLifetime: 60 };
    const now = { resource: API, scopes: ['write'], tokenLifetime: 60, source: 'registry' };
    expect(await resources.update(API, changes)).toEqual(now);
    expect(await listed()).toEqual(now);
    const changed = await ask(API);
    expect([changed.body['scope'], changed.body['expires_in']]).toEqual(['write', 60]);
    expect(String(changed.body['access_token'])).toMatch(/^vkat_/);
    expect(await resources.delete(`${API}/`)).toBe(true);
    expect((await ask(API)).body['error']).toBe('invalid_target');
    expect(world.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['resource.created', 'resource.updated', 'resource.deleted']),
    );
  });
  it('[RFC8707 §2] another slash at its end makes another API', async () => {
    const two = node([`${API}/`, `${API}//`]);
    expect((await two.resources.list()).map(({ resource }) => resource)).toEqual([
      `${API}/`,
      `${API}//`,
    ]);
    world = await makeWorld({
      store: memoryDatabase(),
      features: [
        resourceIndicators({
          enabled: true,
          resources: [
            { resource: `${API}/`, tokenLifetime: 60 },
            { resource: `${API}//`, tokenLifetime: 90 },
          ],
        }),
      ],
    });
    const lifetimes = [];
    for (const one of [API, `${API}/`, `${API}//`])
      lifetimes.push((await ask(one)).body['expires_in']);
    expect(lifetimes).toEqual([60, 60, 90]);
  });
  it('[RFC8707 §2] is known to another node a second later', async () => {
    await world.provider.resources.list();
    expect((await ask(API)).body['error']).toBe('invalid_target');
    await node([]).resources.create({ resource: API });
    world.now += 1;
    expect((await ask(API)).status).toBe(200);
  });
  it('is read once for many requests, and not where no request names one', async () => {
    await world.provider.resources.create({ resource: API });
    const calls = watched(world.provider.store);
    await Promise.all(Array.from({ length: 20 }, async () => await ask(API)));
    await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' });
    expect(calls.filter((one) => one === 'resources.list')).toHaveLength(1);
  });
  it('[RFC8707 §2] without any, no identifier is one; and any, where that is said', async () => {
    const send = async (one: Provider, resource: string): Promise<number> => {
      const { client, clientSecret } = await one.clients.create({
        name: 'Service',
        grantTypes: ['client_credentials'],
      });
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: client.clientId,
        client_secret: String(clientSecret),
        resource,
      });
      return (await one.fetch(new Request(one.url('token'), { method: 'POST', body }))).status;
    };
    const [closed, open] = [node([]), node([], true)];
    const any = 'https://any.example';
    expect([await send(closed, any), await send(open, any)]).toEqual([400, 200]);
    await open.resources.create({ resource: API });
    world.now += 1;
    expect([await send(closed, API), await send(open, any)]).toEqual([200, 200]);
    await open.resources.delete(API);
    world.now += 31;
    expect(await send(closed, API)).toBe(400);
  });
});

describe('what operators may not do', () => {
  it.each<[what: string, act: (provider: Provider) => Promise<unknown>]>([
    ['register no URI', async (one) => await one.resources.create({ resource: 'api' })],
    [
      'register a format that there is not',
      async (one) => await one.resources.create({ resource: API, tokenFormat: 'x' as 'jwt' }),
    ],
    [
      'register an algorithm without a key',
      async (one) => await one.resources.create({ resource: API, tokenSigningAlg: 'ES512' }),
    ],
    [
      'register one of the configuration',
      async (one) => await one.resources.create({ resource: LISTED }),
    ],
    ['change one of the configuration', async (one) => await one.resources.update(LISTED, {})],
    ['change one that is not there', async (one) => await one.resources.update(API, {})],
    [
      'register one twice',
      async (one) => {
        await one.resources.create({ resource: API });
        await one.resources.create({ resource: `${API}/` });
      },
    ],
  ])('%s', async (_what, act) => {
    await expect(act(world.provider)).rejects.toBeInstanceOf(ConfigError);
  });
  it('delete one of the configuration, or one that is not there', async () => {
    const { resources } = world.provider;
    expect([
      await resources.delete(LISTED),
      await resources.delete(API),
      await resources.delete('x'),
    ]).toEqual([false, false, false]);
    expect(await resources.list()).toEqual([{ resource: LISTED, source: 'configuration' }]);
  });
  it('of two who change one at the same time, both are heard', async () => {
    const { resources } = world.provider;
    await resources.create({ resource: API });
    await Promise.all([
      resources.update(API, { tokenLifetime: 60 }),
      resources.update(API, { scopes: ['read'] }),
    ]);
    expect((await resources.list())[1]).toMatchObject({ tokenLifetime: 60, scopes: ['read'] });
  });
});
