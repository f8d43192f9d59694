/** What a client has of its own: lifetimes, rotation, wildcard hosts. */
import { type ClientMetadata, memoryDatabase } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage } from '../refusals.ts';
import {
  type Answer,
  browserOf,
  claimsOf,
  codeOf,
  getCode,
  getTokens,
  ISSUER,
  makeWorld,
  openAuthorize,
  pageOf,
  pkce,
  post,
  redeem,
  type World,
} from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

const change = async (changes: Partial<ClientMetadata>): Promise<void> =>
  void (await world.provider.clients.update(world.web.clientId, changes));
const refresh = async (refresh_token: string): Promise<Answer> =>
  await post(world, 'token', { grant_type: 'refresh_token', refresh_token });

describe('lifetimes', () => {
  it('of access tokens and ID tokens, also of those that come later', async () => {
    await change({ accessTokenLifetime: 60, idTokenLifetime: 120 });
    const first = await getTokens(world);
    const second = (await refresh(first.refresh_token)).body;
    for (const { expires_in, id_token } of [first, second]) {
      const { exp, iat } = claimsOf(id_token) as { exp: number; iat: number };
      expect([expires_in, exp - iat]).toEqual([60, 120]);
    }
    const own = await post(world, 'token', { grant_type: 'client_credentials' });
    expect(own.body['expires_in']).toBe(60);
  });
  it('of a code', async () => {
    await change({ codeLifetime: 10 });
    const proof = pkce();
    const code = await getCode(world, proof);
    world.now += 10;
    expect((await redeem(world, code, proof.verifier)).body['error']).toBe('invalid_grant');
  });
  it.each([
    ['without use', { refreshTokenIdleLifetime: 100 }],
    ['in all', { refreshTokenAbsoluteLifetime: 100 }],
  ])('of refresh tokens %s', async (_what, changes) => {
    await change(changes);
    const { refresh_token } = await getTokens(world);
    world.now += 60;
    const next = await refresh(refresh_token);
    expect(next.status).toBe(200);
    world.now += 60;
    const isIdle = 'refreshTokenIdleLifetime' in changes;
    const later = await refresh(String(next.body['refresh_token']));
    expect(later.status).toBe(isIdle ? 200 : 400);
    world.now += 100;
    expect((await refresh(String(later.body['refresh_token'] ?? 'x'))).status).toBe(400);
  });
  it.each([
    [{ codeLifetime: 601 }, /at most 600/],
    [{ codeLifetime: 0 }, /at least one second/],
    [{ accessTokenLifetime: 0 }, /at least one second/],
    [{ idTokenLifetime: 1.5 }, /whole number/],
    [{ refreshTokenIdleLifetime: -1 }, /whole number/],
  ])('[RFC6749 §4.1.2] %o is refused', async (changes, problem) => {
    await expect(change(changes)).rejects.toThrow(problem);
  });
});

describe('rotation', () => {
  it('is switched off for one client', async () => {
    await change({ rotateRefreshTokens: false });
    const { refresh_token } = await getTokens(world);
    expect((await refresh(refresh_token)).body['refresh_token']).toBe(refresh_token);
  });
  it('is switched on for one client', async () => {
    world = await makeWorld({ refreshTokens: { rotation: false } });
    await change({ rotateRefreshTokens: true });
    const { refresh_token } = await getTokens(world);
    expect((await refresh(refresh_token)).body['refresh_token']).not.toBe(refresh_token);
  });
  it('[RFC9700 §2.2.2] is not switched off for a public client', async () => {
    await world.provider.clients.update(world.spa.clientId, { rotateRefreshTokens: false });
    const proof = pkce();
    const ours = { client_id: world.spa.clientId, redirect_uri: 'https://spa.example/cb' };
    const code = await getCode(world, proof, ours);
    const fields = { grant_type: 'authorization_code', code, code_verifier: proof.verifier };
    const first = await post(world, 'token', { ...fields, ...ours }, {});
    const refresh_token = String(first.body['refresh_token']);
    const again = { grant_type: 'refresh_token', refresh_token, client_id: world.spa.clientId };
    expect((await post(world, 'token', again, {})).body['refresh_token']).not.toBe(refresh_token);
  });
});

