/**
 * JWT access tokens (RFC 9068) before an API in Python: Authlib, joserfc and PyJWT take those that
 * are good, of each algorithm and encrypted ones, and refuse all others.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Provider, ResourceDefinition, SigningAlg } from 'valetkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { services } from '../services.ts';
import { type Application, register } from './grants/application.ts';
import { openidClient } from './grants/openid-client.ts';
import { type GrantsProvider, openGrants } from './grants/provider.ts';

const LIBRARIES = ['Authlib', 'joserfc', 'PyJWT'] as const;
type Library = (typeof LIBRARIES)[number];

/** APIs by the algorithm that signs their tokens. */
const ALGS = ['RS256', 'ES256', 'PS256', 'EdDSA'] as const;
/** APIs by the algorithm that encrypts them. */
const KEY_ALGS = ['ECDH-ES+A256KW', 'RSA-OAEP-256'] as const;
const apiOf = (alg: string): string => `https://${alg.toLowerCase().replace('+', '-')}.example/api`;

/** Authlib 1.9 takes the recommended algorithms alone, and leaves decryption to the API. */
const isTakenBy = (library: Library, alg: SigningAlg): boolean =>
  library !== 'Authlib' || alg === 'RS256' || alg === 'ES256';

interface Question {
  readonly library: Library;
  readonly token: string;
  readonly audience: string;
  readonly alg: SigningAlg;
}
type Claims = Readonly<Record<string, unknown>>;

let op: GrantsProvider;
let application: Application;
/** One that was issued an hour ago. */
let expired = '';
const privateKeys = new Map<string, JWK>();

/** What the library reads from each token; null for one that it refuses, and why. */
async function ask(
  { keys }: Provider,
  questions: readonly Question[],
  privateKey: JWK | null = null,
): Promise<{ readonly answers: readonly (Claims | null)[]; readonly refusals: string }> {
  const file = fileURLToPath(new URL('access-tokens.py', import.meta.url));
  const env = { PYTHONPATH: services.pythonLibraries ?? '' };
  const child = spawn('/usr/bin/python3', ['-B', file], { env });
  const asked = {
    keys: { keys: await keys.published() },
    issuer: op.issuer,
    private_key: privateKey,
    tokens: questions,
  };
  child.stdin.end(JSON.stringify(asked));
  const ended = once(child, 'close');
  const [printed, refusals] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(await ended, refusals).toEqual([0, null]);
  return { answers: JSON.parse(printed) as (Claims | null)[], refusals };
}

async function tokenFor(alg: string): Promise<string> {
  const answer = await application.clientCredentials({ scope: 'read', resource: apiOf(alg) });
  return answer.access_token;
}

