/** Tokens, codes and pushed requests that are bound to a key (RFC 9449 §5 to §10). Rules SC. */
import * as client from 'openid-client';
import { dpop, memoryDatabase } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { claimsOfRequest, KEY, signed } from '../request-objects/objects.ts';
import {
  type Answer,
  browserOf,
  getCode,
  ISSUER,
  makeWorld,
  openAuthorize,
  pkce,
  REDIRECT_URI,
  type World,
} from '../setup.ts';
import {
  type Key,
  newKey,
  ownTokens,
  proofOf,
  proofWith,
  send,
  thumbprintOf,
  userinfo,
} from './proofs.ts';

let world: World;
let key: Key;
let other: Key;
beforeEach(async () => {
  world = await makeWorld();
  [key, other] = [newKey(), newKey()];
});

/** Redeems a code of the client, as one that has a secret or as a public one. */
async function redeem(
  code: string,
  verifier: string,
  proof: string | null,
  isPublic = false,
): Promise<Answer> {
  const fields = {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: isPublic ? 'https://spa.example/cb' : REDIRECT_URI,
    ...(isPublic ? { client_id: world.spa.clientId } : {}),
  };
  const headers = {
    ...(isPublic ? { authorization: '' } : {}),
    ...(proof === null ? {} : { dpop: proof }),
  };
  return await send(world, 'token/', fields, headers);
}

async function refresh(token: unknown, proof: string | null, isPublic = false): Promise<Answer> {
  const fields = {
    grant_type: 'refresh_token',
    refresh_token: String(token),
    ...(isPublic ? { client_id: world.spa.clientId } : {}),
  };
  const headers = {
    ...(isPublic ? { authorization: '' } : {}),
    ...(proof === null ? {} : { dpop: proof }),
  };
  return await send(world, 'token/', fields, headers);
}

const ofPublic = (): Record<string, string> => ({
  client_id: world.spa.clientId,
  redirect_uri: 'https://spa.example/cb',
});

const MISMATCH = {
  status: 400,
  error: 'invalid_grant',
  reason: 'sender_constraint_mismatch',
} as const;

describe('a bound access token', () => {
  const tokens = async (
    proof: string | null = proofOf(world, key),
  ): Promise<Record<string, string>> => {
    const { verifier, challenge } = pkce();
    const code = await getCode(world, { verifier, challenge });
    return (await redeem(code, verifier, proof)).body as Record<string, string>;
  };
  it('[RFC9449 §7.1] opens userinfo with its proof', async () => {
    const { access_token: token = '', token_type: type } = await tokens();
    expect(type).toBe('DPoP');
    for (const scheme of ['DPoP', 'dpop']) {
      const answer = await userinfo(world, scheme, token, proofWith(world, key, token));
      expect([answer.status, answer.body['name']]).toEqual([200, 'Alice Example']);
    }
  });
  it('[RFC9449 §7.2] SC-07 is worth nothing as a bearer token, in the header or in the form', async () => {
    const { access_token: token = '' } = await tokens();
    for (const proof of [null, proofWith(world, key, token)])
      expectRefusal(world, await userinfo(world, 'Bearer', token, proof), {
        status: 401,
        error: 'invalid_token',
        reason: 'token_scheme',
      });
    const form = await send(world, 'userinfo/', { access_token: token }, { authorization: '' });
    expect([form.status, form.body['error']]).toEqual([401, 'invalid_token']);
  });
  it('SC-07 that is not bound is not presented as one that is', async () => {
    const { access_token: token = '', token_type: type } = await tokens(null);
    expect(type).toBe('Bearer');
    const answer = await userinfo(world, 'DPoP', token, proofWith(world, key, token));
    expectRefusal(world, answer, { status: 401, error: 'invalid_token', reason: 'token_scheme' });
    expect((await userinfo(world, 'Bearer', token, null)).status).toBe(200);
  });
  it.each<[string, (token: string) => string | null, string, string]>([
    ['no proof', () => null, 'invalid_token', 'dpop_proof_missing'],
    ['another key', (token) => proofWith(world, other, token), 'invalid_token', 'dpop_key_other'],
    [
      'SC-02 no ath',
      (token) => proofWith(world, key, token, { claims: { ath: undefined } }),
      'invalid_dpop_proof',
      'dpop_proof_token',
    ],
    [
      'the ath of another token',
      () => proofWith(world, key, 'another'),
      'invalid_dpop_proof',
      'dpop_proof_token',
    ],
    [
      'a proof for the token endpoint',
      (token) =>
        proofWith(world, key, token, { claims: { htu: `${ISSUER}/o/token/`, htm: 'POST' } }),
      'invalid_dpop_proof',
      'dpop_proof_request',
    ],
  ])('[RFC9449 §7.1] SC-07 opens nothing with %s', async (_what, proof, error, reason) => {
    const { access_token: token = '' } = await tokens();
    const answer = await userinfo(world, 'DPoP', token, proof(token));
    expectRefusal(world, answer, { status: 401, error, reason });
    expect(answer.headers.get('www-authenticate')).toMatch(
      new RegExp(`^DPoP error="${error}", .*algs="RS256 `),
    );
  });
  it('SC-05 opens userinfo once with one proof', async () => {
    const { access_token: token = '' } = await tokens();
    const proof = proofWith(world, key, token);
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => await userinfo(world, 'DPoP', token, proof)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });
  it('[RFC9449 §7.1] without any token userinfo names both schemes', async () => {
    const response = await world.provider.fetch(new Request(`${ISSUER}/o/userinfo/`));
    expect(response.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="userinfo", DPoP algs="/,
    );
  });
});

