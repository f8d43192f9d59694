/** What tokens are bound to (`cnf`, RFC 7800 §3.1), in the details of their records. */
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
