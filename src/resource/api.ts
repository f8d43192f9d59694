/**
 * `createResource()`: an API that takes access tokens. It finds the token of a request, asks its
 * source, holds the token to what it is bound to and to the rule of the route, and answers with a
 * challenge otherwise. Adapters and handlers of `fetch` stand on `judge`.
 */
import { ConfigError, JwtError, OAuthError } from 'valetkey';
import type { PassRules, Resource, ResourceOptions, Verdict } from './api-contract.ts';
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
import { MISSING, refusedAs } from './challenge.ts';
import { formOf } from './form.ts';
import {
  FLAG,
  FUNCTION,
  type Kinds,
  LIST,
  requireKnown,
  TEXT,
  withMethod,
} from './known-options.ts';
import { metadataAnswer, metadataDocument, metadataPath, resourceUrl } from './metadata.ts';
import { memoryFor, proofMemory } from './proof-memory.ts';
import { judge, type Rule, type RuleFor, readyRule } from './rules.ts';
import { SourceUnavailable, type TokenFacts, type TokenSource } from './token-facts.ts';

const RETRY_AFTER = '5';

const SOURCE = 'Write it like providerTokens(provider), or introspectedTokens({ … }).';
const KINDS: Kinds<ResourceOptions> = {
  resource: { ...TEXT, required: 'Write the public address of the API.' },
  tokens: { ...withMethod('find', SOURCE), required: SOURCE },
  audience: { ...LIST, textToo: true },
  allowMissingAudience: FLAG,
  allowTokenInBody: FLAG,
  requireDpop: FLAG,
  proofs: withMethod('used', 'Write { used(digest, expiresAt) { … } }.'),
  strippedPrefix: { ...TEXT, emptyToo: true },
  authorizationServers: LIST,
  scopes: LIST,
  name: TEXT,
  documentation: TEXT,
  policyUri: TEXT,
  tosUri: TEXT,
  onRefused: FUNCTION,
  clock: FUNCTION,
};

const PASSING: Kinds<PassRules> = { preflight: FLAG, signedIn: FUNCTION };

/**
 * Makes an API that takes access tokens.
 * @throws ConfigError when an option is wrong
 */
export function createResource(options: ResourceOptions): Resource {
  requireKnown(KINDS, options);
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

  const judgeWith = <Native extends object>(rule: RuleFor, passing: PassRules<Native>) => {
    requireKnown<PassRules<Native>>(PASSING, passing);
    return async (request: ApiRequest, info: ApiRequestInfo, native: Native): Promise<Verdict> => {
      if (passing.preflight === true && isPreflight(request)) return { is: 'passed' };
      const seen: Seen = { native, scheme: schemeOf(request), clientId: null };
      try {
        const auth = await judgeToken(rule, request, info, seen);
        if (auth !== null) return { is: 'authorized', auth };
        // Who sends credentials is judged by them, and by nothing else.
        if (!hasAuthorization(request) && (await isSignedIn(passing, native)))
          return { is: 'passed' };
        throw new OAuthError('invalid_token', MISSING, 'An access token is required.');
      } catch (failure) {
        return refuse(asRefusal(failure), rule, request, seen);
      }
    };
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
      passing: PassRules = {},
    ) {
      const judged = judgeWith(readyRule(rule), passing);
      return async (request, info = {}) => {
        const verdict = await judged(request, withForm(request, info), request);
        if (verdict.is === 'refused') return written(verdict);
        const auth = verdict.is === 'authorized' ? verdict.auth : null;
        // The overloads say it: without rules for passing it is never null.
        return await handler(request, auth as never);
      };
    },
    judge: (rule, passing = {}) => judgeWith(readyRule(rule), passing),
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
    if (!(error instanceof JwtError)) throw error;
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
  { signedIn }: PassRules<Native>,
  native: Native,
): Promise<boolean> {
  return Boolean(await signedIn?.(native));
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
  // Without a slash it would go on with the name of the host.
  return path.startsWith('/') ? path : `/${path}`;
}

function withForm(request: Request, info: ApiRequestInfo): ApiRequestInfo {
  return { form: async () => await formOf(request), ...info };
}

function written(verdict: Exclude<Verdict, { is: 'authorized' }>): Response {
  if (verdict.is === 'passed')
    throw new Error('Nothing passes where no rule for passing is given.');
  const { status, headers, body } = verdict.refused;
  return new Response(body, { status, headers });
}
