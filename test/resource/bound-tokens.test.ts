/** Tokens that are bound to a key (RFC 9449 §7) or a certificate (RFC 8705 §3). Rules SC. */
import { createHash, randomBytes } from 'node:crypto';
import type { ClientCertificate } from 'valetkey';
import { proofMemory } from 'valetkey/resource';
import { beforeAll, describe, expect, it } from 'vitest';
import { apiOf, DOCUMENT, refusedBy, request, type TestApi } from './apis.ts';
import { newProofKey, type ProofKey, proofFor } from './proofs.ts';
import { API, NOW } from './signed.ts';

let key: ProofKey;
let other: ProofKey;
beforeAll(async () => {
  [key, other] = [await newProofKey(), await newProofKey('EdDSA')];
});

const der = randomBytes(64);
const SHOWN: ClientCertificate = { der, isVerified: false };
const THUMBPRINT = createHash('sha256').update(der).digest('base64url');

const world = (options: Parameters<typeof apiOf>[1] = {}): TestApi =>
  apiOf(
    {
      free: {},
      bound: { cnf: { jkt: key.thumbprint } },
      'by-other': { cnf: { jkt: other.thumbprint } },
      tls: { cnf: { 'x5t#S256': THUMBPRINT } },
      both: { cnf: { jkt: key.thumbprint, 'x5t#S256': THUMBPRINT } },
      empty: { cnf: {} },
      unknown: { cnf: { kid: 'x' } },
      more: { cnf: { jkt: key.thumbprint, kid: 'x' } },
      number: { cnf: { jkt: 7 } },
    },
    options,
  );

async function ask(
  { api, refusals }: TestApi,
  header: string,
  dpop: string | null = null,
  certificate: ClientCertificate | null = null,
): Promise<string> {
  const headers: Record<string, string> = dpop === null ? {} : { dpop };
  const info = { certificate: () => certificate };
  const { auth } = await api.check(request(header, { headers }), {}, info);
  return auth === undefined ? (refusals.at(-1)?.reason ?? 'none') : 'good';
}

