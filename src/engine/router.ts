/**
 * From a request to its endpoint and back: paths, methods, CORS, and refusals as JSON or pages.
 * Endpoints do what is left.
 */
import { OAuthError, type RefusalHint } from '../protocol/errors.ts';
import { nameForLog, updateCommand } from '../protocol/remedies.ts';
import type { Client } from '../store/records.ts';
import { allowOrigin, preflight } from '../web/cors.ts';
import { errorPage } from '../web/page.ts';
import type { RequestInfo } from '../web/request.ts';
import { asOAuthError, jsonError, redirect } from '../web/respond.ts';
import type { EngineContext } from './contracts/context.ts';
import type { Endpoint } from './contracts/endpoint.ts';
import { logRefusal } from './refusals.ts';
import { addressAtIssuer, pathsOf, withoutSlash } from './urls.ts';

/** An endpoint, with the values of the parameters in its path. */
export interface Route {
  readonly endpoint: Endpoint;
  readonly path: Readonly<Record<string, string>>;
}

/** Finds the endpoint of a path; null where there is none. */
export type FindRoute = (pathname: string) => Route | null;

/** @param place where the endpoints live */
export function createRoutes(
  place: Parameters<typeof pathsOf>[0],
  endpoints: readonly Endpoint[],
): FindRoute {
  const fixed = new Map<string, Route>();
  const patterns: { readonly segments: readonly string[]; readonly endpoint: Endpoint }[] = [];
  for (const endpoint of endpoints) {
    for (const path of pathsOf(place, endpoint)) {
      if (path.includes('/:')) patterns.push({ segments: path.split('/'), endpoint });
      else fixed.set(path, { endpoint, path: {} });
    }
  }
  return (pathname) => {
    const path = withoutSlash(pathname);
    const route = fixed.get(path);
    if (route !== undefined) return route;
    const segments = path.split('/');
    for (const { segments: pattern, endpoint } of patterns) {
      const values = matched(pattern, segments);
      if (values !== null) return { endpoint, path: values };
    }
    return null;
  };
}

function matched(
  pattern: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | null {
  if (pattern.length !== segments.length) return null;
  const values: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const given = segments[index] ?? '';
    if (!expected.startsWith(':')) {
      if (given !== expected) return null;
    } else {
      const value = decoded(given);
      if (value === null || value === '') return null;
      values[expected.slice(1)] = value;
    }
  }
  return values;
}

