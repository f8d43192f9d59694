/**
 * PKCE (RFC 7636): the challenge at the authorization endpoint, the verifier at the token endpoint.
 * Rules PK.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal, expectRefusedRedirect } from '../refusals.ts';
import {
  browserOf,
  getCode,
  ISSUER,
  makeWorld,
  openAuthorize,
  type Pkce,
  pageOf,
  pkce,
  post,
  REDIRECT_URI,
  read,
  redeem,
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

const without = (fields: Record<string, string>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));

describe('a code_challenge', () => {
  const { challenge } = pkce();
  const WITHOUT_CHALLENGE = { code_challenge: null, code_challenge_method: null };
  const NEITHER = { ...WITHOUT_CHALLENGE, nonce: null };

  it.each<[Record<string, string | null>, string]>([
    [NEITHER, 'code_challenge_missing'],
    [{ ...WITHOUT_CHALLENGE, nonce: '' }, 'code_challenge_missing'],
    [{ ...WITHOUT_CHALLENGE, scope: 'read' }, 'code_challenge_missing'],
    [{ code_challenge: '' }, 'code_challenge_missing'],
    [{ code_challenge: null }, 'code_challenge_missing'],
    [{ code_challenge_method: 'plain' }, 'code_challenge_method'],
    [{ code_challenge_method: null }, 'code_challenge_method'],
    [{ code_challenge_method: 's256' }, 'code_challenge_method'],
    [{ code_challenge_method: 'S512' }, 'code_challenge_method'],
    [{ code_challenge: challenge.slice(1) }, 'code_challenge_malformed'],
    [{ code_challenge: `${challenge}A` }, 'code_challenge_malformed'],
    [{ code_challenge: `${challenge.slice(1)}=` }, 'code_challenge_malformed'],
    [{ code_challenge: `${challenge.slice(1)}+` }, 'code_challenge_malformed'],
  ])(
    '[RFC7636 §4.2] [RFC7636 §4.3] [RFC7636 §4.4.1] PK-01 PK-02 PK-03 PK-06 is refused: %o',
    async (changes, reason) => {
      const visit = await openAuthorize(world, browserOf(world), {
        code_challenge: challenge,
        ...changes,
      });
      expectRefusedRedirect(world, visit, { error: 'invalid_request', reason });
    },
  );
  it('[RFC9700 §2.1.1] is asked of public clients even with allowMissingPkce', async () => {
    world = await makeWorld({ allowMissingPkce: true });
    const visit = await openAuthorize(world, browserOf(world), {
      ...WITHOUT_CHALLENGE,
      client_id: world.spa.clientId,
      redirect_uri: 'https://spa.example/cb',
    });
    expectRefusedRedirect(world, visit, {
      error: 'invalid_request',
      reason: 'code_challenge_missing',
    });
  });
  it('[RFC9700 §2.1.1] is not asked of confidential clients with allowMissingPkce', async () => {
    world = await makeWorld({ allowMissingPkce: true });
    const visit = await openAuthorize(world, browserOf(world), WITHOUT_CHALLENGE);
    expect(pageOf(visit)).toBe('login');
  });
  it('PK-13 has the method S256 in discovery, and no other', async () => {
    const url = `${ISSUER}/.well-known/openid-configuration`;
    const metadata = await read(await world.provider.fetch(new Request(url)));
    expect(metadata.body['code_challenge_methods_supported']).toEqual(['S256']);
  });
});

describe('a code_verifier', () => {
  it.each<[string, string, (fields: Record<string, string>) => Record<string, string>]>([
    ['PK-04 no verifier', 'code_verifier_missing', (fields) => without(fields, 'code_verifier')],
    [
      'PK-06 an empty verifier',
      'code_verifier_missing',
      (fields) => ({ ...fields, code_verifier: '' }),
    ],
    [
      'PK-07 a short verifier',
      'code_verifier_malformed',
      (fields) => ({ ...fields, code_verifier: 'abc' }),
    ],
    [
      'PK-07 42 characters',
      'code_verifier_malformed',
      (fields) => ({ ...fields, code_verifier: 'a'.repeat(42) }),
    ],
    [
      'PK-07 129 characters',
      'code_verifier_malformed',
      (fields) => ({ ...fields, code_verifier: 'a'.repeat(129) }),
    ],
    [
      'PK-07 foreign characters',
      'code_verifier_malformed',
      (fields) => ({ ...fields, code_verifier: `${'a'.repeat(42)}+` }),
    ],
    [
      'PK-08 a wrong verifier',
      'code_verifier_wrong',
      (fields) => ({ ...fields, code_verifier: 'a'.repeat(43) }),
    ],
    [
      'PK-07 an array',
      'code_verifier_missing',
      (fields) => ({
        ...without(fields, 'code_verifier'),
        'code_verifier[]': fields['code_verifier'] ?? '',
      }),
    ],
  ])(
    '[RFC6749 §4.1.3] [RFC7636 §4.6] [RFC7636 §4.1] TK-15 is refused, and the code stays usable: %s',
    async (_name, reason, change) => {
      const code = await getCode(world, proof);
      const answer = await post(world, 'token', change(good(code)));
      expectRefusal(world, answer, { status: 400, error: 'invalid_grant', reason });
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect((await redeem(world, code, proof.verifier)).status).toBe(200);
    },
  );
  it('[RFC7636 §4.6] PK-08 may be wrong five times before the right one comes', async () => {
    const code = await getCode(world, proof);
    for (let guess = 0; guess < 5; guess += 1)
      await post(world, 'token', good(code, { code_verifier: pkce().verifier }));
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
  });
  it('[RFC7636 §4.6] PK-08 that is wrong for the sixth time makes the code unusable', async () => {
    const code = await getCode(world, proof);
    for (let guess = 0; guess < 6; guess += 1)
      await post(world, 'token', good(code, { code_verifier: pkce().verifier }));
    expectRefusal(world, await redeem(world, code, proof.verifier), {
      status: 400,
      error: 'invalid_grant',
      reason: 'code_burned',
    });
  });
  it('[RFC9700 §2.1.1] PK-05 is refused, as a downgrade, after a request without challenge', async () => {
    world = await makeWorld({ allowMissingPkce: true });
    const code = await getCode(world, proof, { code_challenge: null, code_challenge_method: null });
    expectRefusal(world, await post(world, 'token', good(code)), {
      status: 400,
      error: 'invalid_grant',
      reason: 'code_verifier_unexpected',
    });
    expect((await post(world, 'token', without(good(code), 'code_verifier'))).status).toBe(200);
  });
  it('[RFC7636 §4.6] PK-11 is required of a confidential client that sent a challenge', async () => {
    world = await makeWorld({ allowMissingPkce: true });
    const proof = pkce();
    const code = await getCode(world, proof);
    const answer = await post(world, 'token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT_URI,
    });
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_grant',
      reason: 'code_verifier_missing',
    });
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
  });
});
