/**
 * What no JWT gets away with, whoever made it: shape before parsing, one spelling, no repeated
 * members, pinned algorithm and type. Rows JW.
 */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkTimes, JwtError, peekJwt, signJwt, verifyJwt } from '../../src/crypto/jwt.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signing = privateKey;
const verifying = { alg: 'ES256', key: publicKey };
const encode = (text: string): string => Buffer.from(text).toString('base64url');
const good = await signJwt({ alg: 'ES256', typ: 'JWT' }, { sub: 'a' }, signing);
const [head = '', payload = '', signature = ''] = good.split('.');
const problemOf = async (jwt: string, types = ['jwt', '']): Promise<string> => {
  try {
    await verifyJwt(jwt, verifying, types);
    return 'accepted';
  } catch (error) {
    return error instanceof JwtError ? error.problem : `crashed: ${String(error)}`;
  }
};

describe('verifyJwt', () => {
  it('accepts what it should', async () => expect(await problemOf(good)).toBe('accepted'));
  it.each<[string, string, string]>([
    ['[RFC8725 §3.11] no text', '', 'malformed'],
    ['[RFC7515 §2] JW-06 two segments', `${head}.${payload}`, 'malformed'],
    ['[RFC7515 §2] JW-06 four segments', `${good}.x`, 'malformed'],
    ['[RFC7515 §2] JW-06 padding', `${head}=.${payload}.${signature}`, 'malformed'],
    ['[RFC7515 §2] JW-06 white space', `${head} .${payload}.${signature}`, 'malformed'],
    [
      '[RFC7515 §2] JW-06 another spelling of the last bits',
      `${encode('{"alg":"ES256" }').replace(/.$/, 'R')}.${payload}.${signature}`,
      'malformed',
    ],
    [
      '[RFC7515 §2] JW-06 another spelling of the last bits of the signature',
      good.replace(/.$/, (last) => ({ A: 'B', Q: 'R', g: 'h', w: 'x' })[last] ?? '!'),
      'malformed',
    ],
    ['[RFC7515 §2] JW-06 JSON serialization', `{"payload":"${payload}"}`, 'malformed'],
    [
      '[RFC7515 §4] JW-14 a repeated header parameter',
      `${encode('{"alg":"ES256","alg":"none"}')}.${payload}.${signature}`,
      'malformed',
    ],
    [
      '[RFC7515 §4] JW-14 a repeated claim, deep inside',
      `${head}.${encode('{"a":{"b":1,"b":2}}')}.${signature}`,
      'malformed',
    ],
    [
      '[RFC7515 §4.1.11] JW-04 a critical extension',
      `${encode('{"alg":"ES256","crit":["bork"]}')}.${payload}.${signature}`,
      'malformed',
    ],
    [
      '[RFC7515 §4.1.11] JW-04 b64',
      `${encode('{"alg":"ES256","b64":false}')}.${payload}.${signature}`,
      'malformed',
    ],
    ['JW-05 an array as payload', `${head}.${encode('[1]')}.${signature}`, 'malformed'],
    ['JW-05 a payload that is no JSON', `${head}.${encode('foo')}.${signature}`, 'malformed'],
    ['JW-01 no algorithm', `${encode('{}')}.${payload}.${signature}`, 'malformed'],
    [
      'JW-13 a kid that is an object',
      `${encode('{"alg":"ES256","kid":{}}')}.${payload}.${signature}`,
      'malformed',
    ],
    [
      'JW-13 a kid of 1 KB',
      `${encode(`{"alg":"ES256","kid":"${'k'.repeat(1024)}"}`)}.${payload}.${signature}`,
      'malformed',
    ],
    ['JW-07 100,000 dots', '.'.repeat(100_000), 'malformed'],
    ['JW-07 a header of 1 MB', `${'A'.repeat(1_000_000)}.${payload}.${signature}`, 'malformed'],
    [
      '[RFC8725 §3.1] JW-01 none',
      `${encode('{"alg":"none"}')}.${payload}.${signature}`,
      'algorithm',
    ],
    [
      '[RFC8725 §3.1] JW-02 HS256',
      `${encode('{"alg":"HS256"}')}.${payload}.${signature}`,
      'algorithm',
    ],
    [
      '[RFC8725 §3.1] JW-02 ES384',
      `${encode('{"alg":"ES384"}')}.${payload}.${signature}`,
      'algorithm',
    ],
    [
      'JW-03 key material in the header is not used',
      `${encode(`{"alg":"ES256","jwk":${JSON.stringify(publicKey.export({ format: 'jwk' }))}}`)}.${payload}.${signature}`,
      'signature',
    ],
    [
      'JW-12 r and s of zero',
      `${head}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
      'signature',
    ],
    ['another payload', `${head}.${encode('{"sub":"b"}')}.${signature}`, 'signature'],
  ])('%s', async (_name, jwt, problem) => expect(await problemOf(jwt)).toBe(problem));
  it('[RFC8725 §3.11] JW-10 kinds of JWT exclude one another', async () => {
    for (const typ of [
      'at+jwt',
      'dpop+jwt',
      'logout+jwt',
      'oauth-authz-req+jwt',
      'token-introspection+jwt',
      'client-authentication+jwt',
    ]) {
      expect(await problemOf(await signJwt({ alg: 'ES256', typ }, { sub: 'a' }, signing))).toBe(
        'type',
      );
    }
  });
  it('JW-13 a kid is only text', () => {
    for (const kid of ['../../etc/passwd', "' OR 1=1", '__proto__'])
      expect(
        peekJwt(`${encode(JSON.stringify({ alg: 'ES256', kid }))}.${payload}.${signature}`).header
          .kid,
      ).toBe(kid);
  });
});

describe('checkTimes', () => {
  const now = 1000;
  it.each<[object, string]>([
    [{}, 'claim'],
    [{ exp: '9' }, 'claim'],
    [{ exp: null }, 'claim'],
    [{ exp: Number.POSITIVE_INFINITY }, 'claim'],
    [{ exp: 2000, iat: 'x' }, 'claim'],
    [{ exp: 940 }, 'expired'],
    [{ exp: 941 }, 'fine'],
    [{ exp: 2000, nbf: 1061 }, 'not_yet_valid'],
    [{ exp: 2000, nbf: 1060 }, 'fine'],
    [{ exp: 2000, iat: 1061 }, 'not_yet_valid'],
  ])('[RFC7519 §4.1.4] [RFC7519 §4.1.5] JW-05 JW-17 %o is %s', (claims, outcome) => {
    const check = (): string => {
      try {
        checkTimes(claims as Record<string, unknown>, { now, skew: 60 });
        return 'fine';
      } catch (error) {
        return (error as JwtError).problem;
      }
    };
    expect(check()).toBe(outcome);
  });
});
