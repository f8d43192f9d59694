/** The key set (JWKS). Rules MD. */

import { calculateJwkThumbprint } from 'jose';
import { beforeAll, expect, it } from 'vitest';
import { ISSUER, makeWorld, read, SIGNING_KEYS, type World } from '../setup.ts';

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
it('[RFC7638 §3] MD-02 publishes public members only, with the thumbprint as kid', async () => {
  const { body, headers } = await get('/.well-known/jwks.json');
  const keys = body['keys'] as Record<string, string>[];
  expect(keys.map(({ alg }) => alg)).toEqual(['RS256', 'PS256', 'ES256', 'EdDSA']);
  for (const key of keys) {
    expect(
      Object.keys(key).filter(
        (name) => !['kty', 'n', 'e', 'crv', 'x', 'y', 'kid', 'alg', 'use'].includes(name),
      ),
    ).toEqual([]);
    expect(key['kid']).toBe(
      await calculateJwkThumbprint(key as Parameters<typeof calculateJwkThumbprint>[0]),
    );
    expect(key['use']).toBe('sig');
  }
  expect(headers.get('cache-control')).toBe('public, max-age=3600');
  expect((await get('/o/.well-known/jwks.json/')).body).toEqual(body);
});
