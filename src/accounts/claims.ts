/**
 * The types of the standard claims (OIDC Core §5.1). They are checked when an account is stored, so
 * that userinfo never returns a claim of the wrong type. Which scope releases a claim is left to
 * the core.
 */
import * as v from 'valibot';

const words = v.pipe(v.string(), v.minLength(1), v.maxLength(2000));
const address = v.pipe(
  v.unknown(),
  v.check((value) => !Array.isArray(value), 'address must be an object, not a list'),
  v.object({
    formatted: v.optional(words),
    street_address: v.optional(words),
    locality: v.optional(words),
    region: v.optional(words),
    postal_code: v.optional(words),
    country: v.optional(words),
  }),
);

/** Each standard claim with its type. */
const KINDS = {
  name: words,
  given_name: words,
  family_name: words,
  middle_name: words,
  nickname: words,
  preferred_username: words,
  profile: v.pipe(v.string(), v.url()),
  picture: v.pipe(v.string(), v.url()),
  website: v.pipe(v.string(), v.url()),
  gender: words,
  birthdate: v.pipe(
    v.string(),
    v.regex(
      /^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4})$/,
      'birthdate must be YYYY-MM-DD, 0000-MM-DD or YYYY',
    ),
  ),
  zoneinfo: words,
  locale: words,
  email: v.pipe(v.string(), v.maxLength(254), v.rfcEmail()),
  email_verified: v.boolean(),
  phone_number: words,
  phone_number_verified: v.boolean(),
  address: address,
} as const;

/**
 * The standard claims that an account may set. `sub` and `updated_at` are missing: they come from
 * the account itself.
 */
export const STANDARD_CLAIMS: readonly string[] = Object.keys(KINDS);

const schema = v.looseObject(v.entriesFromObjects([v.partial(v.object(KINDS))]));

/** The e-mail address by which somebody can sign in, in lower case; null without a verified one. */
export function verifiedEmail(claims: Readonly<Record<string, unknown>>): string | null {
  const { email, email_verified: isVerified } = claims;
  return typeof email === 'string' && isVerified === true ? email.toLowerCase() : null;
}

/**
 * One sentence about the first wrong claim; null if all are right. Claims that are not standard
 * belong to the host and may have any type.
 */
export function checkClaims(claims: Readonly<Record<string, unknown>>): string | null {
  if ('sub' in claims)
    return 'The claim sub cannot be set: it is the subject identifier of the account.';
  const result = v.safeParse(schema, claims);
  if (result.success) return null;
  const [issue] = result.issues;
  return `The claim ${v.getDotPath(issue) ?? ''}: ${issue.message}.`;
}
