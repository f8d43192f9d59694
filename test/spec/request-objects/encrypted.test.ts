/** Encrypted request objects, and the keys to which clients encrypt them (RFC 9101 §6.1). */
import {
  createCipheriv,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { CompactEncrypt, importJWK, type JWK } from 'jose';
import { type Config, memoryDatabase, requestObjects } from 'valetkey';
import type { ScriptedBrowser } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusedRedirect } from '../refusals.ts';
import {
  allow,
  browserOf,
  codeOf,
  ISSUER,
  logIn,
  pageOf,
  SIGNING_KEYS,
  type World,
} from '../setup.ts';
import { carrying, claimsOfRequest, keyedWorld, OTHER, signed, unsigned } from './objects.ts';

const ALGS = ['RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'RSA-OAEP', 'ECDH-ES+A256KW'] as const;
const withKeys = (...encryptionAlgs: readonly (typeof ALGS)[number][]): Partial<Config> => ({
  features: [requestObjects({ encryptionAlgs })],
  signingKeys: undefined as never,
});

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => await use(withKeys('RSA-OAEP-256', 'ECDH-ES')));

async function use(options: Partial<Config>): Promise<void> {
  world = await keyedWorld({ keySchedule: { algs: ['ES256', 'RS256'] }, ...options });
  browser = browserOf(world);
}

const published = async (): Promise<readonly JWK[]> => await world.provider.keys.published();
async function keyFor(alg: string): Promise<JWK> {
  const found = (await published()).find((key) => key.use === 'enc' && key.alg === alg);
  if (found === undefined) throw new Error(`no key for ${alg}`);
  return found;
}

interface Envelope {
  readonly alg?: string;
  readonly enc?: string;
  readonly kid?: string | undefined;
  /** @default the one that is published for the algorithm */
  readonly to?: JWK;
  readonly header?: Readonly<Record<string, unknown>>;
}

async function encrypted(text: string, envelope: Envelope = {}): Promise<string> {
  const { alg = 'RSA-OAEP-256', enc = 'A128CBC-HS256', header = {} } = envelope;
  const jwk = envelope.to ?? (await keyFor(alg));
  const kid = 'kid' in envelope ? envelope.kid : jwk.kid;
  const all = { alg, enc, cty: 'JWT', ...(kid === undefined ? {} : { kid }), ...header };
  return await new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader(all)
    .encrypt(await importJWK(jwk, alg));
}
const object = async (changes: object = {}): Promise<string> =>
  await signed(claimsOfRequest(world, changes));
const send = async (request: string) =>
  await browser.open(
    carrying(world, request, {
      response_type: 'code',
      redirect_uri: 'https://rp.example/cb',
      scope: 'openid',
    }),
  );
const metadata = async (): Promise<Record<string, unknown>> =>
  (await (
    await world.provider.fetch(new Request(`${ISSUER}/.well-known/openid-configuration`))
  ).json()) as Record<string, unknown>;

