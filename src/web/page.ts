/** Pages as responses: the hardening headers every page carries, the views they draw, and refusals as pages. */
import type { Context } from '../domain/context.ts';
import type { ClientView, Html, PageView } from '../domain/pages.ts';
import { endpointUrl } from '../domain/urls.ts';
import type { OAuthError } from '../protocol/errors.ts';
import { redirectTarget } from '../protocol/redirect-uri.ts';
import type { Client } from '../store/records.ts';
import type { Call } from './call.ts';
import { jsonError } from './respond.ts';

const LOOPBACK_SOURCES = 'http://127.0.0.1:* http://localhost:*';

/** How one page differs from the strictest. */
export interface PageOptions {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  /** The page has a form whose answer may send the browser to this redirect URI. */
  readonly formGoesTo?: string;
  /** The page has a form that stays here. */
  readonly form?: boolean;
  /** CSP source of the one script allowed. */
  readonly script?: string;
}

/** HTML with every hardening header. */
export function page(ctx: Context, html: Html, options: PageOptions = {}): Response {
  const hasForm = options.form === true || options.formGoesTo !== undefined;
  const policy = [
    "default-src 'none'",
    `script-src ${options.script ?? "'none'"}`,
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    // Last, since it names an address that a client registered.
    `form-action ${hasForm ? formAction(options.formGoesTo) : "'none'"}`,
  ].join('; ');
  const response = new Response(html, {
    status: options.status ?? 200,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policy,
      'X-Frame-Options': 'DENY',
      'X-Content-Type-Options': 'nosniff',
      // A form page under no-referrer would make browsers send `Origin: null` with the form.
      'Referrer-Policy': hasForm ? 'same-origin' : 'no-referrer',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), payment=()',
      'Cache-Control': 'no-store',
      Pragma: 'no-cache',
      // For this host alone: its subdomains are the business of whoever runs them.
      ...(ctx.settings.issuer.startsWith('https:')
        ? { 'Strict-Transport-Security': 'max-age=63072000' }
        : {}),
      ...options.headers,
    },
  });
  for (const cookie of options.cookies ?? []) response.headers.append('Set-Cookie', cookie);
  return response;
}

/**
 * Chromium holds every redirect after a form to form-action, also those the application makes after its callback. So the client's own
 * target is named, and where that is https, other https addresses may follow; a naive 'self' would break the sign-in.
 */
function formAction(redirectUri: string | undefined): string {
  if (redirectUri === undefined) return "'self'";
  const { source } = redirectTarget(redirectUri);
  // A policy is one line of words: what is no plain source has no place in it, whoever registered it.
  if (!/^[A-Za-z0-9.:/[\]+-]+$/.test(source)) return "'self'";
  // A source expression cannot name an IPv6 address.
  if (source.startsWith('http://[')) return "'self' http: https:";
  if (source.startsWith('http:')) return `'self' ${LOOPBACK_SOURCES} https:`;
  return `'self' ${source}${source.startsWith('https:') ? ' https:' : ''}`;
}

/** What every page knows about us and its reader. */
export function pageView(ctx: Context, call: Call, uiLocales: readonly string[] = []): PageView {
  const accepted = (call.headers.get('accept-language') ?? '')
    .slice(0, 500)
    .split(',')
    .map((item) => item.split(';')[0]?.trim() ?? '')
    .filter((tag) => /^[A-Za-z0-9-]{1,35}$/.test(tag));
  return {
    providerName: ctx.settings.name,
    logoUrl: ctx.settings.logoUrl,
    locales: [...uiLocales, ...accepted],
    assetsUrl: endpointUrl(ctx.settings, 'assets'),
  };
}

/** What pages may say about a client. */
export function clientView(client: Client, redirectUri: string | null): ClientView {
  const target = redirectUri ?? client.redirectUris[0] ?? client.clientUri;
  return {
    clientId: client.clientId,
    name: client.name,
    host: target === null ? '' : redirectTarget(target).host,
    clientUri: client.clientUri,
    policyUri: client.policyUri,
    tosUri: client.tosUri,
  };
}

/** True when the caller asked for JSON rather than a page. */
export function wantsJson(call: Call): boolean {
  const accept = call.headers.get('accept') ?? '';
  return accept.includes('application/json') && !accept.includes('text/html');
}

/** A refusal that cannot be sent to the client: a page, or JSON for who asks for it. */
export function errorPage(ctx: Context, call: Call, error: OAuthError): Response {
  if (wantsJson(call)) return jsonError(error);
  const view = {
    ...pageView(ctx, call),
    status: error.status,
    code: error.code,
    reason: error.reason,
    description: error.description,
    requestId: call.requestId,
  };
  return page(ctx, ctx.settings.pages.error(view), {
    status: error.status,
    headers: error.headers,
  });
}
