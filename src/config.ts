/**
 * What the user writes. Each option has one entry in `config-options.ts`: its kind, default, check
 * and description. `resolve-config.ts` makes `Settings` of it, which the rest of the code reads.
 */

import type { Random } from './crypto/handles.ts';
import type { Accounts } from './domain/accounts.ts';
import type { ManagedClient } from './domain/client-registry.ts';
import type { Pages } from './domain/pages.ts';
import type {
  AccessTokenClaimsSource,
  ClaimsSource,
  GivenKey,
  KeySchedule,
  Lifetimes,
  Logger,
  LogoutRules,
  RateLimits,
  RefreshTokenRules,
  ScopesSource,
} from './domain/settings.ts';
import type { ClientAuthenticationMethod } from './engine/contracts/client-authentication.ts';
import type { Feature } from './engine/contracts/feature.ts';
import type { Grant } from './engine/contracts/grant.ts';
import type { EventListener } from './provider-event.ts';
import type { Database } from './store/store.ts';

/** A scope in the configuration: its description, or its description and the claims it releases. */
export type ScopeConfig =
  | string
  | {
      /** Plain words for the consent page, continuing "It will be able to …". */
      readonly description: string;
      /** Claims it releases at userinfo. @default those of the standard scope, or none */
      readonly claims?: readonly string[];
      /**
       * Whether it lets applications change something; the consent page marks it.
       * @default true for names that end with `write`
       */
      readonly writes?: boolean;
    };