describe('bad input', () => {
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    format: 'jwk',
  }) as JWK;

  it.each<[string, () => Promise<string>, string]>([
    [
      'with a key of somebody else',
      async () => await encrypted(await object(), { to: foreign, kid: undefined }),
      'malformed',
    ],
    [
      'with a key id that is none of ours',
      async () => await encrypted(await object(), { kid: 'other' }),
      'unknown_key',
    ],
    [
      'to a key that signs',
      async () =>
        await encrypted(await object(), {
          kid: (await published()).find(({ alg }) => alg === 'RS256')?.kid,
        }),
      'unknown_key',
    ],
    [
      'by an algorithm that is not offered',
      async () =>
        await encrypted(await object(), {
          alg: 'RSA-OAEP',
          to: await keyFor('RSA-OAEP-256').then(({ alg: _, ...key }) => key),
        }),
      'algorithm',
    ],
    [
      'with a content encryption that is not offered',
      async () => await encrypted(await object(), { enc: 'A192GCM' }),
      'malformed',
    ],
    [
      'with an extension that has to be understood',
      async () =>
        `${Buffer.from(JSON.stringify({ alg: 'RSA-OAEP-256', enc: 'A128GCM', crit: ['x'], x: 1 })).toString('base64url')}.AA.AA.AA.AA`,
      'malformed',
    ],
    [
      'that is damaged',
      async () => (await encrypted(await object())).replace(/.{8}$/, 'AAAAAAAA'),
      'malformed',
    ],
    ['that holds no JWT', async () => await encrypted('no JWT'), 'malformed'],
    [
      'that is encrypted twice',
      async () => await encrypted(await encrypted(await object())),
      'malformed',
    ],
    [
      'signed by another key',
      async () => await encrypted(await signed(claimsOfRequest(world), {}, OTHER.privateKey)),
      'signature',
    ],
    [
      'for another issuer',
      async () => await encrypted(await object({ aud: 'https://other.example' })),
      'audience',
    ],
    [
      'for a client that asks under another name',
      async () => await encrypted(await object({ client_id: 'other' })),
      'claim',
    ],
  ])('[RFC9101 §6.1] PR-01 an object %s is refused', async (_, make, problem) => {
    const visit = await send(await make());
    const received = visit.leaves?.searchParams;
    expect([received?.get('error'), world.reasons.at(-1)]).toEqual([
      'invalid_request_object',
      `request_object_${problem}`,
    ]);
  });

  it('[RFC9101 §6.1] PR-01 JW-09 encryption does not take the place of a signature', async () => {
    expectRefusedRedirect(world, await send(await encrypted(unsigned(claimsOfRequest(world)))), {
      error: 'request_not_supported',
      reason: 'request_object_unsigned',
    });
  });

  it.each<[string, object]>([
    ['by a password', { alg: 'PBES2-HS256+A128KW', p2s: 'AAAA', p2c: 2 ** 31 - 1 }],
    ['by a key that both know', { alg: 'dir' }],
    ['with the key in its header', { alg: 'A128KW' }],
    ['by RSA of the old kind', { alg: 'RSA1_5' }],
  ])(
    '[RFC8725 §3.6] JW-08 an object %s is refused before anything is computed',
    async (_, header) => {
      const first = Buffer.from(JSON.stringify({ enc: 'A128GCM', ...header })).toString(
        'base64url',
      );
      await send(`${first}.AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA`);
      expect(world.reasons.at(-1)).toBe('request_object_algorithm');
    },
  );

  it.each([{ key_ops: 5 }, { crv: 'P-521' }, { x: 'AA' }, null, 'x'])(
    '[RFC7518 §4.6.1] an ephemeral key %o is refused',
    async (changes) => {
      const { kty, crv, x, y } = await keyFor('ECDH-ES');
      const epk = typeof changes === 'object' && changes ? { kty, crv, x, y, ...changes } : changes;
      const header = { alg: 'ECDH-ES', enc: 'A128GCM', epk };
      const first = Buffer.from(JSON.stringify(header)).toString('base64url');
      await send(`${first}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA`);
      expect(world.reasons.at(-1)).toBe('request_object_malformed');
    },
  );

  it('[RFC8725 §3.6] JW-08 what is compressed is not unpacked', async () => {
    const { kid, ...jwk } = await keyFor('RSA-OAEP-256');
    const header = { alg: 'RSA-OAEP-256', enc: 'A128GCM', kid, zip: 'DEF' };
    const first = Buffer.from(JSON.stringify(header)).toString('base64url');
    const [key, iv] = [randomBytes(16), randomBytes(12)];
    const to = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    const wrapped = publicEncrypt({ key: to, oaepHash: 'sha256' }, key);
    const cipher = createCipheriv('aes-128-gcm', key, iv).setAAD(Buffer.from(first));
    const bomb = deflateRawSync(Buffer.alloc(3_000_000));
    const content = Buffer.concat([cipher.update(bomb), cipher.final()]);
    const parts = [wrapped, iv, content, cipher.getAuthTag()];
    await send([first, ...parts.map((part) => part.toString('base64url'))].join('.'));
    expect(world.reasons.at(-1)).toBe('request_object_malformed');
  });

  it('[RFC7517 §4.2] a key is published no longer than its algorithm is offered', async () => {
    const store = memoryDatabase();
    const secret = 'a secret of this test, which is long enough';
    await use({ ...withKeys('ECDH-ES'), store, secret });
    expect((await keyFor('ECDH-ES')).use).toBe('enc');
    await use({ signingKeys: undefined as never, store, secret });
    expect((await published()).map(({ use: what }) => what)).toEqual(['sig', 'sig']);
  });

  it('is refused where the operator offers no algorithm', async () => {
    const key = await keyFor('RSA-OAEP-256');
    await use({});
    const visit = await send(await encrypted(await object(), { to: key }));
    expect([visit.leaves?.searchParams.get('error'), world.reasons.at(-1)]).toEqual([
      'invalid_request_object',
      'request_object_algorithm',
    ]);
    expect((await published()).filter(({ use: what }) => what === 'enc')).toEqual([]);
    expect(await metadata()).not.toHaveProperty('request_object_encryption_alg_values_supported');
  });

  it('[RFC7517 §4.2] a key that decrypts signs nothing, and verifies nothing', async () => {
    const { kid } = await keyFor('RSA-OAEP-256');
    await expect(
      world.provider.clients.update(world.web.clientId, {
        idTokenSignedResponseAlg: 'RSA-OAEP-256' as never,
      }),
    ).rejects.toThrow();
    const hint = await signed({ iss: ISSUER, aud: world.web.clientId, sub: 'x' }, { kid });
    const visit = await browser.open(
      carrying(world, await object({ id_token_hint: hint, prompt: 'none' })),
    );
    expect(world.reasons.at(-1)).toBe('id_token_hint');
    expect(visit.leaves?.searchParams.get('error')).toBe('invalid_request');
  });

  it('algorithms without a key among those that are given are found at the start', async () => {
    await expect(use({ ...withKeys('ECDH-ES'), signingKeys: SIGNING_KEYS })).rejects.toThrow(
      'have no key for ECDH-ES',
    );
  });
});

