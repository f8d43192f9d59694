/**
 * Redeeming an authorization code at the token endpoint (RFC 6749 §4.1.3): what it gives, how
 * often, to whom and until when. Rules TK.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  type Answer,
  basic,
  getCode,
  isActive,
  makeWorld,
  type Pkce,
  pkce,
  post,
  REDIRECT_URI,
  redeem,
  type Tokens,
  type World,
} from '../setup.ts';

let world: World;
let proof: Pkce;
beforeEach(async () => {
  world = await makeWorld();
  proof = pkce();
});

const good = (code: string, changes: Record<string, string> = {}): Record<string, string> => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: REDIRECT_URI,
  code_verifier: proof.verifier,
  ...changes,
});

const redeemAsOther = async (code: string): Promise<Answer> =>
  await post(
    world,
    'token',
    { ...good(code), client_id: world.other.clientId, client_secret: world.otherSecret },
    {},
  );
const without = (fields: Record<string, string>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));

describe('the response', () => {
  it('[RFC6749 §5.1] [OIDC Core §3.1.3.3] TK-09 answers with tokens that no cache keeps', async () => {
    const answer = await redeem(world, await getCode(world, proof), proof.verifier);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'openid profile email',
    });
    expect(Object.keys(answer.body).sort()).toEqual([
      'access_token',
      'expires_in',
      'id_token',
      'refresh_token',
      'scope',
      'token_type',
    ]);
  });
  it('[OIDC Core §3.1.2.1] issues no ID token without the scope openid', async () => {
    const code = await getCode(world, proof, { scope: 'read' });
    expect((await redeem(world, code, proof.verifier)).body).not.toHaveProperty('id_token');
  });
  it('[RFC6749 §6] issues no refresh token to a client without the grant type refresh_token', async () => {
    await world.provider.clients.update(world.web.clientId, { grantTypes: ['authorization_code'] });
    expect(
      (await redeem(world, await getCode(world, proof), proof.verifier)).body,
    ).not.toHaveProperty('refresh_token');
  });
});

describe('single use', () => {
  it.each([1, 31, 90])(
    '[RFC6749 §4.1.2] TK-01 refuses a code used again after %i s and ends what it gave the first time',
    async (seconds) => {
      const code = await getCode(world, proof);
      const first = (await redeem(world, code, proof.verifier)).body as unknown as Tokens;
      expect(await isActive(world, first.access_token)).toBe(true);
      world.now += seconds;
      const second = await redeem(world, code, proof.verifier);
      expectRefusal(world, second, {
        status: 400,
        error: 'invalid_grant',
        reason: 'code_replayed',
      });
      expect(second.headers.get('cache-control')).toBe('no-store');
      expect(world.events.filter(({ reason }) => reason === 'code_replayed')).toHaveLength(1);
      expect(await isActive(world, first.access_token)).toBe(false);
      expectRefusal(
        world,
        await post(world, 'token', {
          grant_type: 'refresh_token',
          refresh_token: first.refresh_token,
        }),
        { status: 400, error: 'invalid_grant', reason: 'refresh_token_revoked' },
      );
    },
  );
  it('[RFC6749 §4.1.2] TK-02 S-1 gives tokens to exactly one of 100 parallel requests', async () => {
    const code = await getCode(world, proof);
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => await redeem(world, code, proof.verifier)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(
      new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => body['error'])),
    ).toEqual(new Set(['invalid_grant']));
  });

  const wrong: [string, string, (code: string) => Promise<Answer>][] = [
    ['another client', 'code_foreign', async (code) => await redeemAsOther(code)],
    [
      'a wrong verifier',
      'code_verifier_wrong',
      async (code) => await post(world, 'token', good(code, { code_verifier: pkce().verifier })),
    ],
    [
      'a wrong redirect_uri',
      'code_redirect_uri',
      async (code) =>
        await post(world, 'token', good(code, { redirect_uri: 'https://rp.example/other' })),
    ],
  ];

  it.each(wrong)(
    '[RFC6749 §4.1.3] TK-03 ends nothing when a used code comes with %s',
    async (_name, reason, attempt) => {
      const code = await getCode(world, proof);
      const first = (await redeem(world, code, proof.verifier)).body as unknown as Tokens;
      expectRefusal(world, await attempt(code), { status: 400, error: 'invalid_grant', reason });
      expect(await isActive(world, first.access_token)).toBe(true);
    },
  );
  it('refuses a code that other requests keep using at the same moment', async () => {
    const code = await getCode(world, proof);
    Object.assign(world.provider.store.tokens, { issue: async () => 'consumed' });
    const answer = await redeem(world, code, proof.verifier);
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_grant',
      reason: 'used_concurrently',
    });
  });
});

describe('what a code is bound to', () => {
  it.each<[string, (fields: Record<string, string>) => Record<string, string>]>([
    [
      'TK-05 another registered redirect_uri',
      (fields) => ({ ...fields, redirect_uri: 'https://rp.example/other' }),
    ],
    ['TK-05 no redirect_uri', (fields) => without(fields, 'redirect_uri')],
  ])('[RFC6749 §4.1.3] TK-15 refuses %s and leaves the code usable', async (_name, change) => {
    const code = await getCode(world, proof);
    const answer = await post(world, 'token', change(good(code)));
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_grant',
      reason: 'code_redirect_uri',
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
  });
  it('[RFC6749 §4.1.3] accepts a missing redirect_uri where the authorization request had none either', async () => {
    const { client, clientSecret } = await world.provider.clients.create({
      name: 'Plain',
      redirectUris: ['https://plain.example/cb'],
    });
    for (const redirectUri of [null, 'https://plain.example/cb', 'https://evil.example']) {
      const code = await getCode(world, proof, {
        client_id: client.clientId,
        redirect_uri: null,
        scope: 'read',
      });
      const fields =
        redirectUri === null
          ? without(good(code), 'redirect_uri')
          : good(code, { redirect_uri: redirectUri });
      const answer = await post(world, 'token', fields, {
        authorization: basic(client.clientId, clientSecret ?? ''),
      });
      if (redirectUri === 'https://evil.example')
        expectRefusal(world, answer, {
          status: 400,
          error: 'invalid_grant',
          reason: 'code_redirect_uri',
        });
      else expect(answer.status).toBe(200);
    }
  });
  it('[RFC6749 §4.1.3] TK-04 refuses another client and leaves the code usable', async () => {
    const code = await getCode(world, proof);
    const answer = await redeemAsOther(code);
    expectRefusal(world, answer, { status: 400, error: 'invalid_grant', reason: 'code_foreign' });
    expect(world.events.some(({ reason }) => reason === 'code_foreign')).toBe(true);
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
  });
  it('TK-16 TK-17 accepts nothing but the whole code', async () => {
    const code = await getCode(world, proof);
    const tokens = (await redeem(world, await getCode(world, proof), proof.verifier))
      .body as unknown as Tokens;
    for (const wrong of [
      code.slice(0, -1),
      `${code}A`,
      code.replace('vkac_', 'vkat_'),
      code.toUpperCase(),
      ` ${code}`,
      tokens.access_token,
      tokens.refresh_token,
      'x',
    ])
      expectRefusal(world, await post(world, 'token', good(wrong)), {
        status: 400,
        error: 'invalid_grant',
        reason: 'code_unknown',
      });
    expectRefusal(world, await post(world, 'token', good('\u0000')), {
      status: 400,
      error: 'invalid_request',
      reason: 'control_character',
    });
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
  });
});

describe('the lifetime of a code', () => {
  it('[RFC6749 §4.1.2] TK-06 accepts a code after 59 s', async () => {
    const code = await getCode(world, proof);
    world.now += 59;
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
  });
  it.each([60, 600])('[RFC6749 §4.1.2] TK-06 refuses a code after %i s', async (seconds) => {
    const code = await getCode(world, proof);
    world.now += seconds;
    expectRefusal(world, await redeem(world, code, proof.verifier), {
      status: 400,
      error: 'invalid_grant',
      reason: 'code_expired',
    });
  });
  it('TK-13 refuses a code when the account was disabled meanwhile', async () => {
    const code = await getCode(world, proof);
    world.accounts.setEnabled('alice-sub', false);
    expectRefusal(world, await redeem(world, code, proof.verifier), {
      status: 400,
      error: 'invalid_grant',
      reason: 'account_disabled',
    });
  });
  it('TK-13 refuses a code when the client was disabled meanwhile', async () => {
    const code = await getCode(world, proof);
    await world.provider.clients.update(world.web.clientId, { disabled: true });
    expectRefusal(world, await redeem(world, code, proof.verifier), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_disabled',
    });
  });
  it('refuses a code when the authorization was withdrawn meanwhile', async () => {
    const code = await getCode(world, proof);
    await world.provider.subjects.withdraw('alice-sub', world.web.clientId);
    expectRefusal(world, await redeem(world, code, proof.verifier), {
      status: 400,
      error: 'invalid_grant',
      reason: 'authorization_withdrawn',
    });
  });
});
