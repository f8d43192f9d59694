/** How long things of one client live: as it is registered, else as the settings say. */
import { isPublic } from '../protocol/client-metadata-rules.ts';
import type { Client, Seconds } from '../store/records.ts';
import type { Context } from './context.ts';

/** Lifetimes in seconds, and whether its refresh tokens rotate. */
export interface ClientLifetimes {
  readonly code: Seconds;
  readonly accessToken: Seconds;
  readonly idToken: Seconds;
  readonly refreshTokenIdle: Seconds;
  readonly refreshTokenAbsolute: Seconds;
  readonly rotates: boolean;
}

/** What holds for a client. */
export function lifetimesOf(
  { settings: { lifetimes, refreshTokens } }: Pick<Context, 'settings'>,
  client: Client,
): ClientLifetimes {
  return {
    code: client.codeLifetime ?? lifetimes.code,
    accessToken: client.accessTokenLifetime ?? lifetimes.accessToken,
    idToken: client.idTokenLifetime ?? lifetimes.idToken,
    refreshTokenIdle: client.refreshTokenIdleLifetime ?? lifetimes.refreshTokenIdle,
    refreshTokenAbsolute: client.refreshTokenAbsoluteLifetime ?? lifetimes.refreshTokenAbsolute,
    // RFC 9700 §2.2.2: refresh tokens of public clients are rotated; the settings are about clients
    // that prove themselves.
    rotates: isPublic(client) || (client.rotateRefreshTokens ?? refreshTokens.rotation),
  };
}