describe('refresh tokens', () => {
  it('[RFC9449 §5] SC-06 RT-10 of a public client are bound to its key', async () => {
    const proof = pkce();
    const code = await getCode(world, proof, ofPublic());
    const first = await redeem(code, proof.verifier, proofOf(world, key), true);
    expect([first.status, first.body['token_type']]).toEqual([200, 'DPoP']);
    const token = first.body['refresh_token'];
    for (const wrong of [null, proofOf(world, other)])
      expectRefusal(world, await refresh(token, wrong, true), MISMATCH);
    const second = await refresh(token, proofOf(world, key), true);
    expect([second.status, second.body['token_type']]).toEqual([200, 'DPoP']);
    // The same answer again within the grace, to the same key alone.
    expectRefusal(world, await refresh(token, proofOf(world, other), true), MISMATCH);
    const again = await refresh(token, proofOf(world, key), true);
    expect(again.body).toEqual({ ...second.body, expires_in: expect.any(Number) });
    expectRefusal(world, await refresh(second.body['refresh_token'], null, true), MISMATCH);
    expect((await refresh(second.body['refresh_token'], proofOf(world, key), true)).status).toBe(
      200,
    );
  });
  it('[RFC9449 §5] SC-06 of a public client are bound to the key that it proves first', async () => {
    const proof = pkce();
    const code = await getCode(world, proof, ofPublic());
    const first = await redeem(code, proof.verifier, null, true);
    expect(first.body['token_type']).toBe('Bearer');
    const second = await refresh(first.body['refresh_token'], proofOf(world, key), true);
    expect([second.status, second.body['token_type']]).toEqual([200, 'DPoP']);
    const token = second.body['refresh_token'];
    for (const wrong of [null, proofOf(world, other)]) {
      expectRefusal(world, await refresh(token, wrong, true), MISMATCH);
      // Nor is the answer given again for the token of before.
      expectRefusal(world, await refresh(first.body['refresh_token'], wrong, true), MISMATCH);
    }
    expect((await refresh(token, proofOf(world, key), true)).status).toBe(200);
  });
  it('[RFC9700 §2.2.2] RT-02 of a public client stay the same once they are bound', async () => {
    await world.provider.clients.update(world.spa.clientId, { rotateRefreshTokens: false });
    const proof = pkce();
    const code = await getCode(world, proof, ofPublic());
    const first = await redeem(code, proof.verifier, null, true);
    // The first proof binds the family, so this one is still replaced.
    const second = await refresh(first.body['refresh_token'], proofOf(world, key), true);
    expect(second.body['refresh_token']).not.toBe(first.body['refresh_token']);
    const third = await refresh(second.body['refresh_token'], proofOf(world, key), true);
    expect(third.body['refresh_token']).toBe(second.body['refresh_token']);
    expectRefusal(world, await refresh(third.body['refresh_token'], null, true), MISMATCH);
  });
  it('SC-06 that were replaced revoke nothing without the key, and everything with it', async () => {
    const proof = pkce();
    const code = await getCode(world, proof, ofPublic());
    const first = await redeem(code, proof.verifier, proofOf(world, key), true);
    const token = first.body['refresh_token'];
    const second = await refresh(token, proofOf(world, key), true);
    world.now += 120;
    for (const wrong of [null, proofOf(world, other)])
      expectRefusal(world, await refresh(token, wrong, true), MISMATCH);
    const third = await refresh(second.body['refresh_token'], proofOf(world, key), true);
    expect(third.status).toBe(200);
    await refresh(token, proofOf(world, key), true);
    expect(world.reasons.at(-1)).toBe('refresh_token_replayed');
    const fourth = await refresh(third.body['refresh_token'], proofOf(world, key), true);
    expect([fourth.status, world.reasons.at(-1)]).toEqual([400, 'refresh_token_revoked']);
  });
  it('SC-06 are given again to the key of the first answer alone, with a secret too', async () => {
    const proof = pkce();
    const first = await redeem(await getCode(world, proof), proof.verifier, null);
    const token = first.body['refresh_token'];
    const second = await refresh(token, proofOf(world, key));
    expect(second.body['token_type']).toBe('DPoP');
    for (const wrong of [null, proofOf(world, other)])
      expectRefusal(world, await refresh(token, wrong), MISMATCH);
    expect((await refresh(token, proofOf(world, key))).body['access_token']).toBe(
      second.body['access_token'],
    );
  });
  it('[RFC9449 §5] of a client with a secret are not bound: it may change its key', async () => {
    const proof = pkce();
    const first = await redeem(await getCode(world, proof), proof.verifier, proofOf(world, key));
    const second = await refresh(first.body['refresh_token'], proofOf(world, other));
    expect([second.status, second.body['token_type']]).toEqual([200, 'DPoP']);
    const told = await send(world, 'introspect/', { token: String(second.body['access_token']) });
    expect(told.body['cnf']).toEqual({ jkt: thumbprintOf(other) });
    const third = await refresh(second.body['refresh_token'], null);
    expect([third.status, third.body['token_type']]).toEqual([200, 'Bearer']);
  });
});

