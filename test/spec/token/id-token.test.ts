/**
 * ID tokens (OIDC Core §2): what they hold, how they are signed, and how a client checks them.
 * Rules JW.
 */

import { createHash } from 'node:crypto';
import { SignJWT } from 'jose';
import { type IdTokenAlg, verifyIdToken } from 'valetkey';
import { beforeAll, expect, it } from 'vitest';
import {
  ALICE,
  basic,
  damaged,
  getCode,
  getTokens,
  ISSUER,
  makeWorld,
  pkce,
  post,
  read,
  SIGNING_KEYS,
  type Tokens,
  type World,
} from '../setup.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld({ signingKeys: SIGNING_KEYS });
});

const get = async (
  path: string,
  headers: Record<string, string> = {},
  from: World = world,
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> =>
  await read(await from.provider.fetch(new Request(new URL(path, ISSUER), { headers })));
it.each<IdTokenAlg>(['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'])(
  '[OIDC Core §2] [OIDC Core §3.1.3.6] [OIDC Core §3.1.3.7] [OIDC Core §10.1] JW-15 issues ID tokens, and verifies them, with %s',
  async (alg) => {
    const { client, clientSecret } = await world.provider.clients.create({
      name: alg,
      redirectUris: ['https://rp.example/cb'],
      idTokenSignedResponseAlg: alg,
    });
    const proof = pkce();
    const code = await getCode(world, proof, { client_id: client.clientId });
    const answer = await post(
      world,
      'token',
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: 'https://rp.example/cb',
        code_verifier: proof.verifier,
      },
      { authorization: basic(client.clientId, clientSecret ?? '') },
    );
    const tokens = answer.body as unknown as Tokens;
    const jwks = (await get('/.well-known/jwks.json')).body as { keys: [] };
    const options = {
      issuer: ISSUER,
      clientId: client.clientId,
      alg,
      nonce: 'the-nonce',
      accessToken: tokens.access_token,
      now: world.now,
      ...(alg === 'HS256' ? { clientSecret: clientSecret ?? '' } : { jwks }),
    };
    const claims = await verifyIdToken(tokens.id_token, options);
    expect(claims).toMatchObject({
      iss: ISSUER,
      sub: ALICE.sub,
      aud: client.clientId,
      azp: client.clientId,
      nonce: 'the-nonce',
      auth_time: world.now,
      iat: world.now,
      exp: world.now + 3600,
      amr: ['pwd'],
    });
    expect(Object.keys(claims).sort()).toEqual([
      'amr',
      'at_hash',
      'aud',
      'auth_time',
      'azp',
      'exp',
      'iat',
      'iss',
      'jti',
      'nonce',
      'sid',
      'sub',
    ]);
    const hash = createHash(alg === 'EdDSA' ? 'sha512' : 'sha256')
      .update(tokens.access_token)
      .digest();
    expect(claims['at_hash']).toBe(hash.subarray(0, hash.length / 2).toString('base64url'));
    const header = JSON.parse(
      Buffer.from(tokens.id_token.split('.')[0] ?? '', 'base64url').toString(),
    ) as Record<string, string>;
    expect(header['kid'] === undefined).toBe(alg === 'HS256');

    const record = await world.provider.store.tokens.findIdToken(String(claims['jti']));
    expect(record).toMatchObject({
      sub: ALICE.sub,
      clientId: client.clientId,
      expiresAt: world.now + 3600,
      scopes: ['openid', 'profile', 'email'],
      accessTokenDigest: createHash('sha256').update(tokens.access_token).digest('base64url'),
    });

    const failures: [string, object, string][] = [
      ['another issuer', { issuer: 'https://evil.example' }, 'issuer'],
      ['another client', { clientId: 'other' }, 'audience'],
      ['another algorithm', { alg: alg === 'RS256' ? 'ES256' : 'RS256' }, 'algorithm'],
      ['another nonce', { nonce: 'x' }, 'claim'],
      ['another access token', { accessToken: 'x' }, 'claim'],
      ['too late', { now: world.now + 3611 }, 'expired'],
      ['too early', { now: world.now - 11 }, 'not_yet_valid'],
      ['too old a sign-in', { now: world.now + 100, maxAge: 50 }, 'claim'],
      alg === 'HS256'
        ? ['another secret', { clientSecret: 'x'.repeat(40) }, 'signature']
        : ['no such key', { jwks: { keys: [] } }, 'unknown_key'],
    ];
    for (const [name, change, problem] of failures)
      await expect(
        verifyIdToken(tokens.id_token, { ...options, ...change }),
        name,
      ).rejects.toMatchObject({ problem });
    await expect(
      verifyIdToken(damaged(tokens.id_token, tokens.id_token.length - 20), options),
    ).rejects.toMatchObject({
      problem: expect.stringMatching(/signature|malformed/) as unknown,
    });
  },
);
it('[RFC8725 §3.1] JW-01 JW-02 refuses HS256 keyed with a public key, and the algorithm none', async () => {
  const jwks = (await get('/.well-known/jwks.json')).body as { keys: Record<string, string>[] };
  const bytes = new TextEncoder().encode(JSON.stringify(jwks.keys[0]));
  const forged = await new SignJWT({ sub: ALICE.sub })
    .setProtectedHeader({ alg: 'HS256', kid: jwks.keys[0]?.['kid'] ?? '' })
    .setIssuer(ISSUER)
    .setAudience(world.web.clientId)
    .setIssuedAt(world.now)
    .setExpirationTime(world.now + 60)
    .sign(bytes);
  const options = {
    issuer: ISSUER,
    clientId: world.web.clientId,
    jwks: jwks as never,
    now: world.now,
  };
  await expect(verifyIdToken(forged, options)).rejects.toMatchObject({ problem: 'algorithm' });
  for (const alg of ['none', 'None', 'nOnE']) {
    const [, payload] = forged.split('.');
    await expect(
      verifyIdToken(
        `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.${payload}.`,
        options,
      ),
    ).rejects.toMatchObject({ problem: 'malformed' });
    await expect(
      verifyIdToken(
        `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.${payload}.AA`,
        options,
      ),
    ).rejects.toMatchObject({ problem: 'algorithm' });
  }
});
it('JW-15 offers HS256 to confidential clients whose secret is known in full, and to no others', async () => {
  await expect(
    world.provider.clients.create({
      name: 'x',
      tokenEndpointAuthMethod: 'none',
      redirectUris: ['https://x.example/'],
      idTokenSignedResponseAlg: 'HS256',
    }),
  ).rejects.toThrow(/HS256/);
  await expect(
    world.provider.clients.update(world.web.clientId, { idTokenSignedResponseAlg: 'HS256' }),
  ).rejects.toThrow(/register a new client/);
});
it('[OIDC Discovery §3] MD-03 announces and registers what an ES256 key alone can sign', async () => {
  const own = await makeWorld({
    signingKeys: SIGNING_KEYS.filter(({ alg }) => alg === 'ES256'),
  });
  expect(own.web.idTokenSignedResponseAlg).toBe('ES256');
  expect((await getTokens(own)).id_token.split('.')[0]).toBe(
    Buffer.from(
      JSON.stringify({
        alg: 'ES256',
        typ: 'JWT',
        kid: (await own.provider.keys.list())[0]?.kid,
      }),
    ).toString('base64url'),
  );
  const metadata = (await (
    await own.provider.fetch(new Request(`${ISSUER}/.well-known/openid-configuration`))
  ).json()) as Record<string, unknown>;
  expect(metadata['id_token_signing_alg_values_supported']).toEqual(['ES256', 'HS256']);
});
