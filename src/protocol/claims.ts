/**
 * The standard scopes, and the claims that they request (OIDC Core §5.1, §5.4). The values come
 * from the port `Accounts`.
 */

/** A standard scope. */
interface StandardScope {
  /** What people read about it on the consent page. */
  readonly description: string;
  /** The claims that it requests. */
  readonly claims: readonly string[];
}

/**
 * The scopes about a user that every provider has unless it takes them away (OIDC Core §5.4, §11).
 */
export const STANDARD_SCOPES: Readonly<Record<string, StandardScope>> = {
  openid: { description: 'Confirm who you are', claims: ['sub'] },
  profile: {
    description: 'See your name and profile details',
    claims: [
      'name',
      'family_name',
      'given_name',
      'middle_name',
      'nickname',
      'preferred_username',
      'profile',
      'picture',
      'website',
      'gender',
      'birthdate',
      'zoneinfo',
      'locale',
      'updated_at',
    ],
  },
  email: { description: 'See your email address', claims: ['email', 'email_verified'] },
  address: { description: 'See your postal address', claims: ['address'] },
  phone: {
    description: 'See your phone number',
    claims: ['phone_number', 'phone_number_verified'],
  },
  offline_access: { description: 'Stay connected while you are away', claims: [] },
};

/** The standard claims, by the scope that requests them (OIDC Core §5.4). */
export const SCOPE_CLAIMS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(STANDARD_SCOPES)
    .filter(([, { claims }]) => claims.length > 0)
    .map(([name, { claims }]) => [name, claims]),
);

/**
 * The claims that these scopes release, without `sub`. Blank and null values are left out, also
 * inside an address (OIDC Core §5.3.2).
 * @param values the claims of an account, by name
 * @param claimsByScope `SCOPE_CLAIMS`, extended by the configuration
 */
export function releasedClaims(
  values: Readonly<Record<string, unknown>>,
  scopes: readonly string[],
  claimsByScope: Readonly<Record<string, readonly string[]>>,
): Record<string, unknown> {
  const released: Record<string, unknown> = {};
  for (const scope of scopes) {
    if (!Object.hasOwn(claimsByScope, scope)) continue;
    for (const name of claimsByScope[scope] ?? []) {
      if (name === 'sub' || !Object.hasOwn(values, name)) continue;
      const value = withoutBlanks(values[name]);
      // OIDC Core §5.3.2: a claim that is not returned is omitted, not null or empty.
      if (value !== undefined) released[name] = value;
    }
  }
  return released;
}

/** The value without blank members; undefined if nothing is left. */
function withoutBlanks(value: unknown): unknown {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return value ?? undefined;
  const kept = Object.entries(value).filter(([, member]) => withoutBlanks(member) !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
