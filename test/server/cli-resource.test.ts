/** `valetkey resource …`, and a token for an API that it registered. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calledTold, makePlace, type Place, problemsIn, run, told } from './command-line.ts';

const API = 'https://api.example/v1';
/** A public key (RFC 7515 A.3). */
const X = 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU';
const Y = 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0';

let place: Place;
beforeAll(async () => {
  place = await makePlace({ VALETKEY_RESOURCE_INDICATORS_ENABLED: 'true' });
  await told(['init'], place.env);
});
afterAll(async () => {
  await place.remove();
});

const problems = async (...words: string[]): Promise<readonly string[]> => {
  const ran = await run(['resource', ...words], place.env);
  expect(ran.code).toBe(1);
  return problemsIn(ran);
};

describe('resource', () => {
  it('creates, shows, changes and deletes an API', async () => {
    const options = ['--scope', 'read,write', '--token-format', 'jwt', '--token-lifetime', '300'];
    expect(
      await calledTold(['resource', 'create', '--resource', API, ...options], place.env),
    ).toEqual({
      resource: API,
      scopes: ['read', 'write'],
      tokenFormat: 'jwt',
      tokenLifetime: 300,
      source: 'registry',
    });
    const changes = [
      '--scope',
      'read',
      '--unset',
      'token-lifetime',
      '--token-signing-alg',
      'ES256',
    ];
    const encryption = [
      '--token-encryption-alg',
      'ECDH-ES',
      '--jwks-uri',
      'https://api.example/jwks',
    ];
    await calledTold(
      ['resource', 'update', '--resource', API, ...changes, ...encryption],
      place.env,
    );
    const { resources } = await calledTold(['resource', 'list'], place.env);
    expect(resources).toEqual([
      {
        resource: API,
        scopes: ['read'],
        tokenFormat: 'jwt',
        tokenSigningAlg: 'ES256',
        tokenEncryption: { alg: 'ECDH-ES', jwksUri: 'https://api.example/jwks' },
        source: 'registry',
      },
    ]);
    expect(await calledTold(['resource', 'delete', '--resource', API], place.env)).toEqual({
      deleted: API,
    });
  });
  it('says what is wrong, in one line each', async () => {
    expect(await problems('create', '--resource', 'api')).toEqual([
      expect.stringMatching(/must be an absolute URI/),
    ]);
    const unknown = ['--resource', API, '--token-signing-alg', 'XX'];
    const ran = await run(['resource', 'create', ...unknown], place.env);
    expect(ran.stderr).toMatch(/--token-signing-alg <alg>.*Allowed choices are RS256/);
    for (const flag of [
      ['--jwks-uri', 'https://x.example'],
      ['--token-encryption-enc', 'A128GCM'],
    ])
      expect(await problems('create', '--resource', API, '--token-format', 'jwt', ...flag)).toEqual(
        [expect.stringMatching(/tokenEncryption needs alg, and jwks or jwksUri/)],
      );
    expect(await problems('delete', '--resource', API)).toEqual([
      `The registry has no ${API}. See: valetkey resource list`,
    ]);
    expect(await problems('update', '--resource', API)).toEqual([
      'Nothing would change: name a field.',
    ]);
    const twice = ['--scope', 'read', '--unset', 'scope'];
    expect(await problems('update', '--resource', API, ...twice)).toEqual([
      'scopes is given, and taken away by --unset.',
    ]);
    expect(await problems('update', '--resource', API, '--unset', 'name')).toEqual([
      '--unset name is not known. It takes scope, token-format, token-lifetime, token-signing-alg, token-encryption.',
    ]);
  });
  it('takes the keys of an API as they are, and shows what holds without a field', async () => {
    const keys = { keys: [{ kty: 'EC', crv: 'P-256', x: X, y: Y, use: 'enc', kid: 'one' }] };
    const options = [
      ...['--resource', API, '--token-format', 'jwt'],
      ...['--token-encryption-alg', 'ECDH-ES', '--jwks', JSON.stringify(keys)],
    ];
    expect(await calledTold(['resource', 'create', ...options], place.env)).toMatchObject({
      tokenEncryption: { alg: 'ECDH-ES', jwks: keys },
    });
    const { stdout } = await run(
      ['resource', 'update', '--resource', API, '--unset', 'token-encryption,token-format'],
      place.env,
    );
    expect(stdout).toMatch(/Scopes +any/);
    expect(stdout).toMatch(/Token format +as the application/);
    expect(stdout).not.toContain('Encrypted by');
  });
  it('says what to switch on where nothing asks for APIs', async () => {
    const off = await makePlace();
    try {
      await told(['init'], off.env);
      const ran = await run(['resource', 'create', '--resource', API], off.env);
      expect([ran.code, ran.stdout]).toEqual([
        0,
        expect.stringContaining('VALETKEY_RESOURCE_INDICATORS_ENABLED=true'),
      ]);
    } finally {
      await off.remove();
    }
  });
});
