/**
 * The contract of a format of access tokens that says something by itself (RFC 9068). Without one a
 * token is a random text, which only this provider can read.
 */
import type { JwtClaims } from '../../crypto/jwt.ts';
import type { AccessTokenWriter, UnwrittenAccessToken } from '../../domain/access-tokens.ts';
import type { AccessTokenFormatName, ResourceDefinition } from '../../domain/resources.ts';
import type { Client, Entitlement } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** For whom a token is written. */
export interface TokenAudience {
  /** The client that gets it. */
  readonly client: Client;
  /** The APIs that it is for; empty: this provider. */
  readonly resources: readonly ResourceDefinition[];
  /**
   * What the token says, as introspection does.
   * @param login how the subject was signed in; null when the client acts for itself
   */
  claims(token: UnwrittenAccessToken, login: Entitlement | null): Promise<JwtClaims>;
}

/** A format of access tokens. */
export interface AccessTokenFormat {
  /** Its name, as clients and APIs are registered for it. */
  readonly name: Exclude<AccessTokenFormatName, 'opaque'>;
  /** True when tokens of this client have it where an API says nothing else. */
  isUsual(client: Client): boolean;
  /**
   * What writes the tokens.
   * @throws OAuthError when one token cannot be for all of these APIs
   */
  writer(ctx: RequestContext, audience: TokenAudience): Promise<AccessTokenWriter>;
}
