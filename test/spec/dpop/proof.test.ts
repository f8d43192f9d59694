/** DPoP proofs at the token endpoint (RFC 9449 §4.3, §5). Rules SC, JW. */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { dpop } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { ISSUER, makeWorld, type World, watched } from '../setup.ts';
import {
  type Changes,
  jwkOf,
  type Key,
  newKey,
  ownTokens,
  proofOf,
  send,
  thumbprintOf,
} from './proofs.ts';

let world: World;
let key: Key;
beforeEach(async () => {
  world = await makeWorld();
  key = newKey();
});

describe('a bad proof', () => {
  const other = newKey();
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  it.each<[string, Changes | ((w: World) => Changes), string]>([
    ['SC-01 by another key', { signedBy: other.privateKey }, 'dpop_proof_invalid'],
    ['SC-01 with a flipped bit', { signature: Buffer.alloc(64, 1) }, 'dpop_proof_invalid'],
    ['JW-12 with a signature of zeros', { signature: Buffer.alloc(64) }, 'dpop_proof_invalid'],
    ['SC-01 typed as JWT', { header: { typ: 'JWT' } }, 'dpop_proof_invalid'],
    ['SC-01 without a type', { header: { typ: undefined } }, 'dpop_proof_invalid'],
    ['JW-10 typed as an access token', { header: { typ: 'at+jwt' } }, 'dpop_proof_invalid'],
    ['SC-01 by no algorithm', { header: { alg: 'none' } }, 'dpop_proof_key'],
    ['SC-01 by HS256', { header: { alg: 'HS256' } }, 'dpop_proof_key'],
    ['JW-02 by ES384 with a P-256 key', { header: { alg: 'ES384' } }, 'dpop_proof_key'],
    ['SC-02 without jwk', { header: { jwk: undefined } }, 'dpop_proof_key'],
    ['with a text as jwk', { header: { jwk: 'x' } }, 'dpop_proof_key'],
    ['SC-03 with a private key', { header: { jwk: jwkOf(other.privateKey) } }, 'dpop_proof_key'],
    [
      'SC-03 with a secret',
      { header: { alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } } },
      'dpop_proof_key',
    ],
    [
      'JW-11 with a weak key',
      { header: { alg: 'RS256', jwk: jwkOf(weak.publicKey) } },
      'dpop_proof_key',
    ],
    ['JW-04 with a critical extension', { header: { crit: ['x'], x: 1 } }, 'dpop_proof_invalid'],
    ['SC-02 without jti', { claims: { jti: undefined } }, 'dpop_proof_invalid'],
    ['SC-02 with an empty jti', { claims: { jti: '' } }, 'dpop_proof_invalid'],
    ['SC-02 with a long jti', { claims: { jti: 'x'.repeat(256) } }, 'dpop_proof_invalid'],
    ['SC-02 without htm', { claims: { htm: undefined } }, 'dpop_proof_request'],
    ['SC-02 without htu', { claims: { htu: undefined } }, 'dpop_proof_request'],
    ['SC-02 without iat', { claims: { iat: undefined } }, 'dpop_proof_invalid'],
    ['JW-05 with iat as a text', { claims: { iat: '9' } }, 'dpop_proof_invalid'],
    ['SC-04 for GET', { claims: { htm: 'GET' } }, 'dpop_proof_request'],
    ['SC-04 for post', { claims: { htm: 'post' } }, 'dpop_proof_request'],
    ['SC-04 for another path', { claims: { htu: `${ISSUER}/o/par/` } }, 'dpop_proof_request'],
    ['SC-04 for a longer path', { claims: { htu: `${ISSUER}/o/token/x` } }, 'dpop_proof_request'],
    [
      'SC-04 for another host',
      { claims: { htu: 'https://x.example/o/token/' } },
      'dpop_proof_request',
    ],
    [
      'SC-04 for another port',
      { claims: { htu: `${ISSUER}:8443/o/token/` } },
      'dpop_proof_request',
    ],
    ['SC-04 over http', { claims: { htu: 'http://op.example/o/token/' } }, 'dpop_proof_request'],
    ['SC-04 for no address', { claims: { htu: '/o/token/' } }, 'dpop_proof_request'],
    ['SC-05 of an hour ago', (w) => ({ claims: { iat: w.now - 3600 } }), 'dpop_proof_invalid'],
    ['SC-05 of an hour ahead', (w) => ({ claims: { iat: w.now + 3600 } }), 'dpop_proof_invalid'],
    ['SC-05 of 76 seconds ago', (w) => ({ claims: { iat: w.now - 76 } }), 'dpop_proof_invalid'],
    ['SC-05 of 16 seconds ahead', (w) => ({ claims: { iat: w.now + 16 } }), 'dpop_proof_invalid'],
    ['that is over', (w) => ({ claims: { nbf: w.now + 100 } }), 'dpop_proof_invalid'],
  ])('gets nothing: %s', async (_what, changes, reason) => {
    const given = typeof changes === 'function' ? changes(world) : changes;
    const answer = await ownTokens(world, proofOf(world, key, given));
    expectRefusal(world, answer, { status: 400, error: 'invalid_dpop_proof', reason });
  });
  it.each([
    ['nothing', ''],
    ['garbage', 'x.y'],
    ['four parts', 'a.b.c.d'],
  ])('SC-01 gets nothing: %s', async (_what, proof) => {
    const answer = await ownTokens(world, proof);
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_dpop_proof',
      reason: 'dpop_proof_invalid',
    });
  });
  it('SC-01 JW-02 gets nothing by an HMAC with the public key', async () => {
    const jwk = jwkOf(key.publicKey);
    const header = { typ: 'dpop+jwt', alg: 'HS256', jwk };
    const input = [header, { jti: 'x', htm: 'POST', htu: `${ISSUER}/o/token/`, iat: world.now }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const mac = createHmac('sha256', JSON.stringify(jwk)).update(input).digest('base64url');
    const answer = await ownTokens(world, `${input}.${mac}`);
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_dpop_proof',
      reason: 'dpop_proof_key',
    });
  });
  it('SC-01 gets nothing beside another one', async () => {
    const headers = new Headers({
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(`${world.web.clientId}:${world.webSecret}`).toString('base64')}`,
    });
    headers.append('dpop', proofOf(world, key));
    headers.append('dpop', proofOf(world, key));
    const body = 'grant_type=client_credentials&scope=read';
    const request = new Request(`${ISSUER}/o/token/`, { method: 'POST', headers, body });
    const response = await world.provider.fetch(request);
    expect([response.status, await response.json()]).toEqual([
      400,
      expect.objectContaining({ error: 'invalid_dpop_proof' }),
    ]);
    expect(world.reasons.at(-1)).toBe('dpop_proof_several');
  });
});

describe('a good proof', () => {
  it.each<[string, Changes | ((w: World) => Changes)]>([
    ['as it is', {}],
    ['SC-04 for an address with a query', { claims: { htu: `${ISSUER}/o/token/?a=b#c` } }],
    ['SC-04 for an address without the slash', { claims: { htu: `${ISSUER}/o/token` } }],
    ['SC-04 for an address in capitals', { claims: { htu: 'HTTPS://OP.EXAMPLE:443/o/token/' } }],
    ['SC-05 of ten seconds ago', (w) => ({ claims: { iat: w.now - 10 } })],
    ['SC-05 of ten seconds ahead', (w) => ({ claims: { iat: w.now + 10 } })],
    ['with further claims', { claims: { ath: 'x', nonce: 'y', x: 1 } }],
  ])('[RFC9449 §5] [RFC9449 §6.2] binds a token: %s', async (_what, changes) => {
    const given = typeof changes === 'function' ? changes(world) : changes;
    const answer = await ownTokens(world, proofOf(world, key, given));
    expect([answer.status, answer.body['token_type']]).toEqual([200, 'DPoP']);
    const told = await send(world, 'introspect/', { token: String(answer.body['access_token']) });
    expect(told.body).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: thumbprintOf(key) },
    });
  });
  it('[RFC9449 §5] by an RSA or Ed25519 key binds as well', async () => {
    const ed = generateKeyPairSync('ed25519');
    const { sign } = await import('node:crypto');
    const header = { typ: 'dpop+jwt', alg: 'EdDSA', jwk: jwkOf(ed.publicKey) };
    const claims = { jti: 'x', htm: 'POST', htu: `${ISSUER}/o/token/`, iat: world.now };
    const input = [header, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign(null, Buffer.from(input), ed.privateKey).toString('base64url');
    expect((await ownTokens(world, `${input}.${signature}`)).body['token_type']).toBe('DPoP');
  });
  it('[RFC9449 §11.1] SC-05 S-2 is used once, of 100 at the same time', async () => {
    const proof = proofOf(world, key);
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => await ownTokens(world, proof)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const others = answers.filter(({ status }) => status !== 200);
    expect(new Set(others.map(({ body }) => body['error']))).toEqual(
      new Set(['invalid_dpop_proof']),
    );
    expect(world.reasons.at(-1)).toBe('dpop_proof_replayed');
  });
  it('SC-05 is not stored for a request that proves no grant, so that nobody fills the store', async () => {
    const calls = watched(world.provider.store);
    for (const fields of [
      { grant_type: 'refresh_token', refresh_token: 'x' },
      { grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://spa.example/cb' },
    ]) {
      const headers = { dpop: proofOf(world, key), authorization: '' };
      const sent = { ...fields, client_id: world.spa.clientId };
      expect((await send(world, 'token/', sent, headers)).body['error']).toBe('invalid_grant');
    }
    expect(calls.filter((call) => call.startsWith('oneTime'))).toEqual([]);
  });
  it('SC-05 is used up with the tokens, and a jti of another key is free', async () => {
    const claims = { jti: 'the-jti' };
    const proof = proofOf(world, key, { claims });
    expect((await ownTokens(world, proof)).status).toBe(200);
    expect((await ownTokens(world, proof)).status).toBe(400);
    expect((await ownTokens(world, proofOf(world, newKey(), { claims }))).status).toBe(200);
  });
  it('costs one call of the store, and a request without a proof none', async () => {
    await ownTokens(world, null);
    const calls = watched(world.provider.store);
    await ownTokens(world, null);
    expect(calls.filter((call) => call !== 'audit.append')).toEqual(['tokens.issue']);
    calls.length = 0;
    await ownTokens(world, proofOf(world, key));
    expect(calls.filter((call) => call !== 'audit.append')).toEqual([
      'oneTime.put',
      'tokens.issue',
    ]);
  });
  it('is not a replay when another node changed the client in the middle of the request', async () => {
    const { store } = world.provider;
    const { issue } = store.tokens;
    let turn = 0;
    Object.assign(store.tokens, {
      issue: async (...args: Parameters<typeof issue>) => {
        turn += 1;
        const changed = { ...world.web, name: 'New', version: world.web.version + 1 };
        if (turn === 1) await store.clients.replace(changed, null);
        return await issue(...args);
      },
    });
    expect((await ownTokens(world, proofOf(world, key))).status).toBe(200);
    expect(turn).toBe(2);
  });
});

