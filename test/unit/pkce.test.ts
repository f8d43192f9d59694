/** Proof Key for Code Exchange, as tables: what is a challenge, and what is a verifier. */
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/crypto/bytes.ts';
import { isVerifier, readChallenge } from '../../src/features/authorization-code/pkce.ts';
import { OAuthError } from '../../src/protocol/errors.ts';

const UNRESERVED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~';
const LETTERS = UNRESERVED.slice(0, 43);
const LAST = LETTERS.slice(0, 42);
const CHALLENGE = sha256(LETTERS);

/** The challenge; or the reason of the refusal. */
function read(challenge: string | undefined, method: string | undefined): string | null {
  try {
    return readChallenge(challenge, method);
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    expect([error.code, error.redirectable]).toEqual(['invalid_request', true]);
    return error.reason;
  }
}

describe('a challenge', () => {
  it.each<[method: string | undefined, what: string]>([
    [undefined, 'absent, which means plain'],
    ['plain', 'plain'],
    ['s256', 'in lower case'],
    ['S256 ', 'with a space'],
    [' S256', 'with a space before'],
    ['S256\n', 'with a line end'],
    ['S512', 'unknown'],
    ['S2566', 'longer'],
    ['', 'empty'],
    ['S256 plain', 'two of them'],
  ])('[RFC7636 §4.3] has another method than S256: %j, %s', (method) => {
    expect(read(CHALLENGE, method)).toBe('code_challenge_method');
    expect(read('malformed', method)).toBe('code_challenge_method');
  });

  it.each(['S256', 'plain', 'x', ''])(
    '[RFC7636 §4.3] is not there, but its method is: %j',
    (method) => expect(read(undefined, method)).toBe('code_challenge_missing'),
  );

  it.each([
    ['empty', ''],
    ['42 characters', LETTERS.slice(0, 42)],
    ['44 characters', `${LETTERS}x`],
    ['with padding', `${LETTERS}=`],
    ['43 characters with padding', `${LAST}=`],
    ['Base64, +', `${LAST}+`],
    ['Base64, /', `${LAST}/`],
    ['a dot', `${LAST}.`],
    ['a tilde', `${LAST}~`],
    ['a space', `${LAST} `],
    ['a space before', ` ${LAST}`],
    ['a line end', `${LAST}\n`],
    ['a line end beyond', `${LETTERS}\n`],
    ['a line end before', `\n${LETTERS}`],
    ['another letter', `${LAST}é`],
    ['in hexadecimal', '0'.repeat(64)],
  ])('[RFC7636 §4.2] is malformed: %s', (_, challenge) => {
    expect(read(challenge, 'S256')).toBe('code_challenge_malformed');
  });

  it.each([
    CHALLENGE,
    LETTERS,
    '-'.repeat(43),
    '_'.repeat(43),
    '0123456789'.repeat(5).slice(0, 43),
  ])('[RFC7636 §4.2] is read as it is: %s', (challenge) =>
    expect(read(challenge, 'S256')).toBe(challenge),
  );

  it('may be absent together with its method', () => expect(read(undefined, undefined)).toBeNull());
});

describe('a verifier', () => {
  it.each([
    ['empty', ''],
    ['42 characters', LETTERS.slice(0, 42)],
    ['129 characters', 'a'.repeat(129)],
    ['very long', 'a'.repeat(100_000)],
    ['43 bytes in fewer characters', `${'é'.repeat(21)}a`],
    ['a line end', `${LAST}\n`],
    ['a line end beyond', `${LETTERS}\n`],
    ['a line end before', `\n${LETTERS}`],
    ...[...` +/=%!*'(),:;@&$?#[]\\"<>^\`{|}é\0\u007f`].map((odd) => [
      `the character U+${odd.charCodeAt(0).toString(16)}`,
      LAST + odd,
    ]),
  ])('[RFC7636 §4.1] is refused: %s', (_, verifier) =>
    expect(isVerifier(verifier ?? '')).toBe(false),
  );

  it.each([
    ['43 characters', LETTERS],
    ['44 characters', UNRESERVED.slice(0, 44)],
    ['every character there is', UNRESERVED],
    ['128 characters', (UNRESERVED + UNRESERVED).slice(0, 128)],
    ...[...UNRESERVED].map((one) => [`43 times ${one}`, one.repeat(43)]),
  ])('[RFC7636 §4.1] is well-formed: %s', (_, verifier) =>
    expect(isVerifier(verifier ?? '')).toBe(true),
  );
});
