/** The device authorization request (RFC 8628 §3.1, §3.2). Rules DV. */

import { randomBytes } from 'node:crypto';
import { deviceAuthorization, memoryDatabase } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { browserOf, ISSUER, makeWorld, read, type World } from '../setup.ts';
import {
  DEVICE_GRANT,
  DEVICE_PAGE,
  enterCode,
  makeDeviceWorld,
  send,
  shows,
  startDevice,
} from './device.ts';

let world: World;
beforeEach(async () => {
  world = await makeDeviceWorld();
});

describe('the request', () => {
  it.each<[what: string, scope: string, reason: string]>([
    ['a scope that is not there', 'admin', 'scope_not_available'],
    ['a malformed scope', '"', 'malformed_scope'],
  ])('[RFC8628 §3.1] is refused for %s', async (_what, scope, reason) => {
    const answer = await send(world, 'device_authorization/', { scope });
    expectRefusal(world, answer, { status: 400, error: 'invalid_scope', reason });
  });
  it('[RFC8628 §3.1] [RFC8628 §3.2] needs a client that proves itself and is registered for the grant type', async () => {
    const path = 'device_authorization/';
    expectRefusal(world, await send(world, path, {}, {}), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_credentials_missing',
    });
    const other = { client_id: world.other.clientId, client_secret: world.otherSecret };
    expectRefusal(world, await send(world, path, other, {}), {
      status: 400,
      error: 'unauthorized_client',
      reason: 'device_grant_not_allowed',
    });
    const got = await read(await world.provider.fetch(new Request(`${ISSUER}/o/${path}`)));
    expectRefusal(world, got, {
      status: 405,
      error: 'invalid_request',
      reason: 'method_not_allowed',
    });
    expect(got.headers.get('allow')).toBe('POST');
  });
  it('[RFC8628 §5.1] is limited per network for public clients', async () => {
    world = await makeDeviceWorld({ publicRequests: { limit: 2, seconds: 60 } });
    const spa = { client_id: world.spa.clientId };
    const statuses = [];
    for (let count = 0; count < 3; count += 1)
      statuses.push((await send(world, 'device_authorization/', spa, {})).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await send(world, 'device_authorization/', spa, {}, '203.0.113.9')).status).toBe(200);
  });
});

describe('the response', () => {
  it('[RFC8628 §3.2] [RFC8628 §3.3.1] [RFC8628 §6.1] DV-01 DV-02 holds two codes, and no cache keeps it', async () => {
    const { status, body, headers } = await send(world, 'device_authorization/', {
      scope: 'openid',
    });
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toEqual({
      device_code: expect.stringMatching(/^vkdc_[\w-]{49}$/),
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: DEVICE_PAGE,
      verification_uri_complete: `${DEVICE_PAGE}?user_code=${String(body['user_code'])}`,
      expires_in: 600,
      interval: 5,
    });
  });
  it('[RFC8628 §6.1] DV-01 draws each letter of user codes with the same chance', async () => {
    const counts = new Map<string, number>();
    world = await makeDeviceWorld({ publicRequests: { limit: 10_000, seconds: 900 } });
    for (let count = 0; count < 500; count += 1)
      for (const letter of (await startDevice(world)).user_code.replace('-', ''))
        counts.set(letter, (counts.get(letter) ?? 0) + 1);
    expect(counts.size).toBe(20);
    // 4000 letters, 200 of each on average; 6 standard deviations are 83.
    for (const count of counts.values()) expect(Math.abs(count - 200)).toBeLessThan(90);
  });
  it('[RFC8628 §6.1] DV-01 skips the bytes that would make some letters likelier', async () => {
    let isArmed = false;
    let isFirst = true;
    // 16 bytes are drawn for a user code. The first ones are above the last multiple of 20.
    const random = (size: number): Buffer => {
      if (size !== 16 || !isArmed) return randomBytes(size);
      const bytes = Buffer.alloc(size, isFirst ? 250 : 0);
      isFirst = false;
      return bytes;
    };
    world = await makeDeviceWorld({}, { random });
    isArmed = true;
    expect((await startDevice(world)).user_code).toBe('BBBB-BBBB');
  });
  it('X-5 finds user codes after the secret of the server was replaced', async () => {
    const one = randomBytes(32).toString('base64url');
    const two = randomBytes(32).toString('base64url');
    const store = memoryDatabase();
    world = await makeDeviceWorld({}, { store, secret: one });
    const { user_code } = await startDevice(world);
    const { web } = world;
    world = await makeWorld({ store, secret: [two, one], features: [deviceAuthorization()] });
    expect(web.clientId).not.toBe(world.web.clientId);
    expect(shows(await enterCode(browserOf(world), user_code))).toBe('login-form');
  });
  it('shows the verification_uri of the configuration', async () => {
    world = await makeDeviceWorld({ verificationUri: 'https://op.example/tv?from=qr' });
    const { verification_uri, verification_uri_complete, user_code } = await startDevice(world);
    expect([verification_uri, verification_uri_complete]).toEqual([
      'https://op.example/tv?from=qr',
      `https://op.example/tv?from=qr&user_code=${user_code}`,
    ]);
  });
  it('ST-01 leaves nothing usable in the store', async () => {
    const kept: unknown[] = [];
    const { oneTime } = world.provider.store;
    const { put } = oneTime;
    Object.assign(oneTime, {
      put: async (record: never) => {
        kept.push(record);
        return await put(record);
      },
    });
    const { device_code, user_code } = await startDevice(world);
    expect(kept).toHaveLength(1);
    const text = JSON.stringify(kept);
    for (const secret of [device_code, user_code, user_code.replace('-', '')])
      expect(text).not.toContain(secret);
  });
});

describe('discovery', () => {
  it('announces the endpoint and the grant type', async () => {
    const url = `${ISSUER}/.well-known/openid-configuration`;
    const { body } = await read(await world.provider.fetch(new Request(url)));
    expect(body['device_authorization_endpoint']).toBe(`${ISSUER}/o/device_authorization/`);
    expect(body['grant_types_supported']).toContain(DEVICE_GRANT);
  });
});
