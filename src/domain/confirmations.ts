/** What tokens are bound to (`cnf`, RFC 7800 §3.1), in the details of their records. */
import { OAuthError } from '../protocol/errors.ts';
import type { Details } from '../store/records.ts';

/** Members of `cnf`, each by the name of its specification: `jkt`, `x5t#S256`. */
export type Confirmation = Readonly<Record<string, string>>;

const MEMBER = 'cnf';

/** What a record is bound to; empty when it is not. */
export function confirmationIn(details: Details): Confirmation {
  return (details[MEMBER] as Confirmation | undefined) ?? {};
}

/** The details, bound to this and to nothing else. */
export function withConfirmation(details: Details, confirmation: Confirmation): Details {
  const { [MEMBER]: _, ...rest } = details;
  return Object.keys(confirmation).length === 0 ? rest : { ...rest, [MEMBER]: confirmation };
}

/** The type of a token that is bound to this. */
export function tokenTypeOf(confirmation: Confirmation): 'Bearer' | 'DPoP' {
  return 'jkt' in confirmation ? 'DPoP' : 'Bearer';
}

/**
 * What a grant proves may be bound: a code by `dpop_jkt`, the refresh tokens of a public client. A
 * grant that punishes abuse asks first: without the key a stolen token punishes nobody.
 * @throws OAuthError `invalid_grant` when the request does not prove the same
 */
export function requireSame(details: Details, proven: Confirmation): void {
  for (const [member, value] of Object.entries(confirmationIn(details))) {
    if (proven[member] === value) continue;
    throw new OAuthError(
      'invalid_grant',
      'sender_constraint_mismatch',
      'The grant is bound to another key, or the proof is missing.',
      {
        hint: {
          expected: `a proof of the key that the grant is bound to (${member})`,
          received: member in proven ? 'a proof of another key' : 'no proof',
        },
      },
    );
  }
}

/**
 * A repeated request gets the answer to the first one, and so it asks for the same.
 * @throws OAuthError `invalid_grant` when it asks for a token with other details
 */
export function requireSameDetails(answered: Details, asked: Details): void {
  const [before, now] = [answered, asked].map((one) => withConfirmation(one, {}));
  if (JSON.stringify(before) === JSON.stringify(now)) return;
  throw new OAuthError(
    'invalid_grant',
    'repeated_for_another',
    'The refresh token was used for another token.',
  );
}
