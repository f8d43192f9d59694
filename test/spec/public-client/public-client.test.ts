/**
 * Clients without a secret: browser applications, and native applications on loopback (RFC 8252).
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal, expectRefusedRedirect } from '../refusals.ts';
import {
  type Answer,
  allow,
  browserOf,
  getCode,
  logIn,
  makeWorld,
  openAuthorize,
  type Pkce,
  pageOf,
  paramOf,
  pkce,
  post,
  type World,
} from '../setup.ts';

let world: World;
let proof: Pkce;
beforeEach(async () => {
  world = await makeWorld();
  proof = pkce();
});
const SPA_URI = 'https://spa.example/cb';
const spaCode = async (): Promise<string> =>
  await getCode(world, proof, { client_id: world.spa.clientId, redirect_uri: SPA_URI });
const ask = async (fields: Readonly<Record<string, string>>): Promise<Answer> =>
  await post(world, 'token', { client_id: world.spa.clientId, ...fields }, {});
const asSpa = async (
  code: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  await ask({
    grant_type: 'authorization_code',
    code,
    redirect_uri: SPA_URI,
    code_verifier: proof.verifier,
    ...changes,
  });

describe('the authorization code of a public client', () => {
  it('[RFC7636 §4.6] PK-01 is redeemed with the verifier alone', async () => {
    expect((await asSpa(await spaCode())).status).toBe(200);
  });
  it('[RFC7591 §2] CL-05 is not redeemed with a client_secret in place of the verifier', async () => {
    const code = await spaCode();
    expectRefusal(world, await asSpa(code, { client_secret: 'random', code_verifier: '' }), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_authentication_method',
    });
    expectRefusal(world, await asSpa(code, { code_verifier: '' }), {
      status: 400,
      error: 'invalid_grant',
      reason: 'code_verifier_missing',
    });
  });
});

describe('the refresh token of a public client', () => {
  it('is redeemed with the client_id alone, rotates, and is good for no other client', async () => {
    const first = await asSpa(await spaCode());
    const second = await ask({
      grant_type: 'refresh_token',
      refresh_token: String(first.body['refresh_token']),
    });
    expect(second.status).toBe(200);
    const foreign = await post(world, 'token', {
      grant_type: 'refresh_token',
      refresh_token: String(second.body['refresh_token']),
    });
    expectRefusal(world, foreign, {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_foreign',
    });
  });
  it('[RFC9700 §2.2.2] rotates even where rotation is off', async () => {
    world = await makeWorld({ refreshTokens: { rotation: false } });
    const first = await asSpa(await spaCode());
    const refresh_token = String(first.body['refresh_token']);
    const second = await ask({ grant_type: 'refresh_token', refresh_token });
    expect([second.status, second.body['refresh_token'] === refresh_token]).toEqual([200, false]);
  });
});

describe('a native application on loopback', () => {
  it('[RFC8252 §8.6] NB-06 asks for consent again at every request', async () => {
    const browser = browserOf(world);
    const redirectUris = ['http://127.0.0.1/cb'];
    const { client } = await world.provider.clients.create({
      name: 'CLI',
      tokenEndpointAuthMethod: 'none',
      applicationType: 'native',
      redirectUris,
    });
    const request = { client_id: client.clientId, redirect_uri: 'http://127.0.0.1:5555/cb' };
    expect(
      paramOf(
        await allow(
          browser,
          await logIn(browser, await openAuthorize(world, browser, request, proof)),
        ),
        'code',
      ),
    ).not.toBeNull();
    expect(pageOf(await openAuthorize(world, browser, request, proof))).toBe('consent');
    expectRefusedRedirect(
      world,
      await openAuthorize(world, browser, { ...request, prompt: 'none' }, proof),
      { error: 'consent_required', reason: 'prompt_none' },
    );
  });
});
