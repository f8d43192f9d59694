/**
 * The test vectors of C2SP Wycheproof for signatures and keys (test/data/wycheproof): what is
 * invalid verifies with no key that a client may register. Rules JW.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { JwtError, verifyJws } from '../../src/crypto/jwt.ts';
import { importPublicKey } from '../../src/crypto/public-keys.ts';
import { fittingKeys, keysIn } from '../../src/protocol/key-sets.ts';

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly jws: unknown;
  readonly result: 'valid' | 'invalid';
}

type Jwk = Readonly<Record<string, unknown>>;

interface Group {
  readonly public?: Jwk;
  readonly private?: Jwk;
  readonly tests: readonly Vector[];
}

const groupsOf = (name: string): readonly Group[] =>
  (
    JSON.parse(
      readFileSync(new URL(`../data/wycheproof/${name}.json`, import.meta.url), 'utf8'),
    ) as { testGroups: readonly Group[] }
  ).testGroups;

/** True when a client that registered these keys would have proven itself. */
async function verifies(jws: unknown, set: unknown): Promise<boolean> {
  if (typeof jws !== 'string') return false;
  try {
    const [head = ''] = jws.split('.');
    const { alg, kid } = JSON.parse(Buffer.from(head, 'base64url').toString()) as {
      alg: string;
      kid?: string;
    };
    for (const jwk of fittingKeys(keysIn(set) ?? [], alg, kid)) {
      const key = importPublicKey(jwk);
      if (key === null) continue;
      await verifyJws(jws, { alg, key });
      return true;
    }
    return false;
  } catch (error) {
    if (error instanceof JwtError || error instanceof SyntaxError) return false;
    throw error;
  }
}

/** The same for a client that proves itself by its secret. */
async function verifiesByHmac(jws: unknown, secret: string): Promise<boolean> {
  if (typeof jws !== 'string') return false;
  try {
    await verifyJws(jws, { alg: 'HS256', key: Buffer.from(secret, 'base64url') });
    return true;
  } catch (error) {
    if (error instanceof JwtError) return false;
    throw error;
  }
}

/** Called invalid for a padding that they do not have: their text is that of a valid one. */
const ALSO_VALID = [367, 370];

describe.each([
  ['json_web_signature_test', 34],
  ['json_web_key_test', 1],
])('%s', (name, expected) => {
  it('JW-02 JW-11 JW-12 no vector that is invalid verifies', async () => {
    const accepted: string[] = [];
    let good = 0;
    for (const group of groupsOf(name)) {
      const set =
        group.public === undefined
          ? (group.private ?? {})
          : 'keys' in group.public
            ? group.public
            : { keys: [group.public] };
      const secret = group.private?.['k'];
      for (const { tcId, comment, jws, result } of group.tests) {
        const isAccepted =
          typeof secret === 'string' && group.private?.['alg'] === 'HS256'
            ? secret.length >= 43 && (await verifiesByHmac(jws, secret))
            : await verifies(jws, set);
        if (isAccepted && result === 'invalid' && !ALSO_VALID.includes(tcId))
          accepted.push(`${tcId} ${comment}`);
        if (result === 'valid' && isAccepted) good += 1;
      }
    }
    expect(accepted).toEqual([]);
    // The others use what is not offered here: HS384, HS512, key sets of secrets.
    expect(good).toBe(expected);
  });
});
