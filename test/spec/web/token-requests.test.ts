/** How many tokens a client may ask for. Rule IN. */
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { type Answer, basic, makeWorld, post, read, type World } from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld({ rateLimits: { tokenRequests: { limit: 2, seconds: 60 } } });
});

const SERVICE = { grant_type: 'client_credentials', scope: 'read' };
const ask = async (): Promise<Answer> => await post(world, 'token', SERVICE);
/** A public client, from an address. Its refresh token is wrong, which is counted as well. */
const publicFrom = async (ip: string): Promise<Answer> => {
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: 'wrong',
    client_id: world.spa.clientId,
  });
  const request = new Request(world.provider.url('token'), { method: 'POST', body });
  return await read(await world.provider.fetch(request, { ip }));
};

describe('rateLimits.tokenRequests', () => {
  it('refuses a client above the limit, until the window ends', async () => {
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 200]);
    world.now += 20;
    const answer = await ask();
    expectRefusal(world, answer, { status: 429, error: 'invalid_request', reason: 'rate_limited' });
    expect(answer.headers.get('retry-after')).toBe('40');
    expect(answer.headers.get('ratelimit-policy')).toBe('"attempts";q=2;w=60');
    world.now += 40;
    expect((await ask()).status).toBe(200);
  });
  it('counts nothing for a client that does not prove itself', async () => {
    const wrong = { authorization: basic(world.web.clientId, 'wrong') };
    for (let attempt = 0; attempt < 3; attempt += 1)
      expect((await post(world, 'token', SERVICE, wrong)).status).toBe(401);
    expect((await ask()).status).toBe(200);
  });
  it('counts a public client per network: all its people have the same client_id', async () => {
    const statuses = [];
    for (const ip of ['192.0.2.1', '192.0.2.1', '192.0.2.1', '198.51.100.1'])
      statuses.push((await publicFrom(ip)).status);
    expect(statuses).toEqual([400, 400, 429, 400]);
    expect((await ask()).status).toBe(200);
  });
  it('counts nothing by default', async () => {
    world = await makeWorld();
    for (let attempt = 0; attempt < 30; attempt += 1) expect((await ask()).status).toBe(200);
  });
});
