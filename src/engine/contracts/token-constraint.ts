/**
 * The contract of what binds tokens to a key of their client (RFC 9449, RFC 8705): a stolen token
 * is of no use without that key. The pipeline that holds tokens to it is `sender-constraint.ts`.
 */
import type { Params } from '../../protocol/params.ts';
import type { Client } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** A token that is presented at an endpoint of this provider. */
export interface PresentedToken {
  /** The token. */
  readonly text: string;
  /** The scheme of the Authorization header, in lower case. */
  readonly scheme: string;
}

/** A way to bind tokens. */
export interface TokenConstraint {
  /** Its name. */
  readonly name: string;
  /** Member of `cnf` that says what a token is bound to (RFC 7800 §3.1). */
  readonly confirmation: string;
  /** How a bound token is presented: its `token_type`, and the scheme of the header. */
  readonly tokenType: 'Bearer' | 'DPoP';
  /** What a client is told that presents a token without its proof (`WWW-Authenticate`). */
  readonly challenge?: string;
  /**
   * What new tokens are bound to, by what a request of this client proves; null when it proves
   * nothing.
   * It writes nothing.
   * @param endpoint name of the endpoint that is asked
   * @throws OAuthError when the proof is not good, or the client has to bring one
   */
  bind(ctx: RequestContext, client: Client, endpoint: string): Promise<string | null>;
  /** True for a client whose tokens are always bound. @default for none */
  isRequired?(client: Client): boolean;
  /**
   * Uses up the proof of which `bind` spoke, so that no other request has it. Called before tokens
   * are issued, several times if the request is judged again.
   * @throws OAuthError when another request used it
   */
  use?(ctx: RequestContext): Promise<void>;
  /**
   * Parameters that the request adds to a pushed authorization request.
   * @param params of the request: those inside a request object, where it has one
   * @throws OAuthError
   */
  pushed?(
    ctx: RequestContext,
    client: Client,
    params: Params,
  ): Promise<Readonly<Record<string, string>>>;
  /**
   * Checks that a request proves what a token is bound to.
   * @param value what the token is bound to
   * @param endpoint name of the endpoint that is asked
   * @throws OAuthError
   */
  prove(ctx: RequestContext, token: PresentedToken, value: string, endpoint: string): Promise<void>;
}
