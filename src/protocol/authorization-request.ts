/**
 * An authorization request that passed every check, frozen. How its parameters are read, and in
 * which order, is in `engine/parameters.ts`; features add parameters of their own.
 */

/** Where an answer goes, known once client and redirect URI are proven. */
export interface Destination {
  readonly redirectUri: string;
  /** Name of the response mode. */
  readonly responseMode: string;
  readonly state: string | null;
}

/** What a client asks for. */
export interface AuthorizationRequest {
  readonly clientId: string;
  /** What the client may get of what it asked for, in the order asked. */
  readonly scopes: readonly string[];
  /** Every parameter as it was read, by its name; each parameter's definition reads its own. */
  readonly values: Readonly<Record<string, unknown>>;
}
