/**
 * The contract of a parameter of token requests that holds for every grant (RFC 8707 `resource`,
 * RFC 9396 `authorization_details`): what it adds to the access token, and what the token is worth
 * then.
 */
import type { ConsentItem } from '../../protocol/authorization-request.ts';
import type { Params } from '../../protocol/params.ts';
import type { Client, Details, Entitlement } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** What a token parameter may look at. */
export interface TokenReading {
  /** The token request. */
  readonly params: Params;
  /** The client that asks, proven. */
  readonly client: Client;
  /** What the grant proved; null when the client acts for itself, or a device begins to ask. */
  readonly entitlement: Entitlement | null;
  /** Whether somebody allows it, has allowed it, or the client acts for itself. */
  readonly acting: 'for-user' | 'for-client';
}

/** A parameter of token requests. */
export interface TokenParameter {
  /** Its name. */
  readonly name: string;
  /**
   * Details of the access token that take the place of those of the entitlement.
   * @default none
   * @throws OAuthError
   */
  details?(ctx: RequestContext, reading: TokenReading): Details | Promise<Details>;
  /**
   * What a token with these details says, as a JWT and at introspection (RFC 7662 §2.2).
   * @param subjectOf the `sub` by which the client of the token knows a subject (OIDC Core §8)
   * @default nothing
   */
  claims?(details: Details, subjectOf: (sub: string) => string): Readonly<Record<string, unknown>>;
  /**
   * What people have to allow for these details, where a device asks for them; every time.
   * @default nothing
   */
  consentItems?(
    ctx: RequestContext,
    client: Client,
    details: Details,
  ): readonly ConsentItem[] | Promise<readonly ConsentItem[]>;
  /** What the token response says beside RFC 6749 §5.1. @default nothing */
  response?(details: Details): Readonly<Record<string, unknown>>;
}