describe.skipIf(services.pythonLibraries === null)('JWT access tokens in Python', () => {
  beforeAll(async () => {
    const signed = ALGS.map((alg): ResourceDefinition => {
      return { resource: apiOf(alg), tokenFormat: 'jwt', tokenSigningAlg: alg };
    });
    const encrypted: ResourceDefinition[] = [];
    for (const alg of KEY_ALGS) {
      const pair = await generateKeyPair(alg, { extractable: true });
      privateKeys.set(alg, { ...(await exportJWK(pair.privateKey)), alg, use: 'enc' });
      const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), alg, use: 'enc' }] };
      encrypted.push({
        resource: apiOf(alg),
        tokenFormat: 'jwt',
        tokenEncryption: { alg, enc: 'A256GCM', jwks },
      });
    }
    let shift = -3600;
    const clock = (): number => Math.floor(Date.now() / 1000) + shift;
    op = await openGrants({ clock }, [...signed, ...encrypted]);
    application = await register(op, openidClient);
    expired = await tokenFor('ES256');
    shift = 0;
  });
  afterAll(async () => await op.close());

  it.each(ALGS)('[RFC9068 §4] one that is signed by %s is verified', async (alg) => {
    const token = await tokenFor(alg);
    const audience = apiOf(alg);
    const questions = LIBRARIES.map((library) => ({ library, token, audience, alg }));
    const { answers, refusals } = await ask(op.provider, questions);
    for (const [index, library] of LIBRARIES.entries()) {
      const claims = { iss: op.issuer, aud: audience, client_id: application.clientId };
      const expected = isTakenBy(library, alg) ? expect.objectContaining(claims) : null;
      expect([library, answers[index]], refusals).toEqual([library, expected]);
    }
  });

  it.each(KEY_ALGS)(
    '[RFC9068 §2] [RFC7519 §5.2] one that is encrypted by %s and A256GCM is opened and verified',
    async (alg) => {
      const token = await tokenFor(alg);
      expect(token.split('.')).toHaveLength(5);
      const questions = LIBRARIES.map(
        (library): Question => ({ library, token, audience: apiOf(alg), alg: 'RS256' }),
      );
      const privateKey = privateKeys.get(alg) ?? null;
      const { answers, refusals } = await ask(op.provider, questions, privateKey);
      const expected = expect.objectContaining({ iss: op.issuer, aud: apiOf(alg) }) as Claims;
      expect(answers, refusals).toEqual(LIBRARIES.map(() => expected));
    },
  );

  interface Refused {
    readonly token: string;
    readonly alg?: SigningAlg;
    readonly audience?: string;
  }
  const reasons = (joserfc: RegExp, pyjwt: RegExp = joserfc) => [/invalid_token/, joserfc, pyjwt];
  it.each<[rule: string, make: () => Promise<Refused>, reasons: readonly RegExp[]]>([
    [
      '[RFC9068 §4] one for another audience',
      async () => ({ token: await tokenFor('RS256'), alg: 'RS256' }),
      reasons(/aud/, /audience/i),
    ],
    [
      '[RFC9068 §4] one that has expired',
      async () => await Promise.resolve({ token: expired }),
      reasons(/expired/i),
    ],
    [
      '[RFC9068 §4] [RFC8725 §3.11] an ID token in its place',
      async () => {
        const { id_token } = await application.signIn({ scope: 'openid read' });
        return { token: String(id_token), alg: 'RS256', audience: application.clientId };
      },
      reasons(/typ is not/),
    ],
    [
      '[RFC7515 §5.2] one with another scope',
      async () => {
        const [header, claims = '', signature] = (await tokenFor('ES256')).split('.');
        const said = Buffer.from(claims, 'base64url').toString().replace('"read"', '"write"');
        return { token: [header, Buffer.from(said).toString('base64url'), signature].join('.') };
      },
      reasons(/signature/i),
    ],
    [
      '[RFC7515 §5.2] one with the signature of another',
      async () => {
        const [header, claims] = (await tokenFor('ES256')).split('.');
        const [, , signature] = (await tokenFor('ES256')).split('.');
        return { token: [header, claims, signature].join('.') };
      },
      reasons(/signature/i),
    ],
    [
      '[RFC8725 §3.2] one without a signature',
      async () => {
        const [header = '', claims] = (await tokenFor('ES256')).split('.');
        const said = Buffer.from(header, 'base64url').toString().replace('ES256', 'none');
        return { token: `${Buffer.from(said).toString('base64url')}.${claims}.` };
      },
      reasons(/algorithm/i),
    ],
  ])('%s is refused', async (_rule, make, expected) => {
    const { token, alg = 'ES256', audience = apiOf('ES256') } = await make();
    const good = {
      token: await tokenFor('ES256'),
      audience: apiOf('ES256'),
      alg: 'ES256',
    } as const;
    const { answers, refusals } = await ask(op.provider, [
      ...LIBRARIES.map((library) => ({ ...good, library })),
      ...LIBRARIES.map((library) => ({ token, audience, alg, library })),
    ]);
    const { length } = LIBRARIES;
    expect(answers.slice(0, length), refusals).not.toContain(null);
    expect(answers.slice(length)).toEqual(LIBRARIES.map(() => null));
    const lines = refusals.trim().split('\n');
    expect(lines).toEqual(expected.map((reason) => expect.stringMatching(reason) as string));
  });
});