function decoded(segment: string): string | null {
  try {
    const text = decodeURIComponent(segment);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}

/** What answering a request needs. */
export interface Serving {
  readonly findRoute: FindRoute;
  /** Characters of an address. */
  readonly longestUrl: number;
  /** The context of one request. */
  readonly contextFor: (
    request: Request,
    url: URL,
    info: RequestInfo,
    path: Route['path'],
  ) => EngineContext;
  /** Tells operators of a refusal that has no context yet. */
  readonly refused: (reason: string) => void;
}

/** Answers a request, whatever it is. */
export async function serve(
  { findRoute, longestUrl, contextFor, refused }: Serving,
  request: Request,
  info: RequestInfo,
): Promise<Response> {
  const unreadable = (reason: string, description: string, status: number): Response => {
    refused(reason);
    return jsonError(new OAuthError('invalid_request', reason, description, { status }));
  };
  if (request.url.length > longestUrl)
    return unreadable('url_too_long', 'The request address is too long.', 414);
  // An adapter makes the address of the Host header, and that may be anything.
  const url = readUrl(request.url);
  if (url === null) return unreadable('url_malformed', 'The request address is malformed.', 400);
  const route = findRoute(url.pathname);
  const ctx = contextFor(request, url, info, route?.path ?? {});
  const endpoint = route?.endpoint ?? null;
  const response = await answer(ctx, endpoint);
  // RFC 9700 §2.6: only what needs no cookies is readable from other origins; pages and the
  // authorization endpoint never are.
  if (endpoint?.cors !== undefined) {
    const client = endpoint.cors === 'client' ? await callerOf(ctx) : null;
    if (allowOrigin(ctx, endpoint.cors, client, response) && client !== null) {
      // Another node may have registered the origin.
      const changed = await ctx.clients.lookAgain(client).catch(() => null);
      if (changed === null || allowOrigin(ctx, endpoint.cors, changed, response))
        logOrigin(ctx, endpoint.name, changed ?? client);
    }
  }
  return response;
}

function readUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** The client that called, also where the call was refused before it was known. */
async function callerOf(ctx: EngineContext): Promise<Client | null> {
  if (ctx.request.method !== 'POST' || !ctx.request.headers.has('origin')) return null;
  try {
    const clientId = ctx.clientId ?? (await ctx.request.form()).get('client_id');
    return clientId === undefined ? null : await ctx.clients.find(clientId);
  } catch {
    // What is wrong with the request is in the response already.
    return null;
  }
}

function logOrigin(ctx: EngineContext, endpoint: string, client: Client): void {
  const { clientId, allowedOrigins } = client;
  const origin = ctx.request.headers.get('origin') ?? '';
  const isOrigin = URL.canParse(origin) && new URL(origin).origin === origin;
  const command = updateCommand(clientId, '--allowed-origin', [...allowedOrigins, origin]);
  const hint = {
    expected: allowedOrigins.join(' ') || 'no origin: none is registered',
    received: origin,
    ...(isOrigin ? { remedy: `if this page is the application's: ${command}` } : {}),
  };
  ctx.clientId = clientId;
  logRefusal(ctx, endpoint, { code: 'unreadable', reason: 'origin_not_allowed', hint });
}

async function answer(ctx: EngineContext, endpoint: Endpoint | null): Promise<Response> {
  try {
    if (endpoint === null) {
      throw new OAuthError('invalid_request', 'path_unknown', 'There is nothing at this address.', {
        status: 404,
        hint: pathHint(ctx),
      });
    }
    return await handle(ctx, endpoint);
  } catch (failure) {
    return refusal(ctx, endpoint, failure);
  }
}

/** What is mounted under a prefix is often called with the prefix taken off. */
function pathHint({ settings: { basePath }, request: { url } }: EngineContext): RefusalHint {
  return {
    expected: `a path below ${basePath || '/'}`,
    received: url.pathname.split('/').slice(0, 9).map(nameForLog).join('/'),
    remedy: 'if a prefix was taken off on the way, pass the whole path on, or change basePath',
  };
}

async function handle(ctx: EngineContext, endpoint: Endpoint): Promise<Response> {
  const { method, headers, url } = ctx.request;
  const isPage = method === 'GET' && endpoint.errors === 'page';
  const elsewhere = isPage ? addressAtIssuer(ctx.settings, url) : null;
  if (elsewhere !== null) return redirect(elsewhere);
  if (endpoint.methods.includes(method)) return await endpoint.handle(ctx);
  const asksFirst = method === 'OPTIONS' && headers.has('access-control-request-method');
  if (asksFirst && endpoint.cors !== undefined) return preflight(endpoint.methods);
  throw new OAuthError(
    'invalid_request',
    'method_not_allowed',
    'The request method is not allowed here.',
    { status: 405, headers: { Allow: endpoint.methods.join(', ') } },
  );
}

function refusal(ctx: EngineContext, endpoint: Endpoint | null, failure: unknown): Response {
  const error = asOAuthError(failure);
  const { logger } = ctx.settings;
  const { code, reason } = error;
  const { requestId } = ctx.request;
  const facts = { endpoint: endpoint?.name ?? null, requestId, code, reason };
  if (error.status >= 500) logger.error({ ...facts, error: error.cause }, 'request failed');
  else logRefusal(ctx, endpoint?.name ?? null, error);
  if (endpoint?.errors === 'json') return jsonError(error);
  try {
    return errorPage(ctx, error);
  } catch (broken) {
    // A host's error page that fails itself must not leave the browser without an answer.
    logger.error({ ...facts, error: broken }, 'the error page failed');
    return jsonError(error);
  }
}
