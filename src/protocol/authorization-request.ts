/** An authorization request that passed every check, frozen. How it is checked: `endpoints/authorize-request.ts`. */
import type { Prompt, ResponseMode, ResponseType } from './names.ts';

/** Where an answer goes, known once client and redirect URI are proven. */
export interface Destination {
  readonly redirectUri: string;
  readonly responseMode: ResponseMode;
  readonly state: string | null;
}

export interface AuthorizationRequest {
  readonly clientId: string;
  readonly destination: Destination;
  /** The redirect_uri parameter as sent; null when the only registered one was used instead. */
  readonly sentRedirectUri: string | null;
  readonly responseType: ResponseType;
  /** What the client may get of what it asked for, in the order asked. */
  readonly scopes: readonly string[];
  readonly nonce: string | null;
  readonly codeChallenge: string | null;
  readonly prompts: readonly Prompt[];
  /** Seconds since the last active sign-in that the client accepts. */
  readonly maxAge: number | null;
  readonly loginHint: string | null;
  /** Subject named by a verified id_token_hint. */
  readonly hintedSub: string | null;
  readonly uiLocales: readonly string[];
  /** Authentication contexts the client would like, best first (OIDC Core §3.1.2.1 `acr_values`). */
  readonly acrValues: readonly string[];
}
