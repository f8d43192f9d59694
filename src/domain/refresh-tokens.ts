/**
 * Judges a presented refresh token. A family has one live token. Its immediate predecessor gets the
 * same answer again within the grace, as long as the successor was not used. Any older token is a
 * replay and ends the family (RFC 9700 §4.14.2).
 */
import { equalSecrets, keyFromToken, sha256 } from '../crypto/bytes.ts';
import { familyPart, type Random } from '../crypto/handles.ts';
import { openWith, sealWith } from '../crypto/vault.ts';
import type { Details, Family } from '../store/records.ts';
import type { FoundFamily } from '../store/store.ts';

/** The answer of a rotation; repeated unchanged within the grace. */
export interface Successor {
  /** The access token in clear. */
  readonly accessToken: string;
  /** The refresh token in clear. */
  readonly refreshToken: string;
  /** Scopes of the access token. */
  readonly scopes: readonly string[];
  /** Details of the access token. Absent in what an earlier version sealed. */
  readonly details?: Details;
  /** When the tokens were issued, in seconds. */
  readonly issuedAt: number;
  /** When the access token expires, in seconds. */
  readonly expiresAt: number;
  /** `jti` of the ID token, null when there was none. */
  readonly idTokenJti: string | null;
}

/** What a presented refresh token turned out to be. */
export type Presented =
  | { readonly is: 'live'; readonly family: Family }
  | {
      readonly is: 'repeated';
      readonly family: Family;
      readonly successor: Successor;
      /** The version that its client has now. */
      readonly clientVersion: number;
    }
  | { readonly is: 'replayed'; readonly family: Family }
  | {
      readonly is: 'dead';
      readonly because: 'revoked' | 'expired' | 'authorization_withdrawn' | 'client_disabled';
      readonly family: Family;
    };

/** Key of the family a refresh token belongs to; null when the text is no refresh token of ours. */
export function familyIdOf(refreshToken: string): string | null {
  const part = familyPart(refreshToken);
  return part === null ? null : sha256(part);
}

/**
 * Seals the successor under a key that only the predecessor yields: a copy of the database reveals
 * nothing.
 */
export function sealSuccessor(predecessor: string, successor: Successor, random: Random): string {
  return sealWith(keyFromToken(predecessor, 'successor'), JSON.stringify(successor), random);
}

/**
 * Judges a presented token of a family that was found. Expiry is judged here, at use.
 * @param grace seconds; 0 switches the repeat off
 */
export function judge(
  refreshToken: string,
  found: FoundFamily,
  grace: number,
  now: number,
): Presented {
  const { family } = found;
  const digest = sha256(refreshToken);
  if (family.revokedAt !== null) return { is: 'dead', because: 'revoked', family };
  if (!found.authorized) return { is: 'dead', because: 'authorization_withdrawn', family };
  if (found.clientVersion === null) return { is: 'dead', because: 'client_disabled', family };
  if (family.expiresAt <= now) return { is: 'dead', because: 'expired', family };
  if (family.refreshDigest !== null && equalSecrets(family.refreshDigest, digest)) {
    const expired = family.refreshExpiresAt === null || family.refreshExpiresAt <= now;
    return expired ? { is: 'dead', because: 'expired', family } : { is: 'live', family };
  }
  const successor = repeated(refreshToken, digest, family, grace, now);
  if (successor === null) return { is: 'replayed', family };
  return { is: 'repeated', family, successor, clientVersion: found.clientVersion };
}

function repeated(
  refreshToken: string,
  digest: string,
  family: Family,
  grace: number,
  now: number,
): Successor | null {
  // Without grace the clocks of two nodes must not matter, so the times are not compared.
  if (
    grace === 0 ||
    family.previousDigest === null ||
    family.sealedSuccessor === null ||
    family.rotatedAt === null
  )
    return null;
  if (!equalSecrets(family.previousDigest, digest) || family.rotatedAt + grace <= now) return null;
  const json = openWith(keyFromToken(refreshToken, 'successor'), family.sealedSuccessor);
  return json === null ? null : (JSON.parse(json) as Successor);
}
