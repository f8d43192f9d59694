/** Every algorithm that signs (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864). */
import { createHash } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { type SigningAlg, verifyIdToken } from 'valetkey';
import { beforeAll, expect, it } from 'vitest';
import {
  basic,
  getCode,
  ISSUER,
  makeWorld,
  pkce,
  post,
  REDIRECT_URI,
  read,
  type World,
} from '../setup.ts';

const ALGS: readonly SigningAlg[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

let world: World;
beforeAll(async () => {
  world = await makeWorld({ signingKeys: undefined as never, keySchedule: { algs: ALGS } });
});

const jwks = async (): Promise<JSONWebKeySet> =>
  (await read(await world.provider.fetch(new Request(`${ISSUER}/.well-known/jwks.json`))))
    .body as unknown as JSONWebKeySet;

it.each(ALGS)('[OIDC Core §3.1.3.6] signs ID tokens with %s, and verifies them', async (alg) => {
  const { client, clientSecret } = await world.provider.clients.create({
    name: alg,
    redirectUris: [REDIRECT_URI],
    idTokenSignedResponseAlg: alg,
  });
  const proof = pkce();
  const code = await getCode(world, proof, { client_id: client.clientId });
  const fields = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI };
  const headers = { authorization: basic(client.clientId, clientSecret ?? '') };
  const { body } = await post(
    world,
    'token',
    { ...fields, code_verifier: proof.verifier },
    headers,
  );
  const [idToken, accessToken] = [String(body['id_token']), String(body['access_token'])];
  const { payload, protectedHeader } = await jwtVerify(idToken, createLocalJWKSet(await jwks()), {
    algorithms: [alg],
    currentDate: new Date(world.now * 1000),
  });
  const size = alg.startsWith('Ed') ? '512' : alg.slice(-3);
  const digest = createHash(`sha${size}`).update(accessToken).digest();
  const half = digest.subarray(0, digest.length / 2).toString('base64url');
  expect([protectedHeader.alg, payload['at_hash']]).toEqual([alg, half]);
  const { clientId } = client;
  const options = {
    issuer: ISSUER,
    clientId,
    alg,
    jwks: await jwks(),
    accessToken,
    now: world.now,
  };
  await verifyIdToken(idToken, options);
});

it('[RFC7517 §4.5] each has a key of its own, with the algorithm that it is for', async () => {
  const { keys } = await jwks();
  expect(keys.map(({ alg }) => alg).sort()).toEqual([...ALGS].sort());
  expect(new Set(keys.map(({ kid }) => kid)).size).toBe(ALGS.length);
});