describe('dpop_jkt', () => {
  it('[RFC9449 §10] SC-06 binds the code to a key', async () => {
    const proof = pkce();
    const bound = { dpop_jkt: thumbprintOf(key) };
    const browser = browserOf(world);
    for (const wrong of [null, proofOf(world, other)]) {
      const code = await getCode(world, proof, bound, browser);
      expectRefusal(world, await redeem(code, proof.verifier, wrong), MISMATCH);
      // The code is not used up by somebody who cannot prove the key.
      expect((await redeem(code, proof.verifier, proofOf(world, key))).status).toBe(200);
    }
    // The tokens of a client that has a secret are bound as each request says.
    const code = await getCode(world, proof, bound, browser);
    const first = await redeem(code, proof.verifier, proofOf(world, key));
    // A code that was used revokes nothing without the key.
    expectRefusal(world, await redeem(code, proof.verifier, proofOf(world, other)), MISMATCH);
    expect((await refresh(first.body['refresh_token'], proofOf(world, other))).status).toBe(200);
  });
  it.each(['x', 'x'.repeat(44), `${'x'.repeat(42)}=`, `${'x'.repeat(42)}+`])(
    'that is no thumbprint is refused: %s',
    async (jkt) => {
      const visit = await openAuthorize(world, browserOf(world), { dpop_jkt: jkt });
      expect([visit.leaves?.searchParams.get('error'), world.reasons.at(-1)]).toEqual([
        'invalid_request',
        'dpop_jkt',
      ]);
    },
  );
});