describe('a client that is registered for bound tokens', () => {
  it('[RFC9449 §5.2] gets no others, and the log says how to change that', async () => {
    const fields = { dpop_bound_access_tokens: true };
    await world.provider.clients.update(world.web.clientId, { fields });
    expectRefusal(world, await ownTokens(world, null), {
      status: 400,
      error: 'invalid_request',
      reason: 'dpop_proof_missing',
    });
    expect((await ownTokens(world, proofOf(world, key))).status).toBe(200);
  });
});

describe('nonces', () => {
  beforeEach(async () => {
    world = await makeWorld({ features: [dpop({ requireNonce: true })] });
  });
  const nonceFor = async (): Promise<string> => {
    const answer = await ownTokens(world, proofOf(world, key));
    expectRefusal(world, answer, { status: 400, error: 'use_dpop_nonce', reason: 'dpop_nonce' });
    return answer.headers.get('dpop-nonce') ?? '';
  };
  it('[RFC9449 §8] SC-08 are given out, taken, and over after a while', async () => {
    const nonce = await nonceFor();
    expect(nonce).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const use = async () =>
      (await ownTokens(world, proofOf(world, key, { claims: { nonce } }))).status;
    expect(await use()).toBe(200);
    world.now += 300;
    expect(await use()).toBe(200);
    world.now += 600;
    expect(await use()).toBe(400);
    expect(await nonceFor()).not.toBe(nonce);
  });
  it.each(['', 'x', 7, null, ['x']])('SC-08 of others are not taken: %j', async (nonce) => {
    const answer = await ownTokens(world, proofOf(world, key, { claims: { nonce } }));
    expect([answer.status, answer.body['error']]).toEqual([400, 'use_dpop_nonce']);
  });
  it('SC-08 are the same at every node', async () => {
    expect(await nonceFor()).toBe(await nonceFor());
  });
});

it('[RFC9449 §5.1] discovery names the algorithms', async () => {
  const response = await world.provider.fetch(
    new Request(`${ISSUER}/.well-known/openid-configuration`),
  );
  expect(await response.json()).toMatchObject({
    dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'EdDSA', 'PS256']),
  });
});
