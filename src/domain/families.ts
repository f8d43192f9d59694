/** Families: all tokens that descend from one redemption, and how long they live. */
import { sha256 } from '../crypto/bytes.ts';
import type { Client, Entitlement, Family } from '../store/records.ts';
import { lifetimesOf } from './client-lifetimes.ts';
import type { Context } from './context.ts';

/** The end of what lives for ever: the year 9999, the last one that every database knows. */
export const END_OF_TIME = 253_402_300_799;

/** A family that begins. It ends with its access token where it has no refresh token. */
export function newFamily(
  ctx: Context,
  client: Client,
  facts: Entitlement,
  part: string,
  refreshToken: string | null,
): Family {
  const lifetimes = lifetimesOf(ctx, client);
  const { clientId, sub, authorizationId, sid, scopes, authTime, amr, acr, details } = facts;
  const now = ctx.now();
  const lifetime = refreshToken === null ? lifetimes.accessToken : lifetimes.refreshTokenAbsolute;
  const expiresAt = Math.min(now + lifetime, END_OF_TIME);
  return {
    clientId,
    sub,
    authorizationId,
    sid,
    scopes,
    authTime,
    amr,
    acr,
    details,
    id: sha256(part),
    createdAt: now,
    refreshDigest: refreshToken === null ? null : sha256(refreshToken),
    refreshExpiresAt: refreshToken === null ? null : idleEnd(ctx, client, expiresAt),
    previousDigest: null,
    sealedSuccessor: null,
    rotatedAt: null,
    expiresAt,
    revokedAt: null,
  };
}

/** The end of a refresh token that is not used, never after that of its family. */
export function idleEnd(ctx: Context, client: Client, absolute: number): number {
  return Math.min(ctx.now() + lifetimesOf(ctx, client).refreshTokenIdle, absolute);
}
