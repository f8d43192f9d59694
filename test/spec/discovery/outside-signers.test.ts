/** Keys that this process does not hold: a KMS or an HSM signs (`Signer`). Rules JW. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { Config, Signer } from 'valetkey';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  browserOf,
  claimsOf,
  getCode,
  getTokens,
  makeWorld,
  pkce,
  redeem,
  type World,
} from '../setup.ts';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const OTHER = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();

const rs256: Signer = {
  alg: 'RS256',
  active: true,
  publicKey: pemOf(RSA.publicKey),
  sign: async (data) => sign('sha256', data, RSA.privateKey),
};
const es256: Signer = {
  alg: 'ES256',
  active: true,
  publicKey: EC.publicKey.export({ format: 'jwk' }),
  sign: async (data) => sign('sha256', data, { key: EC.privateKey, dsaEncoding: 'ieee-p1363' }),
};
const started = async (...signingKeys: NonNullable<Config['signingKeys']>): Promise<World> => {
  const world = await makeWorld({ signingKeys });
  await world.provider.maintain();
  return world;
};

afterEach(() => {
  vi.useRealTimers();
});

describe('bad input', () => {
  it.each<[string, object, string]>([
    ['without an alg', { alg: undefined }, 'must have an alg'],
    ['for an algorithm that decrypts', { alg: 'RSA-OAEP' }, 'encrypts'],
    ['without active', { active: undefined }, 'must say whether it is active'],
    ['with a sign that is no function', { sign: 'x' }, 'no function'],
    ['without a public key', { publicKey: undefined }, 'public key'],
    ['with a public key that is none', { publicKey: 'x' }, 'public key'],
    ['with a public key of another kind', { publicKey: pemOf(EC.publicKey) }, 'no key for RS256'],
  ])('a signer %s stops the start', async (_, changes, problem) => {
    await expect(started({ ...rs256, ...changes } as Signer)).rejects.toThrow(problem);
  });

  it('JW-02 a key for two algorithms stops the start', async () => {
    await expect(started(rs256, { ...rs256, alg: 'PS256' })).rejects.toThrow(
      'the key of another entry',
    );
  });

  it.each<[string, Signer]>([
    ['of another key', { ...rs256, publicKey: pemOf(OTHER.publicKey) }],
    ['in DER', { ...es256, sign: async (data) => sign('sha256', data, { key: EC.privateKey }) }],
    ['by another hash', { ...rs256, sign: async (data) => sign('sha512', data, RSA.privateKey) }],
    ['that are empty', { ...rs256, sign: async () => new Uint8Array() }],
  ])('[RFC7518 §3] signatures %s are found before the first token', async (_, signer) => {
    await expect(started(signer)).rejects.toThrow('does not sign what its public key verifies');
  });

  it('a signer that fails is 503, and the code is not used up', async () => {
    let isDown = false;
    const world = await started({
      ...rs256,
      async sign(data) {
        if (isDown) throw new Error('the module is gone');
        return await rs256.sign(data);
      },
    });
    const proof = pkce();
    const code = await getCode(world, proof);
    isDown = true;
    const refused = await redeem(world, code, proof.verifier);
    expect([refused.status, refused.body['error']]).toEqual([503, 'temporarily_unavailable']);
    expect(JSON.stringify(refused.body)).not.toContain('module');
    isDown = false;
  });

  it('a signer that does not answer is 503 as well', async () => {
    let isSlow = false;
    const world = await started({
      ...rs256,
      sign: async (data) =>
        isSlow ? await new Promise<never>(() => undefined) : await rs256.sign(data),
    });
    const proof = pkce();
    const code = await getCode(world, proof);
    isSlow = true;
    vi.useFakeTimers({ toFake: ['setTimeout'], shouldAdvanceTime: true, advanceTimeDelta: 2000 });
    const refused = await redeem(world, code, proof.verifier);
    expect([refused.status, refused.body['error']]).toEqual([503, 'temporarily_unavailable']);
  });
});

describe('a key that is elsewhere', () => {
  it('may belong to an object with a method and a state', async () => {
    class Module implements Signer {
      readonly alg = 'ES256';
      readonly active = true;
      readonly publicKey = pemOf(EC.publicKey);
      signed = 0;
      async sign(data: Uint8Array): Promise<Uint8Array> {
        this.signed += 1;
        return await es256.sign(data);
      }
    }
    const module = new Module();
    await started(module, rs256);
    expect(module.signed).toBe(1);
  });

  it('[RFC7515 §5.1] signs what everybody can verify by the key set', async () => {
    const world = await started(rs256, es256);
    const keys = createLocalJWKSet({ keys: [...(await world.provider.keys.published())] });
    const { id_token } = await getTokens(world);
    const { protectedHeader } = await jwtVerify(id_token, keys, { algorithms: ['RS256'] });
    expect(protectedHeader.alg).toBe('RS256');
    await world.provider.clients.update(world.web.clientId, { idTokenSignedResponseAlg: 'ES256' });
    const next = await getTokens(world, {}, browserOf(world));
    const verified = await jwtVerify(next.id_token, keys, { algorithms: ['ES256'] });
    expect(verified.payload['sub']).toBe(claimsOf(id_token)['sub']);
  });

  it('is published with nothing of its private part, and with the thumbprint as its kid', async () => {
    const world = await started(rs256);
    const [key, ...others] = await world.provider.keys.published();
    expect(others).toEqual([]);
    expect(Object.keys(key ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    expect((await world.provider.keys.list()).map(({ state }) => state)).toEqual(['current']);
  });

  it('stays published after another one took over, and is not asked to sign', async () => {
    const asked = vi.fn(rs256.sign);
    const before: Signer = { ...rs256, active: false, sign: asked };
    const now: Signer = {
      ...rs256,
      publicKey: pemOf(OTHER.publicKey),
      sign: async (data) => sign('sha256', data, OTHER.privateKey),
    };
    const world = await started(now, before);
    await getTokens(world);
    expect(asked).not.toHaveBeenCalled();
    expect(await world.provider.keys.published()).toHaveLength(2);
  });
});
