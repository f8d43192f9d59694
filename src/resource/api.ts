/**
 * `createResource()`: an API that takes access tokens. It finds the token of a request, asks its
 * source, holds the token to what it is bound to and to the rule of the route, and answers with a
 * challenge otherwise. Adapters and handlers of `fetch` stand on `judge`.
 */
import { ConfigError, OAuthError } from 'valetkey';
import {
  type ApiRequest,
  type ApiRequestInfo,
  hasAuthorization,
  isPreflight,
  presentedToken,
  type Scheme,
  schemeOf,
} from './api-request.ts';
import { requireBinding } from './binding.ts';
import { MISSING, type Refused, refusedAs } from './challenge.ts';
import { formOf } from './form.ts';
import { metadataAnswer, metadataDocument, metadataPath, resourceUrl } from './metadata.ts';
import { memoryFor, type ProofMemory, proofMemory } from './proof-memory.ts';
import { judge, type Rule, type RuleFor, readyRule } from './rules.ts';
import { SourceUnavailable, type TokenFacts, type TokenSource } from './token-facts.ts';

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

/** What a request is worth: authorized, passed by an exception, or refused. */
export type Verdict =
  | { readonly is: 'authorized'; readonly auth: TokenFacts }
  | { readonly is: 'passed' }
  | { readonly is: 'refused'; readonly refused: Refused };

/** Requests that pass without a token. */
export interface Exceptions<Native = Request> {
  /**
   * Lets questions of browsers about CORS pass (`OPTIONS` with `Access-Control-Request-Method`).
   * @default false
   */
  readonly preflight?: boolean;
  /**
   * Says who is signed in by a session of the host: anything but null, undefined and false lets the
   * request pass. Not asked where a request has an `Authorization` header or a token. Protect these
   * requests against forgery as the rest of your site.
   */
  readonly signedIn?: (request: Native) => unknown;
}

/** What `check` found: facts of the token, or the response that refuses the request. */
export type Checked =
  | { readonly auth: TokenFacts; readonly response?: undefined }
  | { readonly auth?: undefined; readonly response: Response };

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
    exceptions: Exceptions,
  ): (request: Request, info?: ApiRequestInfo) => Promise<Response>;
  /**
   * A rule that is ready to judge requests, for adapters. `native` is the request as the framework
   * has it: the same object each time when a request is judged several times.
   * @throws ConfigError when the rule is wrong
   */
  judge<Native extends object>(
    rule: Rule,
    exceptions?: Exceptions<Native>,
  ): (request: ApiRequest, info: ApiRequestInfo, native: Native) => Promise<Verdict>;
}

const RETRY_AFTER = '5';

/**
 * Makes an API that takes access tokens.
 * @throws ConfigError when an option is wrong
 */
export function createResource(options: ResourceOptions): Resource {
  const { resource, tokens, onRefused } = options;
  const url = resourceUrl(resource);
  const now = options.clock ?? ((): number => Math.floor(Date.now() / 1000));
  const proofs = options.proofs ?? proofMemory(now);
  const isDpopRequired = options.requireDpop ?? false;
  const path = metadataPath(url);
  const metadataUrl = url.origin + path;
  const held = {
    audience: [options.audience ?? resource].flat(),
    allowMissingAudience: options.allowMissingAudience ?? false,
  };
  const document = metadataDocument({
    resource,
    authorizationServers: serversOf(options),
    scopes: options.scopes,
    name: options.name,
    documentation: options.documentation,
    policyUri: options.policyUri,
    tosUri: options.tosUri,
    isBodyAllowed: options.allowTokenInBody ?? false,
    isDpopRequired,
  });
  const prefix = checkedPrefix(options.strippedPrefix ?? '');
  // The client chooses Host; the origin of the API is the one that is configured.
  const publicUrl = (path: string): string => url.origin + prefix + path;

  const judgeToken = async (
    rule: RuleFor,
    request: ApiRequest,
    info: ApiRequestInfo,
    seen: Seen,
  ): Promise<TokenFacts | null> => {
    const form = options.allowTokenInBody === true ? info.form : null;
    const presented = await presentedToken(request, form);
    if (presented === null) return null;
    const facts = await factsOf(tokens, presented.text, now());
    seen.clientId = facts.clientId;
    await requireBinding(facts, {
      request,
      url: publicUrl(pathOf(request.url)),
      presented,
      certificate: info.certificate ?? (() => null),
      proofs: memoryFor(seen.native, proofs),
      isDpopRequired,
      now: now(),
    });
    judge(rule(request.method), facts, { ...held, now: now() });
    return facts;
  };

  const refuse = (error: OAuthError, rule: RuleFor, request: ApiRequest, seen: Seen): Verdict => {
    const { method } = request;
    const { reason, code, status, hint, cause } = error;
    const path = pathOf(request.url);
    try {
      onRefused?.({ reason, code, status, method, path, hint, cause, clientId: seen.clientId });
    } catch {
      // A log that fails must not change the answer.
    }
    const { scheme } = seen;
    const facts = { metadataUrl, isDpopRequired, rule: rule(method), scheme };
    return { is: 'refused', refused: refusedAs(error, facts) };
  };

  const judgeWith =
    <Native extends object>(rule: RuleFor, exceptions: Exceptions<Native>) =>
    async (request: ApiRequest, info: ApiRequestInfo, native: Native): Promise<Verdict> => {
      if (exceptions.preflight === true && isPreflight(request)) return { is: 'passed' };
      const seen: Seen = { native, scheme: schemeOf(request), clientId: null };
      try {
        const auth = await judgeToken(rule, request, info, seen);
        if (auth !== null) return { is: 'authorized', auth };
        // Who sends credentials is judged by them, and by nothing else.
        if (!hasAuthorization(request) && (await isSignedIn(exceptions, native)))
          return { is: 'passed' };
        throw new OAuthError('invalid_token', MISSING, 'An access token is required.');
      } catch (failure) {
        return refuse(asRefusal(failure), rule, request, seen);
      }
    };

  return {
    resource,
    metadataUrl,
    handles: (pathname) => pathname === path,
    metadata(request = { method: 'GET' }) {
      const { body, ...init } = metadataAnswer(document, request.method);
      return new Response(body, init);
    },
    async check(request, rule = {}, info = {}) {
      const verdict = await judgeWith(readyRule(rule), {})(
        request,
        withForm(request, info),
        request,
      );
      return verdict.is === 'authorized' ? { auth: verdict.auth } : { response: written(verdict) };
    },
    protect(
      rule: Rule,
      handler: (request: Request, auth: never) => Response | Promise<Response>,
      exceptions: Exceptions = {},
    ) {
      const judged = judgeWith(readyRule(rule), exceptions);
      return async (request, info = {}) => {
        const verdict = await judged(request, withForm(request, info), request);
        if (verdict.is === 'refused') return written(verdict);
        const auth = verdict.is === 'authorized' ? verdict.auth : null;
        // The overloads say it: without exceptions it is never null.
        return await handler(request, auth as never);
      };
    },
    judge: (rule, exceptions = {}) => judgeWith(readyRule(rule), exceptions),
  };
}

