/** `private_key_jwt` and `client_secret_jwt` (RFC 7523, RFC 10070). Rules CL, JW. */
import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { basic, getCode, ISSUER, pkce, REDIRECT_URI, watched } from '../setup.ts';
import {
  asserting,
  assertionOf,
  byEc,
  byRsa,
  bySecret,
  type Changes,
  EC,
  type JwtWorld,
  jwkOf,
  makeJwtWorld,
  OTHER,
  ownTokens,
  RSA,
  send,
} from './assertions.ts';

let world: JwtWorld;
beforeEach(async () => {
  world = await makeJwtWorld();
});

const pem = RSA.publicKey.export({ type: 'spki', format: 'pem' });

describe('a bad assertion', () => {
  it.each<[string, Changes | ((w: JwtWorld) => Changes), string]>([
    ['by another key', { signed: byEc(OTHER.privateKey) }, 'client_assertion_signature'],
    [
      'CL-11 by a key id that nobody registered',
      { header: { kid: 'x' } },
      'client_assertion_unknown_key',
    ],
    [
      'JW-13 by a key id that is a path',
      { header: { kid: '../../etc/passwd' } },
      'client_assertion_unknown_key',
    ],
    [
      'JW-13 by a key id of the language',
      { header: { kid: '__proto__' } },
      'client_assertion_unknown_key',
    ],
    [
      'CL-10 by no algorithm',
      { header: { alg: 'none' }, signed: () => Buffer.from('x') },
      'client_assertion_algorithm',
    ],
    [
      'CL-10 by nOnE',
      { header: { alg: 'nOnE' }, signed: () => Buffer.from('x') },
      'client_assertion_algorithm',
    ],
    [
      'JW-02 by ES384 with a P-256 key',
      { header: { alg: 'ES384' } },
      'client_assertion_unknown_key',
    ],
    [
      'JW-02 by RS256 with an EC key',
      { header: { alg: 'RS256' }, signed: byRsa },
      'client_assertion_unknown_key',
    ],
    ['without exp', { claims: { exp: undefined } }, 'client_assertion_claim'],
    ['JW-05 with exp as a text', { claims: { exp: '9' } }, 'client_assertion_claim'],
    ['CL-08 that expired', (w) => ({ claims: { exp: w.now - 31 } }), 'client_assertion_expired'],
    [
      'CL-08 for two hours',
      (w) => ({ claims: { exp: w.now + 7200 } }),
      'client_assertion_lifetime',
    ],
    [
      'CL-08 that begins later',
      (w) => ({ claims: { nbf: w.now + 70 } }),
      'client_assertion_not_yet_valid',
    ],
    [
      'CL-08 made in the future',
      (w) => ({ claims: { iat: w.now + 70 } }),
      'client_assertion_not_yet_valid',
    ],
    ['CL-08 without jti', { claims: { jti: undefined } }, 'client_assertion_claim'],
    ['with an empty jti', { claims: { jti: '' } }, 'client_assertion_claim'],
    ['with a long jti', { claims: { jti: 'x'.repeat(256) } }, 'client_assertion_claim'],
    ['with a number as jti', { claims: { jti: 7 } }, 'client_assertion_claim'],
    ['CL-08 by another issuer', { claims: { iss: 'somebody' } }, 'client_assertion_issuer'],
    [
      'CL-07 for the token endpoint',
      { claims: { aud: `${ISSUER}/o/token/` } },
      'client_assertion_audience',
    ],
    [
      'CL-07 for the issuer and another',
      { claims: { aud: [ISSUER, 'https://x.example'] } },
      'client_assertion_audience',
    ],
    ['CL-07 for another', { claims: { aud: 'https://x.example' } }, 'client_assertion_audience'],
    [
      'CL-07 for a longer name',
      { claims: { aud: `${ISSUER}.evil.example` } },
      'client_assertion_audience',
    ],
    ['CL-07 for nobody', { claims: { aud: undefined } }, 'client_assertion_audience'],
    ['CL-07 for an empty list', { claims: { aud: [] } }, 'client_assertion_audience'],
    ['JW-10 typed as an access token', { header: { typ: 'at+jwt' } }, 'client_assertion_type'],
    ['JW-10 typed as a proof', { header: { typ: 'dpop+jwt' } }, 'client_assertion_type'],
    ['JW-10 typed as a logout token', { header: { typ: 'logout+jwt' } }, 'client_assertion_type'],
  ])('is refused: %s', async (_what, changes, reason) => {
    const given = typeof changes === 'function' ? changes(world) : changes;
    const answer = await ownTokens(world, assertionOf(world, world.jwt.clientId, given));
    expectRefusal(world, answer, {
      status: 401,
      error: 'invalid_client',
      reason,
    });
  });
  it.each<[string, (good: string) => string]>([
    ['JW-04 with a critical extension', (good) => good],
    ['JW-06 of two parts', (good) => good.split('.').slice(0, 2).join('.')],
    ['JW-06 of four parts', (good) => `${good}.x`],
    ['JW-06 with padding', (good) => `${good}=`],
    ['JW-06 with a space', (good) => `${good} `],
    ['that names nobody', (good) => `${good.split('.')[0]}.e30.AA`],
    ['empty', () => 'x'],
  ])('is malformed: %s', async (what, change) => {
    const header = what.includes('critical') ? { crit: ['x'], x: 1 } : {};
    const good = assertionOf(world, world.jwt.clientId, { header });
    const answer = await ownTokens(world, change(good));
    expect([answer.status, answer.body['error']]).toEqual([401, 'invalid_client']);
    expect(world.reasons.at(-1)).toBe('client_credentials_missing');
    const { clientId } = world.jwt;
    const named = await ownTokens(world, change(good), { client_id: clientId });
    expect([named.status, named.body['error']]).toEqual([401, 'invalid_client']);
    expect(world.reasons.at(-1)).toBe('client_assertion_malformed');
  });
  it('JW-07 is refused by its length, before it is read', async () => {
    const long = `${'x'.repeat(17_000)}${assertionOf(world, world.jwt.clientId)}`;
    const { status, body } = await ownTokens(world, long);
    expect([status, body['error']]).toEqual([400, 'invalid_request']);
  });
  it('CL-11 JW-03 names no key of its own', async () => {
    const jwk = jwkOf(OTHER.publicKey);
    for (const header of [
      { jwk, kid: undefined },
      { jku: 'https://evil.example/jwks' },
      { x5u: 'https://evil.example/cert' },
      { x5c: ['MIIB'] },
    ]) {
      const signed = byEc(OTHER.privateKey);
      const answer = await ownTokens(
        world,
        assertionOf(world, world.jwt.clientId, { header, signed }),
      );
      expectRefusal(world, answer, {
        status: 401,
        error: 'invalid_client',
        reason: 'client_assertion_signature',
      });
    }
  });
  it('CL-10 JW-02 signed by HMAC with a public key is of a method that is not there', async () => {
    for (const secret of [pem, Buffer.from(pem), JSON.stringify(jwkOf(RSA.publicKey))]) {
      const changes = { header: { alg: 'HS256', kid: 'rsa' }, signed: bySecret(secret) };
      const answer = await ownTokens(world, assertionOf(world, world.jwt.clientId, changes));
      expectRefusal(world, answer, {
        status: 401,
        error: 'invalid_client',
        reason: 'client_credentials_missing',
      });
    }
  });
  it('CL-10 is refused by another algorithm than the one that is registered', async () => {
    world = await makeJwtWorld({}, { tokenEndpointAuthSigningAlg: 'RS256' });
    const { clientId } = world.jwt;
    expectRefusal(world, await ownTokens(world, assertionOf(world, clientId)), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_assertion_algorithm',
    });
    const rsa = { header: { alg: 'RS256', kid: 'rsa' }, signed: byRsa };
    expect((await ownTokens(world, assertionOf(world, clientId, rsa))).status).toBe(200);
  });
  it('CL-12 beside another client_id, or beside a secret, is refused', async () => {
    const { clientId } = world.jwt;
    const answer = await ownTokens(world, assertionOf(world, clientId), {
      client_id: world.web.clientId,
    });
    expectRefusal(world, answer, {
      status: 401,
      error: 'invalid_client',
      reason: 'client_id_mismatch',
    });
    const fields = { grant_type: 'client_credentials', ...asserting(assertionOf(world, clientId)) };
    const headers = { authorization: basic(world.web.clientId, world.webSecret) };
    expectRefusal(world, await send(world, 'token/', fields, headers), {
      status: 400,
      error: 'invalid_request',
      reason: 'several_client_authentication_methods',
    });
  });
  it('CL-02 is of no use to a client that is registered with a secret, and the other way round', async () => {
    const answer = await ownTokens(world, assertionOf(world, world.web.clientId));
    expectRefusal(world, answer, {
      status: 401,
      error: 'invalid_client',
      reason: 'client_authentication_method',
    });
    const fields = { grant_type: 'client_credentials', client_id: world.jwt.clientId };
    expectRefusal(world, await send(world, 'token/', { ...fields, client_secret: 'x' }), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_authentication_method',
    });
  });
  it('CL-01 of an unknown client looks like any other', async () => {
    const unknown = await ownTokens(world, assertionOf(world, 'nobody'));
    const wrong = await ownTokens(
      world,
      assertionOf(world, world.jwt.clientId, { signed: byEc(OTHER.privateKey) }),
    );
    expect([unknown.status, unknown.body]).toEqual([wrong.status, wrong.body]);
  });
  it('JW-11 by a weak key is refused, though that key is registered', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const keys = [jwkOf(weak.publicKey, { kid: 'rsa' })];
    world = await makeJwtWorld({}, { jwks: { keys } });
    const changes = { header: { alg: 'RS256', kid: 'rsa' } };
    expectRefusal(world, await ownTokens(world, assertionOf(world, world.jwt.clientId, changes)), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_assertion_unknown_key',
    });
  });
});

