/**
 * Scope values: their syntax, and the comparison of sets of scopes. Which scopes exist, and which
 * client may request them, is left to `domain`.
 */
import { OAuthError } from './errors.ts';

// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ).
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const MOST_SCOPES = 100;

/** True if the text is one well-formed scope-token (RFC 6749 §3.3). */
export function isScopeToken(text: string): boolean {
  return SCOPE_TOKEN.test(text);
}

/**
 * The scopes of a `scope` parameter, in order, without repetitions.
 * @throws OAuthError `invalid_scope` on characters that RFC 6749 §3.3 does not allow, or on more
 * than 100 scopes
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

/** The form of a `scope` parameter: scopes separated by spaces. */
export function formatScope(scopes: readonly string[]): string {
  return scopes.join(' ');
}

/** True if `held` contains every scope of `wanted`. */
export function covers(held: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((scope) => held.includes(scope));
}

/** True if the name of a scope says that applications may write: `photos.write`, `api:write`. */
export function isWriting(name: string): boolean {
  return /write$/i.test(name);
}