/** What is known of a request when it is refused. */
interface Seen {
  /** The request as the framework has it. */
  readonly native: object;
  readonly scheme: Scheme | null;
  clientId: string | null;
}

async function factsOf(tokens: TokenSource, text: string, now: number): Promise<TokenFacts> {
  let facts: TokenFacts | null;
  let cause: unknown;
  try {
    facts = await tokens.find(text);
  } catch (error) {
    if ((error as Error | null)?.name !== 'JwtError') throw error;
    [facts, cause] = [null, error];
  }
  // RFC 6750 §3.1: expired, revoked, malformed or invalid otherwise: the client cannot tell.
  if (facts === null)
    throw new OAuthError('invalid_token', 'token_not_known', 'The access token is invalid.', {
      cause,
    });
  if (facts.expiresAt === null || facts.expiresAt > now - SKEW) return facts;
  throw new OAuthError('invalid_token', 'token_ended', 'The access token is invalid.');
}

/** Seconds by which clocks may differ; a source may be stricter. */
const SKEW = 10;

/** What goes wrong is a refusal; what nobody foresaw is thrown to the host. */
function asRefusal(failure: unknown): OAuthError {
  if (failure instanceof SourceUnavailable)
    return new OAuthError(
      'temporarily_unavailable',
      'source_unavailable',
      'The service is not available at the moment. Try again soon.',
      { cause: failure, headers: { 'Retry-After': RETRY_AFTER } },
    );
  if (!(failure instanceof OAuthError)) throw failure;
  // RFC 9449 §7.1: a bad proof is 401 here, as a bad token is.
  return failure.code === 'invalid_dpop_proof' ? failure.withStatus(401) : failure;
}

async function isSignedIn<Native>(
  { signedIn }: Exceptions<Native>,
  native: Native,
): Promise<boolean> {
  const person = await signedIn?.(native);
  return person !== undefined && person !== null && person !== false;
}

function serversOf({ authorizationServers, tokens }: ResourceOptions): readonly string[] {
  if (authorizationServers !== undefined) return authorizationServers;
  return tokens.issuer === undefined ? [] : [tokens.issuer];
}

function checkedPrefix(prefix: string): string {
  if (prefix === '' || /^\/[^?#]*[^/?#]$/.test(prefix)) return prefix;
  throw new ConfigError([
    {
      option: 'strippedPrefix',
      problem: 'must be the start of a path.',
      remedy: 'Write it like /api, without a slash at the end.',
    },
  ]);
}

/** Path of a URL that may be relative or absolute, without query. */
function pathOf(url: string): string {
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/, 1)[0] ?? '';
  return path === '' ? '/' : path;
}

function withForm(request: Request, info: ApiRequestInfo): ApiRequestInfo {
  return { form: async () => await formOf(request), ...info };
}

function written(verdict: Exclude<Verdict, { is: 'authorized' }>): Response {
  if (verdict.is === 'passed') throw new Error('Nothing passes where no exception is given.');
  const { status, headers, body } = verdict.refused;
  return new Response(body, { status, headers });
}
