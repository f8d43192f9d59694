/**
 * The token request with a device code (RFC 8628 §3.4, §3.5): polling, and what it gives. Rules
 * DV.
 */

import type { ScriptedBrowser } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { ALICE, browserOf, claimsOf, isActive, post, type World, watched } from '../setup.ts';
import {
  DEVICE_GRANT,
  type Device,
  decideOn,
  enterCode,
  makeDeviceWorld,
  poll,
  pollLater,
  send,
  shows,
  startDevice,
} from './device.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await makeDeviceWorld();
  browser = browserOf(world);
});

describe('polling', () => {
  it('[RFC8628 §3.5] DV-04 tells a device to wait, and five seconds longer after each poll too many', async () => {
    const device = await startDevice(world);
    expectRefusal(world, await poll(world, device), {
      status: 400,
      error: 'authorization_pending',
      reason: 'device_pending',
    });
    expectRefusal(world, await pollLater(world, device, 4), {
      status: 400,
      error: 'slow_down',
      reason: 'device_slow_down',
    });
    expectRefusal(world, await pollLater(world, device, 9), {
      status: 400,
      error: 'slow_down',
      reason: 'device_slow_down',
    });
    expectRefusal(world, await pollLater(world, device, 14), {
      status: 400,
      error: 'slow_down',
      reason: 'device_slow_down',
    });
    expectRefusal(world, await pollLater(world, device, 20), {
      status: 400,
      error: 'authorization_pending',
      reason: 'device_pending',
    });
  });
  it('[RFC8628 §3.5] DV-04 tells one of many parallel polls to wait and the others to slow down', async () => {
    const device = await startDevice(world);
    const answers = await Promise.all(Array.from({ length: 20 }, () => poll(world, device)));
    const errors = answers.map(({ body }) => body['error']);
    expect(errors.filter((error) => error === 'authorization_pending')).toHaveLength(1);
    expect(errors.filter((error) => error === 'slow_down')).toHaveLength(19);
  });
  it('[RFC8628 §3.5] DV-04 refuses an expired code, whether nobody answered or somebody did', async () => {
    const [waiting, declined, allowed] = [
      await startDevice(world),
      await startDevice(world),
      await startDevice(world),
    ];
    await decideOn(browser, declined, 'deny');
    await browser.submit(await enterCode(browser, allowed.user_code), { decision: 'allow' });
    world.now += 600;
    for (const device of [waiting, declined, allowed])
      expectRefusal(world, await poll(world, device), {
        status: 400,
        error: 'expired_token',
        reason: 'device_code_expired',
      });
  });
  it('[RFC8628 §3.5] tells that the user declined', async () => {
    const device = await startDevice(world);
    expect(shows(await decideOn(browser, device, 'deny'))).toBe('device-denied');
    expectRefusal(world, await poll(world, device), {
      status: 400,
      error: 'access_denied',
      reason: 'device_denied',
    });
    expect(world.events.some(({ type }) => type === 'authorization.denied')).toBe(true);
  });
  it('[RFC8628 §3.4] DV-02 refuses another client and another code, and leaves the code usable', async () => {
    const device = await startDevice(world);
    await decideOn(browser, device);
    await world.provider.clients.update(world.other.clientId, {
      grantTypes: [DEVICE_GRANT, 'authorization_code'],
    });
    const other = { client_id: world.other.clientId, client_secret: world.otherSecret };
    const foreign = await send(
      world,
      'token/',
      { ...other, grant_type: DEVICE_GRANT, device_code: device.device_code },
      {},
    );
    expectRefusal(world, foreign, {
      status: 400,
      error: 'invalid_grant',
      reason: 'device_code_foreign',
    });
    expect(world.events.at(-1)?.reason).toBe('device_code_foreign');
    for (const device_code of ['x', `vkdc_${'a'.repeat(49)}`, device.user_code])
      expectRefusal(world, await poll(world, { device_code }), {
        status: 400,
        error: 'invalid_grant',
        reason: 'device_code_unknown',
      });
    expectRefusal(world, await send(world, 'token/', { grant_type: DEVICE_GRANT }), {
      status: 400,
      error: 'invalid_request',
      reason: 'missing_parameter',
    });
    expect((await poll(world, device)).status).toBe(200);
  });
  it('RT-09 refuses a code of a client that another node disabled', async () => {
    const device = await startDevice(world);
    await decideOn(browser, device);
    const { clients } = world.provider.store;
    const client = await clients.find(world.web.clientId);
    if (client === null) throw new Error('there is no client');
    const disabled = { ...client, disabledAt: world.now, version: client.version + 1 };
    expect(await clients.replace(disabled, null)).toBe(true);
    expectRefusal(world, await poll(world, device), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_disabled',
    });
  });
  it('RT-09 refuses a code whose subject, authorization or account has ended', async () => {
    const [revoked, withdrawn, disabled] = [
      await startDevice(world),
      await startDevice(world),
      await startDevice(world),
    ];
    await decideOn(browser, revoked);
    for (const device of [withdrawn, disabled])
      await browser.submit(await enterCode(browser, device.user_code), { decision: 'allow' });
    await world.provider.subjects.revoke(ALICE.sub);
    expectRefusal(world, await poll(world, revoked), {
      status: 400,
      error: 'invalid_grant',
      reason: 'subject_revoked',
    });
    await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId);
    expectRefusal(world, await poll(world, withdrawn), {
      status: 400,
      error: 'invalid_grant',
      reason: 'authorization_withdrawn',
    });
    const device = await startDevice(world);
    world.now += 1;
    await decideOn(browser, device);
    world.accounts.setEnabled(ALICE.sub, false);
    expectRefusal(world, await poll(world, device), {
      status: 400,
      error: 'invalid_grant',
      reason: 'account_disabled',
    });
  });
  it('calls the store once for a request, twice for a poll that waits, three times for tokens', async () => {
    await decideOn(browser, await startDevice(world));
    const calls = watched(world.provider.store);
    const trips = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
      calls.length = 0;
      await work();
      return calls.filter((call) => call !== 'audit.append');
    };
    let device: Device | undefined;
    expect(await trips(async () => (device = await startDevice(world)))).toEqual(['oneTime.put']);
    if (device === undefined) throw new Error('no device');
    const polled = device;
    expect(await trips(async () => await poll(world, polled))).toEqual([
      'oneTime.find',
      'oneTime.swap',
    ]);
    await browser.submit(await enterCode(browser, polled.user_code), { decision: 'allow' });
    expect(await trips(async () => await poll(world, polled))).toEqual([
      'oneTime.find',
      'authorizations.find',
      'tokens.issue',
    ]);
  });
});

