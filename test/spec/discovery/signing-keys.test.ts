/** Signing keys: how they are made, given, published, rotated and kept. Rules JW, MD. */

import { generateKeyPairSync } from 'node:crypto';
import {
  type Client,
  createProvider,
  type KeySchedule,
  memoryDatabase,
  type Provider,
} from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  getCode,
  getTokens,
  ISSUER,
  isActive,
  makeWorld,
  pkce,
  post,
  REDIRECT_URI,
  redeem,
  SIGNING_KEYS,
  type World,
} from '../setup.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

const DAY = 24 * 3600;
const own = (): World['provider'] =>
  createProvider({
    issuer: ISSUER,
    store: memoryDatabase(),
    accounts: memoryAccounts([]),
    pages: builtInPages(),
    keySchedule: {
      algs: ['ES256'],
      rotateEvery: 10 * DAY,
      publishBefore: DAY,
      keepAfter: 2 * DAY,
    },
    clock: () => world.now,
  });

describe('keys that the provider makes', () => {
  it('MD-02 are published before, while and after they sign, for as long as caches and tokens live', async () => {
    const provider = own();
    await provider.maintain();
    const states = async (): Promise<string[]> =>
      (await provider.keys.list()).map(({ state }) => state);
    expect(await states()).toEqual(['current']);
    const current = async (): Promise<string | undefined> =>
      (await provider.keys.list()).find(({ state }) => state === 'current')?.kid;
    const isPublished = async (kid: string | undefined): Promise<boolean> =>
      (await provider.keys.published()).some((key) => key.kid === kid);
    const first = await current();
    world.now += 9 * DAY;
    await provider.maintain();
    expect(await states()).toEqual(['current', 'next']);
    expect(await provider.keys.published()).toHaveLength(2);
    expect(await current()).toBe(first);
    world.now += DAY;
    expect(await states()).toEqual(['retired', 'current']);
    expect(await current()).not.toBe(first);
    expect(await isPublished(first)).toBe(true);
    world.now += 2 * DAY;
    await provider.maintain();
    expect(await states()).toEqual(['current']);
    expect(await isPublished(first)).toBe(false);
  });
  it('[OIDC Discovery §3] exist for every algorithm from the start, so a first client of one finds it published', async () => {
    const store = memoryDatabase();
    const secret = 'a secret of at least thirty-two characters';
    const node = (): Provider =>
      createProvider({
        issuer: ISSUER,
        store,
        accounts: memoryAccounts([]),
        pages: builtInPages(),
        clock: () => world.now,
        secret,
      });
    const provider = node();
    await provider.maintain();
    const algs = async (): Promise<unknown[]> =>
      (await provider.keys.published()).map(({ alg }) => alg).sort();
    const all = ['ES256', 'EdDSA', 'PS256', 'RS256'];
    expect(await algs()).toEqual(all);
    const published = await provider.keys.published();
    // Another process registers the first client of an algorithm.
    await node().clients.create({
      name: 'x',
      redirectUris: ['https://x.example/'],
      idTokenSignedResponseAlg: 'EdDSA',
    });
    expect(await provider.keys.published()).toEqual(published);
    await provider.keys.rotate({ emergency: true });
    expect(await algs()).toEqual(all);
  });
  it('of an algorithm that is switched on later are published for a day before a client can be registered for it', async () => {
    const store = memoryDatabase();
    const secret = 'a secret of at least thirty-two characters';
    const make = (algs: KeySchedule['algs']): Provider =>
      createProvider({
        issuer: ISSUER,
        store,
        accounts: memoryAccounts([]),
        pages: builtInPages(),
        clock: () => world.now,
        keySchedule: { algs },
        secret,
      });
    await make(['RS256']).maintain();
    const provider = make(['RS256', 'ES256']);
    const register = async (): Promise<unknown> =>
      await provider.clients.create({
        name: 'x',
        redirectUris: ['https://x.example/'],
        idTokenSignedResponseAlg: 'ES256',
      });
    await expect(register()).rejects.toThrow(/ES256 was switched on .* signs from 20\d\d-/);
    expect((await provider.keys.published()).map(({ alg }) => alg)).toEqual(['RS256', 'ES256']);
    const { client } = (await provider.clients.create({
      name: 'y',
      redirectUris: ['https://y.example/'],
    })) as { client: Client };
    await expect(
      provider.clients.update(client.clientId, { idTokenSignedResponseAlg: 'ES256' }),
    ).rejects.toThrow(/ES256 was switched on/);
    world.now += 24 * 3600;
    await register();
  });
  it('are one set when ten nodes start at once', async () => {
    const store = memoryDatabase();
    const secret = 'a secret of at least thirty-two characters';
    const nodes = Array.from({ length: 10 }, () =>
      createProvider({
        issuer: ISSUER,
        store,
        secret,
        accounts: memoryAccounts([]),
        pages: builtInPages(),
        keySchedule: { algs: ['ES256'] },
      }),
    );
    await Promise.all(nodes.map(async (node) => await node.maintain()));
    const kids = await Promise.all(
      nodes.map(async (node) => (await node.keys.published()).map(({ kid }) => kid).join()),
    );
    expect(new Set(kids).size).toBe(1);
  });
  it('ST-04 rest sealed, and nothing starts without the secret', async () => {
    const store = memoryDatabase();
    const make = (secret: string): World['provider'] =>
      createProvider({
        issuer: ISSUER,
        store,
        secret,
        accounts: memoryAccounts([]),
        pages: builtInPages(),
        keySchedule: { algs: ['ES256'] },
      });
    await make('one secret of at least thirty-two characters').maintain();
    expect(JSON.stringify(await store.forIssuer(ISSUER).keys.load())).not.toMatch(/"d\\?"/);
    await expect(make('another secret of thirty-two characters').maintain()).rejects.toThrow(
      /cannot be opened/,
    );
  });
});