describe('a good assertion', () => {
  it.each<[string, Changes | ((w: JwtWorld) => Changes)]>([
    ['as it is', {}],
    ['by RS256', { header: { alg: 'RS256', kid: 'rsa' }, signed: byRsa }],
    ['without a key id', { header: { kid: undefined } }],
    ['typed', { header: { typ: 'client-authentication+jwt' } }],
    ['typed as a media type', { header: { typ: 'application/client-authentication+jwt' } }],
    ['typed as JWT', { header: { typ: 'JWT' } }],
    ['CL-07 for a list of the issuer alone', { claims: { aud: [ISSUER] } }],
    ['CL-08 of a clock that is ahead', (w) => ({ claims: { iat: w.now + 8 } })],
    ['CL-08 of a clock that is behind', (w) => ({ claims: { exp: w.now - 20 } })],
    ['with further claims', { claims: { scope: 'write', client_id: 'x' } }],
  ])('[RFC7523 §2.2] gets tokens: %s', async (_what, changes) => {
    const given = typeof changes === 'function' ? changes(world) : changes;
    const answer = await ownTokens(world, assertionOf(world, world.jwt.clientId, given), {
      client_id: world.jwt.clientId,
    });
    expect([answer.status, answer.body['scope']]).toEqual([200, 'read']);
  });
  it('[OIDC Core §9] CL-09 S-2 is used once, of 100 at the same time', async () => {
    const assertion = assertionOf(world, world.jwt.clientId);
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => await ownTokens(world, assertion)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    // The others are refused, or limited like every failed authentication.
    const others = new Set(answers.map(({ status }) => status));
    expect([...others].sort()).toEqual([200, 401, 429]);
    expect(world.reasons).toContain('client_assertion_replayed');
  });
  it('CL-09 is used up by a request that fails', async () => {
    const assertion = assertionOf(world, world.jwt.clientId);
    const failed = await ownTokens(world, assertion, {
      grant_type: 'refresh_token',
      refresh_token: 'x',
    });
    expect(failed.body['error']).toBe('invalid_grant');
    expectRefusal(world, await ownTokens(world, assertion), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_assertion_replayed',
    });
  });
  it('CL-09 a jti of another client, or one that expired long ago, is free', async () => {
    const claims = { jti: 'the-jti' };
    const { client: second } = await world.provider.clients.create({
      name: 'Second',
      grantTypes: ['client_credentials'],
      tokenEndpointAuthMethod: 'private_key_jwt',
      jwks: { keys: [jwkOf(EC.publicKey, { kid: 'ec' })] },
    });
    for (const { clientId } of [world.jwt, second])
      expect((await ownTokens(world, assertionOf(world, clientId, { claims }))).status).toBe(200);
    world.now += 300;
    await world.provider.clear(100);
    expect(
      (await ownTokens(world, assertionOf(world, world.jwt.clientId, { claims }))).status,
    ).toBe(200);
  });
  it('is not a replay when another node changed the client in the middle of the request', async () => {
    const { store } = world.provider;
    const { issue } = store.tokens;
    let turn = 0;
    Object.assign(store.tokens, {
      issue: async (...args: Parameters<typeof issue>) => {
        turn += 1;
        if (turn === 1) {
          const { clientId } = world.jwt;
          const client = await store.clients.find(clientId);
          if (client !== null)
            await store.clients.replace(
              { ...client, name: 'New', version: client.version + 1 },
              null,
            );
        }
        return await issue(...args);
      },
    });
    expect((await ownTokens(world, assertionOf(world, world.jwt.clientId))).status).toBe(200);
    expect(turn).toBe(2);
  });
  it('redeems a code and refreshes, with one call of the store more than a secret', async () => {
    const { clientId } = world.jwt;
    const proof = pkce();
    const own = Object.assign(world, { web: world.jwt });
    const code = await getCode(own, proof);
    const fields = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT_URI,
      code_verifier: proof.verifier,
    };
    const calls = watched(world.provider.store);
    const first = await send(world, 'token/', {
      ...fields,
      ...asserting(assertionOf(world, clientId)),
    });
    expect(first.status).toBe(200);
    expect(calls.filter((call) => call !== 'audit.append')).toEqual([
      'oneTime.put',
      'codes.find',
      'tokens.issue',
    ]);
    const refresh = {
      grant_type: 'refresh_token',
      refresh_token: String(first.body['refresh_token']),
    };
    const again = await send(world, 'token/', {
      ...refresh,
      ...asserting(assertionOf(world, clientId)),
    });
    expect(again.status).toBe(200);
  });
});