describe('an encrypted request object', () => {
  it.each(ALGS.flatMap((alg) => ['A128CBC-HS256', 'A256GCM'].map((enc) => [alg, enc] as const)))(
    '[RFC9101 §6.1] [RFC7516 §5.2] %s with %s is the whole request',
    async (alg, enc) => {
      await use(withKeys(...ALGS));
      const login = await send(await encrypted(await object(), { alg, enc }));
      const done = await allow(browser, await logIn(browser, login));
      expect(codeOf(done)).not.toBeNull();
      expect(done.leaves?.searchParams.get('state')).toBe('inside');
    },
    20_000,
  );

  it('needs no key id where one key has the algorithm', async () => {
    const request = await encrypted(await object(), { alg: 'ECDH-ES', kid: undefined });
    expect(pageOf(await send(request))).toBe('login');
  });

  it('[OIDC Discovery §3] is announced with its algorithms, and a key for each is published', async () => {
    expect(await metadata()).toMatchObject({
      request_object_encryption_alg_values_supported: ['RSA-OAEP-256', 'ECDH-ES'],
      request_object_encryption_enc_values_supported: expect.arrayContaining(['A128CBC-HS256']),
    });
    const keys = (await published()).filter(({ use: what }) => what === 'enc');
    expect(keys.map(({ alg }) => alg)).toEqual(['RSA-OAEP-256', 'ECDH-ES']);
    expect(keys.some((key) => 'd' in key)).toBe(false);
  });

  it('[OIDC Registration §2] an application may say what it encrypts with', async () => {
    const { clientId } = world.web;
    const fields = { request_object_encryption_alg: 'ECDH-ES' };
    const updated = await world.provider.clients.update(clientId, { fields });
    expect(updated?.fields).toMatchObject(fields);
    await expect(
      world.provider.clients.update(clientId, { fields: { request_object_encryption_enc: 'x' } }),
    ).rejects.toThrow();
  });

  it('goes to an old key for as long as that is published, and a sign-in outlives the key', async () => {
    const old = await keyFor('RSA-OAEP-256');
    await world.provider.keys.rotate({ immediate: true });
    // Nobody new encrypts to it, and who did is still heard.
    const [next, ...others] = (await published()).filter(({ alg }) => alg === 'RSA-OAEP-256');
    expect([next?.kid === old.kid, others]).toEqual([false, []]);
    const unnamed = await encrypted(await object(), { to: old, kid: undefined });
    expect(pageOf(await send(unnamed))).toBe('login');
    const login = await send(await encrypted(await object(), { to: old }));
    expect(pageOf(login)).toBe('login');
    await world.provider.keys.rotate({ emergency: true });
    const refused = await send(await encrypted(await object(), { to: old }));
    expect(refused.leaves?.searchParams.get('error')).toBe('invalid_request_object');
    expect(codeOf(await allow(browser, await logIn(browser, login)))).not.toBeNull();
  });

  it('goes to a key that is given by configuration', async () => {
    const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const text = pem.export({ type: 'pkcs8', format: 'pem' }).toString();
    const given = { alg: 'ECDH-ES', active: true, pem: text } as const;
    await use({ ...withKeys('ECDH-ES'), signingKeys: [...SIGNING_KEYS, given] });
    const request = await encrypted(await object(), { alg: 'ECDH-ES' });
    expect(pageOf(await send(request))).toBe('login');
  });
});
