/**
 * The contract of a parameter of token requests that holds for every grant (RFC 8707 `resource`):
 * what it adds to the access token, and what the token is worth then.
 */
import type { Params } from '../../protocol/params.ts';
import type { Client, Details, Entitlement } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** What a token parameter may look at. */
export interface TokenReading {
  /** The token request. */
  readonly params: Params;
  /** The client that asks, proven. */
  readonly client: Client;
  /** What the grant proved; null when the client acts for itself. */
  readonly entitlement: Entitlement | null;
}

/** A parameter of token requests. */
export interface TokenParameter {
  /** Its name. */
  readonly name: string;
  /**
   * Details of the access token that take the place of those of the entitlement.
   * @throws OAuthError
   */
  details(ctx: RequestContext, reading: TokenReading): Details;
  /** What introspection tells of a token with these details (RFC 7662 §2.2). */
  introspected(details: Details): Readonly<Record<string, unknown>>;
  /** False when a token with these details is for others, not for endpoints of this provider. */
  isForUs(ctx: RequestContext, details: Details): boolean;
}