/** Configuration of a provider. Durations are seconds. */
export interface Config {
  /**
   * The issuer identifier: an https URL without query or fragment (http on loopback). Never derived
   * from a request.
   */
  readonly issuer: string;
  /** Where everything is remembered: `memoryDatabase()`, `sqlDatabase(…)`, or your own. */
  readonly store: Database;
  /** Who can sign in. */
  readonly accounts: Accounts;
  /** What people see: `builtInPages()` of `valetkey/pages`, or your own. */
  readonly pages: Pages;
  /**
   * Path below which the endpoints live.
   * @default the path of the issuer, or '/o' where it has none
   */
  readonly basePath?: string;
  /**
   * Whether the addresses of endpoints, in discovery and on pages, end with a slash. Both forms
   * always answer. Frameworks that redirect from one form to the other want theirs.
   * @default true
   */
  readonly trailingSlash?: boolean;
  /**
   * The secret that seals private keys, interactions and forms: at least 32 random bytes as text,
   * from outside the database. Of several the first is current; the others still open what they
   * sealed.
   * @default a random one where the store is in memory; else it is required
   */
  readonly secret?: string | readonly string[];
  /** Name of this provider on its pages. @default the host of the issuer */
  readonly name?: string;
  /**
   * Logo on the pages: a path of this origin, or a `data:` address.
   * @default the logo of the pages
   */
  readonly logoUrl?: string | null;
  /** Scopes beside the standard ones. `null` takes a standard one away. @default {} */
  readonly scopes?: Readonly<Record<string, ScopeConfig | null>>;
  /**
   * Claims beyond those of the account and its scopes, such as roles: asked for each userinfo
   * response and each ID token. What the protocol itself says (`iss`, `sub`, `aud`, `exp` …) cannot
   * be replaced.
   * @default none
   */
  readonly claims?: ClaimsSource;
  /**
   * Claims of access tokens, such as roles, groups and entitlements (RFC 9068 §2.2.3): in JWTs, as
   * they are when the token is issued, and at introspection, as they are then.
   * @default none
   */
  readonly accessTokenClaims?: AccessTokenClaimsSource;
  /**
   * Which scopes an application may have, where its registration cannot say it: asked for each
   * authorization, device and token request. It takes away from what the registration allows, and
   * adds nothing.
   * @default what the registration allows
   */
  readonly scopesFor?: ScopesSource;
  /** Scopes granted when a request names none. @default [] */
  readonly defaultScopes?: readonly string[];
  /** How long things live. */
  readonly lifetimes?: Partial<Lifetimes>;
  /** What happens to refresh tokens when they are used. */
  readonly refreshTokens?: Partial<RefreshTokenRules>;
  /** When keys made by the provider change. */
  readonly keySchedule?: Partial<KeySchedule>;
  /**
   * Private keys in PEM instead of keys in the store. The first active one of an algorithm signs.
   * @default keys in the store
   */
  readonly signingKeys?: readonly GivenKey[];
  /** Seconds that discovery and JWKS may be cached. @default 3600 */
  readonly publicMaxAge?: number;
  /** What a logout ends. */
  readonly logout?: Partial<LogoutRules>;
  /**
   * Built-in features with options of their own (`deviceAuthorization({ interval: 10 })`), and
   * features of yours (`defineFeature`). One of the same name takes the place of the built-in one.
   * @default []
   */
  readonly features?: readonly Feature[];
  /** Grant types of yours, where a whole feature is not needed. @default [] */
  readonly grants?: readonly Grant[];
  /** Client authentication methods of yours, where a whole feature is not needed. @default [] */
  readonly clientAuthenticationMethods?: readonly ClientAuthenticationMethod[];
  /**
   * Clients that are registered, and brought up to date, at the start. What is not given here has
   * its default, so change them here alone. A client that is taken off the list stays as it is.
   * @default []
   */
  readonly clients?: readonly ManagedClient[];
  /** How many failed attempts are tolerated. */
  readonly rateLimits?: Partial<RateLimits>;
  /**
   * Seconds that a client is kept in memory. When another node changes it, codes and tokens are
   * issued by what it is now, those of a client that is disabled or deleted end at once on every
   * node, and before a secret, a redirect URI or a disabled client is refused it is read again,
   * once a second at most. What else it may do or ask, such as introspection, may be as it was for
   * so long.
   * @default 30
   */
  readonly clientCacheSeconds?: number;
  /**
   * Weakens: every client with credentials may leave PKCE out. Without it, one may that is
   * registered so, and one that sends an OpenID Connect nonce. @default false
   */
  readonly allowMissingPkce?: boolean;
  /**
   * Weakens: `http://localhost` in the redirect URIs of every web application. Native ones may have
   * it anyway, and all where the issuer is on loopback. @default false
   */
  readonly allowLocalhostRedirect?: boolean;
  /**
   * Weakens: one wildcard at the beginning of an https host in redirect URIs, redirect URIs after
   * logout and origins: `https://*.preview.example.com/callback`. Whoever gets such a host gets
   * the answers. Clients that register themselves may have none. @default false
   */
  readonly allowRedirectUriWildcards?: boolean;
  /**
   * Weakens: private-use schemes of redirect URIs, such as `['cursor']`, that public native
   * applications may have though they are no reversed domain name (RFC 8252 §7.1). The redirect URI
   * is compared as a string, and people are asked every time.
   * @default []
   */
  readonly allowPrivateSchemes?: readonly string[];
  /**
   * Origins inside your network, or over http, that the provider may call: for key sets, metadata
   * documents, request objects, and to tell applications of a logout:
   * `['https://keys.internal:8443']`. Others are called over https at public addresses alone.
   * @default []
   */
  readonly allowOutbound?: readonly string[];
  /**
   * Weakens: the browser sends the cookie of the session also where another site shows a page of
   * this provider in a frame, so that an application can renew silently in a hidden iframe. Many
   * browsers keep such cookies back all the same; a refresh token needs none. @default false
   */
  readonly allowCrossSiteSession?: boolean;
  /**
   * Weakens: before anybody signed in, a refusal sends the browser on to an application that
   * registered itself without anybody who vouches for it, as the OpenID Connect certification asks;
   * so does a logout when nobody is signed in.
   * Without it people see a page with a link (RFC 9700 §4.11.2). @default false
   */
  readonly allowUnvouchedRedirects?: boolean;
  /** Weakens: an http issuer that is not on loopback. @default false */
  readonly allowInsecureIssuer?: boolean;
  /** Now, in whole seconds. For tests. @default the clock of the machine */
  readonly clock?: () => number;
  /** Random bytes. For tests. @default those of the machine */
  readonly random?: Random;
  /**
   * Any logger with `info`, `warn` and `error`. `info` gets a line for each refusal. An error is in
   * the field `error`: pino needs `serializers: { error: describeError }`.
   * @default warnings and errors go to the console
   */
  readonly logger?: Logger;
  /**
   * Hears every event, in this process: `if (event.type === 'tokens.issued')` tells what its
   * `detail` is. docs/events.md lists them. What it throws is logged.
   * @default nobody
   */
  readonly onEvent?: EventListener;
}