describe('rotation by hand', () => {
  it('adds a successor, and in an emergency replaces the current key', async () => {
    const provider = own();
    await provider.maintain();
    expect(await provider.keys.rotate()).toBe(true);
    expect((await provider.keys.list()).map(({ state }) => state)).toEqual(['current', 'next']);
    // A successor waits already: another would only push it aside.
    expect(await provider.keys.rotate()).toBe(false);
    expect((await provider.keys.list()).map(({ state }) => state)).toEqual(['current', 'next']);
    expect(await provider.keys.rotate({ emergency: true })).toBe(true);
    expect((await provider.keys.list()).map(({ state }) => state)).toEqual(['current']);
  });
  it('immediately signs with the new keys, once a second, and keeps the old ones published', async () => {
    const provider = own();
    await provider.maintain();
    const seen = new Set<string>();
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await provider.keys.rotate({ immediate: true })).toBe(true);
      const keys = await provider.keys.list();
      const current = keys.filter(({ state }) => state === 'current');
      expect([current.length, keys.length]).toEqual([1, turn + 2]);
      expect(seen.has(current[0]?.kid ?? '')).toBe(false);
      seen.add(current[0]?.kid ?? '');
      expect(await provider.keys.published()).toHaveLength(turn + 2);
      world.now += 1;
    }
  });
  it('X-3 in an emergency stops other processes from signing within five seconds', async () => {
    const store = memoryDatabase();
    let now = world.now;
    const make = (): Provider =>
      createProvider({
        issuer: ISSUER,
        store,
        secret: 'one secret for both of the processes',
        accounts: memoryAccounts([]),
        pages: builtInPages(),
        keySchedule: { algs: ['ES256'] },
        clock: () => now,
      });
    const [one, two] = [make(), make()];
    const [old] = await two.keys.published();
    await one.keys.rotate({ emergency: true });
    now += 5;
    expect((await two.keys.published()).map(({ kid }) => kid)).not.toContain(old?.kid);
  });
});

describe('keys that the configuration gives', () => {
  it('[RFC7518 §3.3] JW-11 are refused below 2048 bits of RSA', async () => {
    const pem = generateKeyPairSync('rsa', { modulusLength: 1024 })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString();
    await expect(makeWorld({ signingKeys: [{ pem, alg: 'RS256', active: true }] })).rejects.toThrow(
      /2048/,
    );
  });
  it('sign, except inactive ones, which are only published', async () => {
    const [rs, ps] = SIGNING_KEYS;
    if (rs === undefined || ps === undefined) throw new Error('keys');
    const given = await makeWorld({ signingKeys: [rs, { ...ps, alg: 'RS256', active: false }] });
    const { id_token } = await getTokens(given);
    const { kid } = JSON.parse(
      Buffer.from(id_token.split('.')[0] ?? '', 'base64url').toString(),
    ) as { kid: string };
    const keys = await given.provider.keys.list();
    expect(keys.map(({ state }) => state)).toEqual(['current', 'retired']);
    expect(kid).toBe(keys[0]?.kid);
  });
  it('JW-06 sign only while they are active', async () => {
    const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString();
    const [rsa] = SIGNING_KEYS;
    const signingKeys = [
      rsa as (typeof SIGNING_KEYS)[number],
      { alg: 'ES256' as const, active: false, pem },
    ];
    world = await makeWorld({ signingKeys });
    expect((await world.provider.keys.list()).map(({ alg, state }) => `${alg} ${state}`)).toEqual([
      'RS256 current',
      'ES256 retired',
    ]);
    expect(await world.provider.keys.published()).toHaveLength(2);
    await expect(
      world.provider.clients.create({
        name: 'x',
        redirectUris: [REDIRECT_URI],
        idTokenSignedResponseAlg: 'ES256',
      }),
    ).rejects.toThrow(/idTokenSignedResponseAlg/);
    // One that registered while the key was active.
    await world.provider.store.clients.replace(
      {
        ...world.web,
        idTokenSignedResponseAlg: 'ES256',
        version: world.web.version + 1,
      },
      null,
    );
    world.now += 60;
    const { access_token } = await getTokens(world, { scope: 'read' });
    expect(await isActive(world, access_token)).toBe(true);
    const proof = pkce();
    const code = await getCode(world, proof);
    expectRefusal(world, await redeem(world, code, proof.verifier), {
      status: 500,
      error: 'server_error',
      reason: 'unexpected',
    });
    expect(
      (await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' })).status,
    ).toBe(200);
  });
});
