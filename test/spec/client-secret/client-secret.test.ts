/**
 * Secrets of clients: how they are made, kept, compared and replaced. How clients prove themselves
 * with them stands in clients/client-authentication.test.ts.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { type Answer, basic, makeWorld, post, type World } from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
const ask = async (secret: string): Promise<Answer> =>
  await post(
    world,
    'token',
    { grant_type: 'client_credentials' },
    { authorization: basic(world.web.clientId, secret) },
  );
const works = async (secret: string): Promise<boolean> => (await ask(secret)).status === 200;

describe('a secret', () => {
  it('CL-16 has 256 bits when it is generated, is shown once and rests as a digest', async () => {
    expect(world.webSecret).toMatch(/^vkcs_[A-Za-z0-9_-]{49}$/);
    expect(
      JSON.stringify(await world.provider.store.clients.find(world.web.clientId)),
    ).not.toContain(world.webSecret);
  });
  it('PK-09 CL-01 is compared in one place, in constant time: no other line of src compares a digest or token', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
      /^(crypto|domain|engine|features|web)\/.*\.ts$/.test(file),
    );
    expect(files.length).toBeGreaterThan(40);
    const name = '(digest|secret|verifier|challenge|token|mac|password)';
    const suspicious = new RegExp(
      `\\b${name}\\b\\s*[!=]==(?!\\s*(undefined|null|'))|[!=]== (\\w+\\.)*${name}\\b`,
      'i',
    );
    expect(
      ['a.secret === given', 'given !== row.digest'].every((line) => suspicious.test(line)),
    ).toBe(true);
    const found = files.flatMap((file) =>
      readFileSync(`src/${file}`, 'utf8')
        .split('\n')
        .filter((line) => !/^\s*(\*|\/\/)/.test(line) && suspicious.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(found).toEqual([]);
    expect(readFileSync('src/crypto/bytes.ts', 'utf8')).toContain('timingSafeEqual');
  });
});

describe('rotation of secrets', () => {
  it('accepts the old secret beside the new one until the old one ends', async () => {
    const rotated = await world.provider.clients.rotateSecret(world.web.clientId, 60);
    expect([await works(world.webSecret), await works(rotated?.clientSecret ?? '')]).toEqual([
      true,
      true,
    ]);
    world.now += 61;
    expect([await works(world.webSecret), await works(rotated?.clientSecret ?? '')]).toEqual([
      false,
      true,
    ]);
  });
  it('refuses a secret that was replaced without overlap at once, and forgets it', async () => {
    const rotated = await world.provider.clients.rotateSecret(world.web.clientId, 0);
    const before = await ask(world.webSecret);
    expectRefusal(world, before, {
      status: 401,
      error: 'invalid_client',
      reason: 'client_secret_wrong',
    });
    expect([
      (await ask(rotated?.clientSecret ?? '')).status,
      rotated?.client.secrets.length,
    ]).toEqual([200, 1]);
  });
  it('prolongs no secret that ends sooner, and forgets those that have ended', async () => {
    const { clients } = world.provider;
    await clients.rotateSecret(world.web.clientId, 60);
    const second = await clients.rotateSecret(world.web.clientId, 600);
    expect(second?.client.secrets.map(({ expiresAt }) => expiresAt)).toEqual([
      null,
      world.now + 600,
      world.now + 60,
    ]);
    world.now += 60;
    expect((await clients.rotateSecret(world.web.clientId, 600))?.client.secrets).toHaveLength(3);
  });
});