describe('a token bound to a key', () => {
  it.each<[string, string, () => Promise<string> | null, string]>([
    ['SC-07 as a bearer token', 'Bearer bound', () => proofFor(key, 'bound'), 'token_needs_dpop'],
    ['SC-07 as a bearer token without a proof', 'Bearer bound', () => null, 'token_needs_dpop'],
    ['SC-07 that is not bound', 'DPoP free', () => proofFor(key, 'free'), 'token_not_bound'],
    ['without a proof', 'DPoP bound', () => null, 'token_without_proof'],
    [
      'with a proof of another key',
      'DPoP bound',
      () => proofFor(other, 'bound'),
      'token_of_another_key',
    ],
    ['SC-02 without ath', 'DPoP bound', () => proofFor(key, null), 'dpop_proof_token'],
    ['SC-02 with another ath', 'DPoP bound', () => proofFor(key, 'free'), 'dpop_proof_token'],
    [
      'SC-04 for POST',
      'DPoP bound',
      () => proofFor(key, 'bound', { htm: 'POST' }),
      'dpop_proof_request',
    ],
    [
      'SC-04 for another path',
      'DPoP bound',
      () => proofFor(key, 'bound', { htu: API }),
      'dpop_proof_request',
    ],
    [
      'SC-04 for the host that the proxy used',
      'DPoP bound',
      () => proofFor(key, 'bound', { htu: 'http://10.0.0.7:8080/v1/photos' }),
      'dpop_proof_request',
    ],
    [
      'SC-05 of two minutes ago',
      'DPoP bound',
      () => proofFor(key, 'bound', { iat: NOW - 120 }),
      'dpop_proof_invalid',
    ],
    ['SC-01 with no JWT as proof', 'DPoP bound', () => Promise.resolve('x'), 'dpop_proof_invalid'],
    ['SC-01 with two proofs', 'DPoP bound', () => Promise.resolve('x, y'), 'dpop_proof_several'],
    [
      'with a confirmation that is no text',
      'DPoP number',
      () => proofFor(key, 'number'),
      'token_of_another_key',
    ],
    ['and to something unknown', 'DPoP more', () => proofFor(key, 'more'), 'confirmation_unknown'],
  ])('[RFC9449 §7.1] [RFC9449 §7.2] is refused: %s', async (_what, header, proof, reason) => {
    expect(await ask(world(), header, await proof())).toBe(reason);
  });
  it('[RFC9449 §7.1] is 401 for a bad proof, and says that it is the proof', async () => {
    const { api } = world();
    const asked = request('DPoP bound', { headers: { dpop: 'x' } });
    const refused = await refusedBy((await api.check(asked)).response);
    expect(refused.status).toBe(401);
    expect(refused.challenge).toMatch(
      /^DPoP error="invalid_dpop_proof", error_description="The DPoP proof is not valid.", algs="RS256 [^"]*", resource_metadata="[^"]*", Bearer resource_metadata="[^"]*"$/,
    );
  });
  it('[RFC9449 §7.2] is told as a bearer token which scheme it needs', async () => {
    const { response } = await world().api.check(request('Bearer bound'));
    expect((await refusedBy(response)).challenge).toMatch(
      /^Bearer error="invalid_token", .*, DPoP algs="RS256 /,
    );
  });
  it('[RFC9449 §7.1] is accepted with its proof, by any algorithm, in any case of the scheme', async () => {
    expect(await ask(world(), 'dpop bound', await proofFor(key, 'bound'))).toBe('good');
    expect(await ask(world(), 'DPOP by-other', await proofFor(other, 'by-other'))).toBe('good');
    const query = await proofFor(key, 'bound', { htu: `${API}/photos?size=large` });
    expect(await ask(world(), 'DPoP bound', query)).toBe('good');
  });
  it('RS-09 SC-04 is not accepted at a host whose name goes on with the path', async () => {
    const { api, refusals } = world();
    for (const url of ['.evil.example/v1', '@evil.example/v1', ':8443/v1', '//evil.example/v1']) {
      const dpop = await proofFor(key, 'bound', { htu: `https://api.example${url}` });
      const given = new Map([
        ['authorization', 'DPoP bound'],
        ['dpop', dpop],
      ]);
      const headers = { get: (name: string) => given.get(name) ?? null };
      const verdict = await api.judge({})({ method: 'GET', url, headers }, {}, {});
      // With two slashes it is a path of this host.
      expect(verdict.is).toBe(url.startsWith('/') ? 'authorized' : 'refused');
      if (verdict.is === 'refused') expect(refusals.at(-1)?.reason).toBe('dpop_proof_request');
    }
  });
  it('RS-09 SC-04 is accepted below a prefix that a proxy takes away', async () => {
    const { api } = world({ strippedPrefix: '/v1' });
    const asking = async (path: string): Promise<string | undefined> => {
      const headers = { dpop: await proofFor(key, 'bound') };
      return (await api.check(request('DPoP bound', { path, headers }))).auth?.sub ?? undefined;
    };
    expect(await asking('/photos')).toBe('alice-sub');
    expect(await asking('/v1/photos')).toBeUndefined();
  });
  it('is the only one that is accepted where DPoP is required', async () => {
    const strict = world({ requireDpop: true });
    expect(await ask(strict, 'Bearer free')).toBe('token_needs_dpop');
    expect(await ask(strict, 'Bearer tls', null, SHOWN)).toBe('token_needs_dpop');
    expect(await ask(strict, 'DPoP bound', await proofFor(key, 'bound'))).toBe('good');
  });
});