describe('wildcard hosts', () => {
  const WILD = 'https://*.preview.example.com/cb';
  const ONE = 'https://pr-7.preview.example.com/cb';

  it('AZ-05 are refused unless the operator allows them, who is told at the start', async () => {
    await expect(change({ redirectUris: [WILD] })).rejects.toThrow(/allowRedirectUriWildcards/);
    world = await makeWorld({ allowRedirectUriWildcards: true });
    expect(world.provider.weakened).toEqual(['allowRedirectUriWildcards']);
  });
  it('AZ-05 sign nobody in while the server does not allow them, and its log says so', async () => {
    const store = memoryDatabase();
    world = await makeWorld({ store, allowRedirectUriWildcards: true });
    await change({ redirectUris: [WILD] });
    const lines: object[] = [];
    const note = (line: object): void => void lines.push(line);
    const strict = await makeWorld({ store, logger: { info: note, warn: note, error: note } });
    const asked = { client_id: world.web.clientId, redirect_uri: ONE };
    const { status } = await openAuthorize(strict, browserOf(strict), asked);
    expect(status).toBe(400);
    const remedy = expect.stringMatching(/^set allowRedirectUriWildcards/);
    expect(lines).toContainEqual(expect.objectContaining({ remedy }));
  });
  it('AZ-02 sign people in at a host that they stand for, and at no other', async () => {
    world = await makeWorld({ allowRedirectUriWildcards: true });
    await change({ redirectUris: [WILD] });
    const proof = pkce();
    const code = await getCode(world, proof, { redirect_uri: ONE });
    const fields = { grant_type: 'authorization_code', code, code_verifier: proof.verifier };
    const foreign = 'https://pr-8.preview.example.com/cb';
    const wrong = await post(world, 'token', { ...fields, redirect_uri: foreign });
    expect(wrong.body['error']).toBe('invalid_grant');
    expect((await post(world, 'token', { ...fields, redirect_uri: ONE })).status).toBe(200);
    for (const redirect_uri of [
      'https://preview.example.com/cb',
      'https://evil.example/.preview.example.com/cb',
      WILD,
    ])
      expectErrorPage(await openAuthorize(world, browserOf(world), { redirect_uri }), {
        status: 400,
        code: 'invalid_request',
        reason: 'redirect_uri_mismatch',
      });
  });
  it('AZ-06 are no address where the request names none', async () => {
    world = await makeWorld({ allowRedirectUriWildcards: true });
    await change({ redirectUris: [WILD] });
    const bare = { redirect_uri: null, scope: 'read', nonce: null };
    expectErrorPage(await openAuthorize(world, browserOf(world), bare), {
      status: 400,
      code: 'invalid_request',
      reason: 'redirect_uri_missing',
    });
  });
  it('AZ-02 no longer count once the operator allows them no more', async () => {
    world = await makeWorld({ allowRedirectUriWildcards: true });
    await change({ redirectUris: [WILD] });
    const { store } = world.provider;
    const strict = await makeWorld({ store: { ephemeral: true, forIssuer: () => store } });
    const changes = { client_id: world.web.clientId, redirect_uri: ONE };
    const visit = await openAuthorize(strict, browserOf(strict), changes);
    expect(pageOf(visit)).toBe('reason redirect_uri_mismatch');
    expect(codeOf(visit)).toBeNull();
  });
  it('NB-07 work for origins, and after logout', async () => {
    world = await makeWorld({ allowRedirectUriWildcards: true });
    await change({
      allowedOrigins: ['https://*.preview.example.com'],
      postLogoutRedirectUris: ['https://*.preview.example.com/bye'],
    });
    const call = async (origin: string): Promise<string | null> => {
      const body = new URLSearchParams({ client_id: world.web.clientId });
      const request = new Request(world.provider.url('token'), {
        method: 'POST',
        headers: { origin },
        body,
      });
      return (await world.provider.fetch(request)).headers.get('access-control-allow-origin');
    };
    const own = 'https://pr-7.preview.example.com';
    expect(await call(own)).toBe(own);
    for (const origin of [
      'https://preview.example.com',
      'https://evil.example',
      `${own}.evil.example`,
    ])
      expect(await call(origin)).toBeNull();
    const leave = async (to: string): Promise<string | null> => {
      const url = new URL(`${ISSUER}/o/logout/`);
      url.searchParams.set('client_id', world.web.clientId);
      url.searchParams.set('post_logout_redirect_uri', to);
      return (await browserOf(world).open(url.href)).leaves?.href ?? null;
    };
    expect(await leave(`${own}/bye`)).toBe(`${own}/bye`);
    expect(await leave('https://evil.example/bye')).toBeNull();
  });
});
