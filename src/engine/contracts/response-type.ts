/**
 * The contract of response types: each is made of artifacts (code, token, id_token), and a
 * response mode sends them (OAuth 2.0 Multiple Response Types §2).
 */
import type { AccessTokenBounds } from '../../domain/access-tokens.ts';
import type { Account } from '../../domain/accounts.ts';
import type { Interaction } from '../../domain/interactions.ts';
import type { AuthorizationRequest, Destination } from '../../protocol/authorization-request.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Authorization, Client, Details, OneTimeKey, Session } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** What artifacts are made from: a request that a person allowed. */
export interface AuthorizedRequest {
  /** The client that asked. */
  readonly client: Client;
  /** What it asked for. */
  readonly request: AuthorizationRequest;
  /** Where the response goes. */
  readonly destination: Destination;
  /** The redirect_uri parameter as sent; null when the only registered one was used instead. */
  readonly sentRedirectUri: string | null;
  /** The session of the person who allowed it. */
  readonly session: Session;
  /** The interaction that led here; null when no page was shown. */
  readonly interaction: Interaction | null;
  /** The account of that person. */
  readonly account: Account;
  /** Names of all artifacts of the response, in the order in which they are made. */
  readonly artifacts: readonly string[];
  /** What of the request travels with a code to the tokens. */
  readonly details: Details;
  /**
   * The one-time record that dies with the request; null when this artifact does not consume it.
   */
  readonly consumes: OneTimeKey | null;
  /** What holds for an access token that the response carries. @throws OAuthError */
  readonly accessToken: () => Promise<AccessTokenBounds>;
}

/** What is known of the tokens of a request before any is made. */
export interface TokensOfRequest {
  /** True when they are bound to a key of the client. */
  readonly isBound: boolean;
  /** What holds for an access token. @throws OAuthError */
  readonly accessToken: () => Promise<AccessTokenBounds>;
}

/** Parameters of an authorization response. */
export type ResponseParameters = Readonly<Record<string, string>>;

/** An artifact that was made. */
export interface MadeArtifact {
  /** `repeated`: another request of the same interaction made it a moment before. */
  readonly outcome: 'made' | 'repeated';
  /** Parameters of the response. */
  readonly parameters: ResponseParameters;
}

/** The session ended while the answer was made. */
export interface SessionEnded {
  /** Says that the session ended. */
  readonly outcome: 'session_ended';
}

/** Another answer consumed the request. */
export interface RequestConsumed {
  /** Says that the request was consumed. */
  readonly outcome: 'consumed';
}

/** The client has changed since the request was judged. */
export interface ClientChanged {
  /** Says that the client changed. */
  readonly outcome: 'client_changed';
}

/** The result of making an artifact. */
export type ArtifactOutcome = MadeArtifact | SessionEnded | RequestConsumed | ClientChanged;

/** One part of an authorization response. */
export interface Artifact {
  /** Its word in `response_type`. */
  readonly name: string;
  /**
   * It consumes `AuthorizedRequest.consumes` in the act that stores it. The engine consumes the
   * record where no artifact of the response does.
   * @default false
   */
  readonly consumesRequest?: boolean;
  /**
   * What it asks of a request, once all parameters are read.
   * @throws OAuthError to be sent to the destination
   */
  check?(request: AuthorizationRequest, tokens: TokensOfRequest): void | Promise<void>;
  /**
   * Called before anything of the response is stored.
   * @throws what `make` would throw, such as for a key that is missing
   */
  ready?(ctx: RequestContext, client: Client): Promise<void>;
  /**
   * What an earlier answer to the same interaction made already; null when there was none. Asked
   * before anything is remembered.
   * @param made what it made of the artifacts before this one
   * @throws OAuthError for a page when the earlier answer is over
   */
  earlier?(
    ctx: RequestContext,
    authorized: AuthorizedRequest,
    made: ResponseParameters,
  ): Promise<ResponseParameters | null>;
  /**
   * Makes it, and stores what belongs to it.
   * @param made the parameters of the artifacts before it, in the order of the response type
   */
  make(
    ctx: RequestContext,
    authorized: AuthorizedRequest & { readonly authorization: Authorization },
    made: ResponseParameters,
  ): Promise<ArtifactOutcome>;
}

/** A value of `response_type`. */
export interface ResponseType {
  /** The value, its words in alphabetical order. */
  readonly name: string;
  /** Names of its artifacts, in the order in which they are made. */
  readonly artifacts: readonly string[];
  /** Grant types that a client needs for it (OIDC Registration §2). @default none */
  readonly grantTypes?: readonly string[];
}

/** What a feature adds to every successful response. */
export interface ResponseAddition {
  /** Its name. */
  readonly name: string;
  /** Parameters of the response, and cookies beside it, as values of `Set-Cookie`. */
  add(
    ctx: RequestContext,
    authorized: Pick<AuthorizedRequest, 'client' | 'request' | 'destination' | 'session'>,
  ): { readonly parameters: ResponseParameters; readonly cookies: readonly string[] };
}

/** How a response is sent. */
export interface ResponseMode {
  /** Its name in `response_mode`. */
  readonly name: string;
  /** Whether tokens may be sent this way (OAuth Multiple Response Types §5). */
  readonly carriesTokens: boolean;
  /**
   * Makes the response that carries the parameters. Absent where another mode does it.
   * @param destination where it goes, and the response mode
   */
  send?(
    ctx: RequestContext,
    destination: Destination,
    parameters: ResponseParameters,
  ): Response | Promise<Response>;
  /** Makes other parameters of them, which another mode sends. */
  readonly wraps?: WrappingMode;
  /**
   * The mode that this name is short for (JARM §2.3.4).
   * @param tokens whether the response type brings tokens
   */
  shortFor?(tokens: boolean): string;
}

/** What makes other parameters of those of a response. */
export interface WrappingMode {
  /** Name of the mode that sends them; without it this mode is not offered. */
  readonly mode: string;
  /**
   * Called before anything of the response is stored.
   * @throws what `parameters` would throw, such as for a key that is missing
   */
  ready(ctx: RequestContext, client: Client): Promise<void>;
  /** Makes the parameters. */
  parameters(
    ctx: RequestContext,
    client: Client,
    parameters: ResponseParameters,
  ): Promise<ResponseParameters>;
}

/** The refusal of an interaction whose answer is over, as a page. */
export function interactionFinished(): OAuthError {
  return new OAuthError(
    'invalid_request',
    'interaction_finished',
    'This sign-in is finished. Go on in the application, or start again from there.',
    { redirectable: false },
  );
}
