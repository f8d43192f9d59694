/** How often the store is asked: a known number of calls for each request, and none for junk. */
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage, expectRefusal } from '../refusals.ts';
import {
  authorizeParams,
  authorizeUrl,
  basic,
  browserOf,
  getCode,
  getTokens,
  isActive,
  makeWorld,
  openAuthorize,
  pkce,
  post,
  redeem,
  type World,
  watched,
} from '../setup.ts';

describe('the calls of a request', () => {
  it('are 2 to authorize, 2 for a code or a refresh, 1 for others, 0 for an unknown visitor', async () => {
    const world = await makeWorld();
    const browser = browserOf(world);
    await getTokens(world, {}, browser);
    const calls = watched(world.provider.store);
    const callsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
      calls.length = 0;
      await work();
      return calls.filter((call) => call !== 'audit.append');
    };
    const proof = pkce();
    let code = '';
    const authorize = async (): Promise<unknown> =>
      (code = await getCode(world, proof, {}, browser));
    expect(await callsOf(authorize)).toEqual(['sessions.findFor', 'codes.insert']);
    let tokens: Record<string, string> = {};
    const exchange = async (): Promise<unknown> =>
      (tokens = (await redeem(world, code, proof.verifier)).body as Record<string, string>);
    expect(await callsOf(exchange)).toEqual(['codes.find', 'tokens.issue']);
    const { access_token = '', refresh_token = '' } = tokens;
    expect(
      await callsOf(() => post(world, 'token', { grant_type: 'refresh_token', refresh_token })),
    ).toEqual(['tokens.findFamily', 'tokens.issue']);
    expect(await callsOf(() => isActive(world, access_token))).toEqual(['tokens.findAccessToken']);
    expect(await callsOf(() => post(world, 'userinfo', { access_token }, {}))).toEqual([
      'tokens.findAccessToken',
    ]);
    expect(await callsOf(() => post(world, 'token', { grant_type: 'client_credentials' }))).toEqual(
      ['tokens.issue'],
    );
    expect(
      await callsOf(() => post(world, 'revoke-token', { token: tokens['refresh_token'] ?? '' })),
    ).toEqual(['tokens.revokeFamily']);
    expect(await callsOf(() => openAuthorize(world, browserOf(world)))).toEqual([]);
  });
});

describe('junk', () => {
  let world: World;
  beforeEach(async () => {
    world = await makeWorld();
  });
  it('IN-05 in the session cookie costs no call', async () => {
    const browser = browserOf(world);
    await getTokens(world, {}, browser);
    const [name = '', value = ''] =
      [...browser.cookies].find(([cookie]) => cookie.includes('session')) ?? [];
    const calls = watched(world.provider.store);
    for (const junk of [
      'x',
      value.slice(0, -1),
      `${value}A`,
      value.replace('vkss_', 'vkat_'),
      'A'.repeat(4000),
    ]) {
      const answer = await world.provider.fetch(
        new Request(authorizeUrl(world, authorizeParams(world, pkce().challenge)), {
          headers: { cookie: `${name}=${junk}` },
        }),
      );
      expect(answer.status).toBe(303);
    }
    expect(calls).toEqual([]);
  });
  it('IN-01 in place of a client_id costs no call when it is longer than any of ours', async () => {
    const calls = watched(world.provider.store);
    const long = 'c'.repeat(256);
    const visit = await openAuthorize(world, browserOf(world), { client_id: long });
    expectErrorPage(visit, { status: 400, code: 'invalid_request', reason: 'client_unknown' });
    const answer = await post(
      world,
      'token',
      { grant_type: 'client_credentials' },
      { authorization: basic(long, 'x') },
    );
    expectRefusal(world, answer, {
      status: 401,
      error: 'invalid_client',
      reason: 'client_unknown',
    });
    expect(calls.filter((call) => call.startsWith('clients.'))).toEqual([]);
    await openAuthorize(world, browserOf(world), { client_id: 'c'.repeat(255) });
    expect(calls.filter((call) => call.startsWith('clients.'))).toEqual(['clients.find']);
  });
});
