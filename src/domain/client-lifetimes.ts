/**
 * How long things of one client live, and whether its refresh tokens rotate: as it is registered,
 * else as the settings say.
 */
import { isPublic } from '../protocol/client-metadata-rules.ts';
import type { Client, Family, Seconds } from '../store/records.ts';
import { confirmationIn } from './confirmations.ts';
import type { Context } from './context.ts';

/** Lifetimes in seconds. Those of refresh tokens may be without end. */
export interface ClientLifetimes {
  readonly code: Seconds;
  readonly accessToken: Seconds;
  readonly idToken: Seconds;
  readonly refreshTokenIdle: Seconds;
  readonly refreshTokenAbsolute: Seconds;
}

/** Lives for ever. */
const WITHOUT_END = Number.POSITIVE_INFINITY;

/** What holds for a client. */
export function lifetimesOf(
  { settings: { lifetimes } }: Pick<Context, 'settings'>,
  client: Client,
): ClientLifetimes {
  const { refreshTokenIdle, refreshTokenAbsolute } = lifetimes;
  return {
    code: client.codeLifetime ?? lifetimes.code,
    accessToken: client.accessTokenLifetime ?? lifetimes.accessToken,
    idToken: client.idTokenLifetime ?? lifetimes.idToken,
    refreshTokenIdle: client.refreshTokenIdleLifetime ?? refreshTokenIdle ?? WITHOUT_END,
    refreshTokenAbsolute:
      client.refreshTokenAbsoluteLifetime ?? refreshTokenAbsolute ?? WITHOUT_END,
  };
}

/** True when a refresh token of this family is replaced at its use. */
export function rotates(
  { settings: { refreshTokens } }: Pick<Context, 'settings'>,
  client: Client,
  { details }: Pick<Family, 'details'>,
): boolean {
  const isBound = Object.keys(confirmationIn(details)).length > 0;
  // RFC 9700 §2.2.2: refresh tokens of public clients are bound to a key, or they are rotated.
  if (isPublic(client) && !isBound) return true;
  return client.rotateRefreshTokens ?? refreshTokens.rotation;
}
