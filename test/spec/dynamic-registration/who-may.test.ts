/** Who may register a client, and how many (RFC 7591 §3). Rule RG-01. */
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { ISSUER, makeWorld, type World } from '../setup.ts';
import { GOOD, howMany, register, registeringWorld, tokenFor } from './registering.ts';

let world: World;
beforeEach(async () => {
  world = await registeringWorld();
});

const DISCOVERY = `${ISSUER}/.well-known/oauth-authorization-server`;

describe('who may register', () => {
  it('RG-01 nobody by default: no endpoint, and discovery names none', async () => {
    const closed = await makeWorld();
    expect(() => closed.provider.url('registration')).toThrow(/no endpoint/);
    const found = await closed.provider.fetch(new Request(`${ISSUER}/o/register/`));
    expect(found.status).toBe(404);
    const documents = await (await closed.provider.fetch(new Request(DISCOVERY))).json();
    expect(documents).not.toHaveProperty('registration_endpoint');
  });
  it('[RFC8414 §2] discovery names the endpoint where the feature is on', async () => {
    const documents = await (await world.provider.fetch(new Request(DISCOVERY))).json();
    expect(documents).toHaveProperty('registration_endpoint', `${ISSUER}/o/register/`);
  });
  it.each([
    ['without a token', {}, 'registration_closed'],
    ['with another scheme', { headers: { authorization: 'Basic YTpi' } }, 'registration_closed'],
    ['with a text that is no token', { token: 'abc' }, 'initial_access_token'],
    [
      'with an access token of a client',
      { token: `vkat_${'a'.repeat(49)}` },
      'initial_access_token',
    ],
  ])('[RFC7591 §3] RG-01 nobody %s', async (_what, sending, reason) => {
    const answer = await register(world, GOOD, sending);
    expectRefusal(world, answer, { status: 401, error: 'invalid_token', reason });
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="registration"/);
    expect(await howMany(world)).toBe(0);
  });
  it('RG-01 nobody with a token that is used up, has ended or was deleted', async () => {
    const used = await tokenFor(world);
    expect((await register(world, GOOD, { token: used })).status).toBe(201);
    const { token: deleted, record } = await world.provider.initialAccessTokens.create({
      name: 'x',
    });
    await world.provider.initialAccessTokens.delete(record.id);
    const ended = await tokenFor(world);
    for (const token of [used, deleted]) {
      const answer = await register(world, GOOD, { token });
      expectRefusal(world, answer, {
        status: 401,
        error: 'invalid_token',
        reason: 'initial_access_token',
      });
    }
    world.now += 7 * 86_400;
    expect((await register(world, GOOD, { token: ended })).status).toBe(401);
    expect(await howMany(world)).toBe(1);
  });
  it('RG-01 of 50 parallel registrations with a token of one use exactly one succeeds', async () => {
    const token = await tokenFor(world);
    const all = await Promise.all(
      Array.from({ length: 50 }, async (_, index) =>
        register(world, GOOD, { token, ip: `192.0.2.${index}` }),
      ),
    );
    expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([201, 401]));
    expect(await howMany(world)).toBe(1);
  });
  it('a refused registration leaves the use of its token', async () => {
    const token = await tokenFor(world);
    expect((await register(world, { redirect_uris: [] }, { token })).status).toBe(400);
    expect((await register(world, GOOD, { token })).status).toBe(201);
  });
  it('RG-01 wrong tokens are limited per network', async () => {
    let last = 0;
    for (let call = 0; call < 22; call += 1)
      last = (await register(world, GOOD, { token: 'abc' })).status;
    expect(last).toBe(429);
    const other = await register(world, GOOD, { token: await tokenFor(world), ip: '192.0.2.99' });
    expect(other.status).toBe(201);
  });
});

describe('open registration', () => {
  const different = (index: number): object => ({ ...GOOD, client_name: `App ${index}` });

  it('RG-01 is named at the start', async () => {
    world = await registeringWorld({ allowOpenRegistration: true });
    expect(world.provider.weakened).toEqual(['dynamicRegistration.allowOpenRegistration']);
  });
  it('RG-01 is limited per network, with Retry-After', async () => {
    world = await registeringWorld({ allowOpenRegistration: true });
    const statuses: number[] = [];
    for (let index = 0; index < 11; index += 1)
      statuses.push((await register(world, different(index))).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 201), 429]);
    const limited = await register(world, GOOD);
    expectRefusal(world, limited, {
      status: 429,
      error: 'invalid_request',
      reason: 'rate_limited',
    });
    const seconds = Number(limited.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    // As draft-ietf-httpapi-ratelimit-headers has them.
    expect(limited.headers.get('ratelimit')).toBe(`"attempts";r=0;t=${seconds}`);
    expect(limited.headers.get('ratelimit-policy')).toBe('"attempts";q=10;w=3600');
    expect((await register(world, GOOD, { ip: '198.51.100.1' })).status).toBe(201);
  });
  it('RG-01 of 10,000 anonymous registrations no more are stored than the limit in all', async () => {
    const registrationsInAll = { limit: 40, seconds: 86_400 };
    world = await registeringWorld({ allowOpenRegistration: true, registrationsInAll });
    const counts = new Map<number, number>();
    for (let index = 0; index < 10_000; index += 1) {
      const ip = `10.${index >> 8}.${index & 255}.1`;
      const { status } = await register(world, different(index), { ip });
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({ 201: 40, 429: 9960 });
    expect(await howMany(world)).toBe(40);
    // And those go when nobody uses them.
    world.now += 7 * 86_400;
    expect((await world.provider.clear(1000)).clients).toBe(40);
    expect(await howMany(world)).toBe(0);
  }, 60_000);
  it('a wrong token is refused there as well', async () => {
    world = await registeringWorld({ allowOpenRegistration: true });
    expect((await register(world, GOOD, { token: 'abc' })).status).toBe(401);
  });
});
