/**
 * Scope values: syntax and set arithmetic. Which scopes exist, and for whom, is decided in
 * `domain`.
 */
import { OAuthError } from './errors.ts';

// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ).
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const MOST_SCOPES = 100;

/** True for a well-formed scope-token (RFC 6749 §3.3). */
export function isScopeToken(text: string): boolean {
  return SCOPE_TOKEN.test(text);
}

/**
 * Splits a `scope` parameter, in order, without repetitions.
 * @throws OAuthError `invalid_scope` on characters outside RFC 6749 §3.3 or more than 100 names
 */
export function parseScope(text: string): readonly string[] {
  const names = [...new Set(text.split(' ').filter((name) => name !== ''))];
  if (names.length > MOST_SCOPES) {
    throw new OAuthError('invalid_scope', 'too_many_scopes', 'The scope names too many values.');
  }
  if (!names.every(isScopeToken)) {
    throw new OAuthError(
      'invalid_scope',
      'malformed_scope',
      'The scope contains a character that is not allowed.',
    );
  }
  return names;
}

/** The wire form. */
export function formatScope(scopes: readonly string[]): string {
  return scopes.join(' ');
}

/** True when every one of `wanted` is among `held`. */
export function covers(held: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((scope) => held.includes(scope));
}
