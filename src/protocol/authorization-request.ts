/**
 * An authorization request that has passed every check. Reading the parameters, and their order, is
 * left to `engine/parameters.ts`; features add parameters of their own.
 */

/** Where the authorization response goes. It is known once client and redirect URI are checked. */
export interface Destination {
  /** The redirect URI of the request, or the only registered one. */
  readonly redirectUri: string;
  /** Name of the response mode. */
  readonly responseMode: string;
  /** The parameter `state`, which the response repeats; null if the request has none. */
  readonly state: string | null;
}

/** What a parameter demands of the login (OIDC Core §3.1.2.1, §5.5.1). */
export interface LoginDemand {
  /** The subject that has to be signed in. @default any */
  readonly subject?: string;
  /** Authentication contexts, one of which the login should reach. @default any */
  readonly contexts?: readonly string[];
  /** Whether a new login could reach one of them. @default false */
  readonly reachable?: boolean;
  /** True refuses a login that reached none of them. @default false */
  readonly essential?: boolean;
}

/** Something beside scopes that people have to allow, every time it is asked for. */
export interface ConsentItem {
  /** What tells it from others: the same one has the same key. */
  readonly key: string;
  /** Plain words for the consent page. */
  readonly text: string;
}

/** A checked authorization request. */
export interface AuthorizationRequest {
  /** The client that sent it. */
  readonly clientId: string;
  /** The requested scopes that the client may have, in the order of the request. */
  readonly scopes: readonly string[];
  /**
   * What people have to allow: these scopes, and those of single claims that are asked for by name.
   */
  readonly consentScopes: readonly string[];
  /** What people have to allow beside scopes. @default nothing */
  readonly consentItems?: readonly ConsentItem[];
  /**
   * Scopes that were asked for and that the user left out: they are in neither list.
   * @default none
   */
  readonly refusedScopes?: readonly string[];
  /** What its response brings: the words of its `response_type`. None in the device flow. */
  readonly artifacts: readonly string[];
  /** What its parameters demand of the login. */
  readonly demands: readonly LoginDemand[];
  /**
   * The value of every parameter as its definition read it, by name. Use the definition of a
   * parameter to get its value with its type.
   */
  readonly values: Readonly<Record<string, unknown>>;
}