describe('the tokens', () => {
  it('[RFC8628 §3.4] DV-07 do not go to a client that was registered anew under the same client_id', async () => {
    const device = await startDevice(world);
    await decideOn(browser, device);
    const { clientId } = world.web;
    await world.provider.clients.delete(clientId);
    world.now += 1;
    await world.provider.clients.create(
      {
        name: 'Again',
        redirectUris: ['https://again.example/cb'],
        grantTypes: [DEVICE_GRANT, 'authorization_code'],
      },
      { clientId, clientSecret: world.webSecret },
    );
    expectRefusal(world, await poll(world, device), {
      status: 400,
      error: 'invalid_grant',
      reason: 'device_code_foreign',
    });
  });
  it('[RFC8628 §3.5] DV-03 S-2 go to exactly one of fifty polls after the approval', async () => {
    const device = await startDevice(world);
    await decideOn(browser, device);
    const answers = await Promise.all(Array.from({ length: 50 }, () => poll(world, device)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const errors = new Set(answers.map(({ body }) => body['error']));
    expect(errors).toEqual(new Set([undefined, 'invalid_grant']));
    expectRefusal(world, await pollLater(world, device), {
      status: 400,
      error: 'invalid_grant',
      reason: 'device_code_used',
    });
  });
  it('[RFC8628 §3.4] [RFC8628 §3.5] are an access token, a refresh token, and an ID token with the time of the sign-in', async () => {
    const device = await startDevice(world, { scope: 'openid profile read' });
    await decideOn(browser, device);
    world.now += 30;
    const { status, body } = await poll(world, device);
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({ scope: 'openid profile read', token_type: 'Bearer' }),
    ]);
    expect(claimsOf(body['id_token'])).toMatchObject({
      sub: ALICE.sub,
      aud: world.web.clientId,
      auth_time: world.now - 30,
      amr: ['pwd'],
    });
    const refreshed = await post(world, 'token', {
      grant_type: 'refresh_token',
      refresh_token: String(body['refresh_token']),
    });
    expect(refreshed.status).toBe(200);
  });
  it('go to a public client as well', async () => {
    const client = { client_id: world.spa.clientId };
    const { body } = await send(world, 'device_authorization/', { ...client, scope: 'read' }, {});
    const device = body as unknown as Device;
    await decideOn(browser, device);
    const fields = { ...client, grant_type: DEVICE_GRANT, device_code: device.device_code };
    expect((await send(world, 'token/', fields, {})).body['scope']).toBe('read');
  });
  it('outlive the session in which the user allowed them', async () => {
    const device = await startDevice(world, { scope: 'read' });
    await decideOn(browser, device);
    const token = String((await poll(world, device)).body['access_token']);
    const question = await browser.open(world.provider.url('rp-initiated-logout'));
    await browser.submit(question, { decision: 'logout' });
    expect(await isActive(world, token)).toBe(true);
  });
});