describe('a pushed request', () => {
  const PAR = `${ISSUER}/o/par/`;
  const push = async (dpop: string | null, more: Record<string, string> = {}): Promise<Answer> => {
    const fields = {
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      code_challenge: PROOF.challenge,
      code_challenge_method: 'S256',
      ...more,
    };
    return await send(world, 'par/', fields, dpop === null ? {} : { dpop });
  };
  const PROOF = pkce();
  it('[RFC9449 §10.1] SC-06 with a proof binds the code to its key', async () => {
    const { status, body } = await push(proofOf(world, key, { claims: { htu: PAR } }));
    expect(status).toBe(201);
    const pushed = { request_uri: String(body['request_uri']) };
    const empty = Object.fromEntries(
      ['redirect_uri', 'response_type', 'scope', 'state', 'nonce', 'code_challenge'].map((name) => [
        name,
        null,
      ]),
    );
    const changes = { ...empty, code_challenge_method: null, ...pushed };
    const code = await getCode(world, PROOF, changes as unknown as Record<string, string>);
    expectRefusal(world, await redeem(code, PROOF.verifier, null), MISMATCH);
    expectRefusal(world, await redeem(code, PROOF.verifier, proofOf(world, other)), MISMATCH);
    expect((await redeem(code, PROOF.verifier, proofOf(world, key))).status).toBe(200);
  });
  it('SC-05 uses its proof up', async () => {
    const proof = proofOf(world, key, { claims: { htu: PAR } });
    expect((await push(proof)).status).toBe(201);
    expectRefusal(world, await push(proof), {
      status: 400,
      error: 'invalid_dpop_proof',
      reason: 'dpop_proof_replayed',
    });
  });
  it('[RFC9449 §10.1] with a dpop_jkt of another key than the proof is refused', async () => {
    const dpop = proofOf(world, key, { claims: { htu: PAR } });
    expectRefusal(world, await push(dpop, { dpop_jkt: thumbprintOf(other) }), {
      status: 400,
      error: 'invalid_dpop_proof',
      reason: 'dpop_jkt_mismatch',
    });
    const same = proofOf(world, key, { claims: { htu: PAR } });
    expect((await push(same, { dpop_jkt: thumbprintOf(key) })).status).toBe(201);
  });
  it('[RFC9449 §10.1] with a dpop_jkt inside a signed request is held to it as well', async () => {
    const jwks = { keys: [{ ...KEY.publicKey.export({ format: 'jwk' }), kid: 'ec' }] };
    await world.provider.clients.update(world.web.clientId, { jwks });
    const about = async (jkt: string): Promise<Answer> => {
      const dpop = proofOf(world, key, { claims: { htu: PAR } });
      const claims = claimsOfRequest(world, { dpop_jkt: jkt });
      return await push(dpop, { request: await signed(claims) });
    };
    expectRefusal(world, await about(thumbprintOf(other)), {
      status: 400,
      error: 'invalid_dpop_proof',
      reason: 'dpop_jkt_mismatch',
    });
    expect((await about(thumbprintOf(key))).status).toBe(201);
  });
  it('SC-04 with a proof for the token endpoint is refused', async () => {
    expectRefusal(world, await push(proofOf(world, key)), {
      status: 400,
      error: 'invalid_dpop_proof',
      reason: 'dpop_proof_request',
    });
  });
});

it('SC-07 a bound token is worth nothing where nobody can check its binding any more', async () => {
  const store = memoryDatabase();
  world = await makeWorld({ store });
  const token = String((await ownTokens(world, proofOf(world, key))).body['access_token']);
  const without = await makeWorld({ store, features: [dpop({ enabled: false })] });
  for (const scheme of ['Bearer', 'DPoP']) {
    const answer = await userinfo(without, scheme, token, proofWith(world, key, token));
    expect([answer.status, answer.body['error']]).toEqual([401, 'invalid_token']);
  }
  expect(without.reasons).toEqual(['token_constraint', 'token_scheme']);
});

it('[RFC9449 §5] openid-client gets bound tokens, refreshes them and asks userinfo', async () => {
  world = await makeWorld({ clock: () => Math.floor(Date.now() / 1000) });
  const ask = async (url: string, init: object): Promise<Response> =>
    await world.provider.fetch(new Request(url, init as RequestInit));
  const { clientId } = world.web;
  const config = await client.discovery(
    new URL(ISSUER),
    clientId,
    undefined,
    client.ClientSecretBasic(world.webSecret),
    { [client.customFetch]: ask },
  );
  const handle = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
  const verifier = client.randomPKCECodeVerifier();
  const challenge = await client.calculatePKCECodeChallenge(verifier);
  const state = { state: 'the-state', nonce: 'the-nonce' };
  const code = await getCode(world, { verifier, challenge }, state);
  const back = new URL(
    `${REDIRECT_URI}?code=${code}&state=the-state&iss=${encodeURIComponent(ISSUER)}`,
  );
  const checks = {
    pkceCodeVerifier: verifier,
    expectedState: 'the-state',
    expectedNonce: 'the-nonce',
  };
  const tokens = await client.authorizationCodeGrant(config, back, checks, {}, { DPoP: handle });
  expect(tokens.token_type).toBe('dpop');
  const refreshed = await client.refreshTokenGrant(
    config,
    tokens.refresh_token ?? '',
    {},
    { DPoP: handle },
  );
  const sub = tokens.claims()?.sub ?? '';
  const person = await client.fetchUserInfo(config, refreshed.access_token, sub, { DPoP: handle });
  expect(person.name).toBe('Alice Example');
});