describe('a proof', () => {
  it('[RFC9449 §11.1] SC-05 is used once, of 50 at the same time', async () => {
    const one = world();
    const proof = await proofFor(key, 'bound');
    const asking = Array.from({ length: 50 }, async () => await ask(one, 'DPoP bound', proof));
    expect((await Promise.all(asking)).filter((what) => what === 'good')).toHaveLength(1);
    expect(one.refusals.every(({ reason }) => reason === 'dpop_proof_replayed')).toBe(true);
  });
  it('SC-05 is remembered only when all else is well, and until it has ended', async () => {
    const used: [string, number][] = [];
    const proofs = {
      used: async (digest: string, expiresAt: number) => used.push([digest, expiresAt]) > 1,
    };
    const one = world({ proofs });
    await ask(one, 'DPoP bound', await proofFor(other, 'bound'));
    await ask(one, 'DPoP nobody', await proofFor(key, 'nobody'));
    expect(used).toEqual([]);
    expect(await ask(one, 'DPoP bound', await proofFor(key, 'bound'))).toBe('good');
    expect(used).toEqual([[expect.stringMatching(/^[\w-]{43}$/), NOW + 90]]);
    expect(await ask(one, 'DPoP bound', await proofFor(key, 'bound'))).toBe('dpop_proof_replayed');
  });
  it('RS-04 SC-05 is 503 when the memory does not answer', async () => {
    const proofs = { used: async () => await Promise.reject(new Error('no connection')) };
    const { api, refusals } = world({ proofs });
    const headers = { dpop: await proofFor(key, 'bound') };
    const { response } = await api.check(request('DPoP bound', { headers }));
    expect([response?.status, response?.headers.get('retry-after')]).toEqual([503, '5']);
    expect(refusals.at(-1)?.reason).toBe('source_unavailable');
  });
});

describe('the memory of one process', () => {
  it('[RFC9449 §11.1] knows a proof until it has ended', () => {
    let time = NOW;
    const memory = proofMemory(() => time);
    expect([memory.used('a', NOW + 90), memory.used('a', NOW + 90)]).toEqual([false, true]);
    time += 89;
    expect(memory.used('a', NOW + 90)).toBe(true);
    time += 1;
    expect(memory.used('a', NOW + 200)).toBe(false);
  });
  it('rather fails than forgets, and has room again when proofs have ended', () => {
    let time = NOW;
    const memory = proofMemory(() => time, 2);
    for (const one of ['a', 'b']) expect(memory.used(one, NOW + 90)).toBe(false);
    expect(() => memory.used('c', NOW + 90)).toThrow('full');
    expect(memory.used('a', NOW + 90)).toBe(true);
    time += 90;
    expect(memory.used('c', NOW + 200)).toBe(false);
  });
});

describe('a token bound to a certificate', () => {
  it.each<[string, string, ClientCertificate | null, string]>([
    ['without one', 'Bearer tls', null, 'token_certificate'],
    [
      'with another one',
      'Bearer tls',
      { der: randomBytes(64), isVerified: true },
      'token_certificate',
    ],
    ['by DPoP', 'DPoP tls', SHOWN, 'token_not_bound'],
    ['and to a key, without a proof', 'DPoP both', SHOWN, 'token_without_proof'],
    ['and to a key, as a bearer token', 'Bearer both', SHOWN, 'token_needs_dpop'],
  ])('[RFC8705 §3] SC-09 is refused %s', async (_what, header, certificate, reason) => {
    expect(await ask(world(), header, null, certificate)).toBe(reason);
  });
  it('[RFC8705 §3] SC-09 is accepted with it, also one that nobody verified', async () => {
    expect(await ask(world(), 'Bearer tls', null, SHOWN)).toBe('good');
  });
  it('and to a key needs both', async () => {
    expect(await ask(world(), 'DPoP both', await proofFor(key, 'both'), SHOWN)).toBe('good');
    expect(await ask(world(), 'DPoP both', await proofFor(key, 'both'))).toBe('token_certificate');
  });
  it('[RFC7800 §3.1] RS-10 to something unknown, or to nothing that it names, is refused', async () => {
    for (const token of ['unknown', 'empty']) {
      expect(await ask(world(), `Bearer ${token}`, null, SHOWN)).toBe('confirmation_unknown');
      expect(await ask(world(), `DPoP ${token}`, await proofFor(key, token))).toBe(
        'confirmation_unknown',
      );
    }
  });
  it('names the document in its challenge', async () => {
    const { response } = await world().api.check(request('Bearer tls'));
    expect((await refusedBy(response)).challenge).toContain(`resource_metadata="${DOCUMENT}"`);
  });
});
