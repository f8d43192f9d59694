/**
 * What a host gives an API that takes access tokens, and what it gets: options, verdicts, and the
 * API itself. `api.ts` makes one.
 */
import type { OAuthError } from 'valetkey';
import type { ApiRequest, ApiRequestInfo } from './api-request.ts';
import type { Refused } from './challenge.ts';
import type { ProofMemory } from './proof-memory.ts';
import type { Rule } from './rules.ts';
import type { TokenFacts, TokenSource } from './token-facts.ts';

/** What an API is. */
export interface ResourceOptions {
  /**
   * Identifier of the API: its public https address, such as `https://api.example.com/v1` (RFC 9728
   * §1.2). Tokens have to name it as audience, and proofs are checked against its origin.
   */
  readonly resource: string;
  /** Where tokens are looked up: `providerTokens`, `introspectedTokens`, `jwtTokens`, or yours. */
  readonly tokens: TokenSource;
  /** Audience that tokens name, where it is not the identifier. @default `resource` */
  readonly audience?: string | readonly string[];
  /**
   * Weakens: accepts tokens that name no audience. For an authorization server with a single API.
   * @default false
   */
  readonly allowMissingAudience?: boolean;
  /**
   * Weakens: accepts a token in the form of the body, where caches and logs may keep it (RFC 6750
   * §2.2). A token in the address is never accepted.
   * @default false
   */
  readonly allowTokenInBody?: boolean;
  /** Accepts only tokens that are bound to a key by DPoP (RFC 9449). @default false */
  readonly requireDpop?: boolean;
  /**
   * Remembers which DPoP proofs were used. With several processes, let them share one.
   * @default a memory of this process
   */
  readonly proofs?: ProofMemory;
  /**
   * Start of the public path that a proxy takes away before requests arrive, such as `/api`.
   * @default ''
   */
  readonly strippedPrefix?: string;
  /** Issuers of tokens, for the document. @default the issuer of `tokens` */
  readonly authorizationServers?: readonly string[];
  /** Scopes that clients may ask for, for the document. */
  readonly scopes?: readonly string[];
  /** Name of the API for people, for the document. */
  readonly name?: string;
  /** Page for developers, for the document. */
  readonly documentation?: string;
  /** Page about the use of data, for the document. */
  readonly policyUri?: string;
  /** Page with the terms, for the document. */
  readonly tosUri?: string;
  /** Called for each refusal, for logs. What it throws is ignored. */
  readonly onRefused?: (refusal: Refusal) => void;
  /** Now, in seconds. @default the system clock */
  readonly clock?: () => number;
}

/** A refusal, for logs. The client hears the code alone. */
export interface Refusal {
  /** Our stable slug for this one rejection. */
  readonly reason: string;
  /** Error code. */
  readonly code: string;
  /** HTTP status. */
  readonly status: number;
  /** Method of the request. */
  readonly method: string;
  /** Path of the request. */
  readonly path: string;
  /** What the rule asks for, what came, and what would change it; without secrets. */
  readonly hint: OAuthError['hint'];
  /** The error behind it. */
  readonly cause: unknown;
  /** The client of the token, where the token was good in itself. */
  readonly clientId: string | null;
}

/** What a request is worth: authorized, passed without a token, or refused. */
export type Verdict = Authorized | Passed | RefusedRequest;

/** The request has a token that suffices. */
export interface Authorized {
  /** Tells the verdicts apart. */
  readonly is: 'authorized';
  /** The token. */
  readonly auth: TokenFacts;
}

/** The request needs no token, by a rule for passing. */
export interface Passed {
  /** Tells the verdicts apart. */
  readonly is: 'passed';
}

/** The request is refused. */
export interface RefusedRequest {
  /** Tells the verdicts apart. */
  readonly is: 'refused';
  /** The answer. */
  readonly refused: Refused;
}

/** Requests that pass without a token. */
export interface PassRules<Native = Request> {
  /**
   * Lets questions of browsers about CORS pass (`OPTIONS` with `Access-Control-Request-Method`).
   * @default false
   */
  readonly preflight?: boolean;
  /**
   * Says who is signed in by a session of the host: null, undefined, false, 0 and an empty text
   * mean nobody, anything else lets the request pass. Not asked where a request has an
   * `Authorization` header or a token. Protect these requests against forgery as the rest of your
   * site.
   */
  readonly signedIn?: (request: Native) => unknown;
}

/** What `check` found: facts of the token, or the response that refuses the request. */
export type Checked = CheckedToken | CheckedResponse;

/** The request may be answered. */
export interface CheckedToken {
  /** The token. */
  readonly auth: TokenFacts;
  /** There is none. */
  readonly response?: undefined;
}

/** The request is refused. */
export interface CheckedResponse {
  /** There is none. */
  readonly auth?: undefined;
  /** The answer to the request. */
  readonly response: Response;
}

/** An API that takes access tokens. */
export interface Resource {
  /** Its identifier. */
  readonly resource: string;
  /** Address of the document about it (RFC 9728 §3). */
  readonly metadataUrl: string;
  /** True for the path of the document, at which you serve `metadata`. */
  handles(pathname: string): boolean;
  /** The document about the API, for web applications of any origin, and for caches. */
  metadata(request?: Pick<Request, 'method'>): Response;
  /**
   * Checks a request.
   * @throws ConfigError when the rule is wrong
   */
  check(request: Request, rule?: Rule, info?: ApiRequestInfo): Promise<Checked>;
  /**
   * A handler of `fetch` that runs only for good tokens.
   * @throws ConfigError when the rule is wrong
   */
  protect(
    rule: Rule,
    handler: (request: Request, auth: TokenFacts) => Response | Promise<Response>,
  ): (request: Request, info?: ApiRequestInfo) => Promise<Response>;
  /**
   * The same, for requests that may pass without a token: `auth` is null then.
   * @throws ConfigError when the rule is wrong
   */
  protect(
    rule: Rule,
    handler: (request: Request, auth: TokenFacts | null) => Response | Promise<Response>,
    passing: PassRules,
  ): (request: Request, info?: ApiRequestInfo) => Promise<Response>;
  /**
   * A rule that is ready to judge requests, for adapters. `native` is the request as the framework
   * has it: the same object each time when a request is judged several times.
   * @throws ConfigError when the rule is wrong
   */
  judge<Native extends object>(
    rule: Rule,
    passing?: PassRules<Native>,
  ): (request: ApiRequest, info: ApiRequestInfo, native: Native) => Promise<Verdict>;
}
