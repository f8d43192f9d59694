/**
 * Pages as responses: the hardening headers every page carries, the views they draw, and error
 * pages.
 */

import { sha256Base64 } from '../crypto/bytes.ts';
import { isVouchedFor } from '../domain/client-rules.ts';
import type {
  AddressView,
  ClientView,
  Html,
  Pages,
  PageTemplate,
  PageView,
} from '../domain/pages.ts';
import type { OAuthError } from '../protocol/errors.ts';
import { redirectTarget } from '../protocol/redirect-uri.ts';
import type { Client } from '../store/records.ts';
import { isLanguageTag } from './parameter-places.ts';
import type { HttpRequest, RequestContext } from './request.ts';
import { jsonError } from './respond.ts';

/** True for the address of a page of the host: absolute, or a path. */
export function isPageAddress(value: unknown): value is string {
  const isAddress = typeof value === 'string' && /^(\/|https?:\/\/)/.test(value);
  return isAddress && URL.canParse(value, 'https://host.example');
}

/** A page by its name, with the type of its view. */
export interface PageDefinition<View extends PageView> {
  /** Name of its template in `config.pages`. */
  readonly name: string;
  /** Where a host has it, of a page that is never drawn here: absolute, or a path. @default none */
  readonly address?: string;
  /** Never there: it only ties the type of the view to the page. */
  readonly view?: (view: View) => void;
}

/**
 * Declares a page of a feature.
 * @param address where a host has it, of a page that is never drawn here (absolute or a path)
 */
export function definePage<View extends PageView>(
  name: string,
  address?: string,
): PageDefinition<View> {
  return address === undefined ? { name } : { name, address };
}

const LOOPBACK_SOURCES = 'http://127.0.0.1:* http://localhost:*';

/** What differs between pages. Without options a page is as strict as possible. */
export interface PageOptions {
  /** HTTP status. @default 200 */
  readonly status?: number;
  /** Further headers. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Values of `Set-Cookie`. @default none */
  readonly cookies?: readonly string[];
  /** The page has a form whose answer may send the browser to this redirect URI. */
  readonly formGoesTo?: string;
  /** The page has a form whose answer comes from this origin. */
  readonly form?: boolean;
  /**
   * The page may be in a window that the page of an application opened, and the application waits
   * for it to come back: the browser keeps the two connected. @default false
   */
  readonly inPopup?: boolean;
  /** Addresses that the page loads in frames. @default none */
  readonly frames?: readonly string[];
  /** CSP sources of the scripts that may run. @default those that the pages bring */
  readonly script?: string;
  /** A script of ours that runs at the end of the page, whatever its template. @default none */
  readonly runs?: string;
}

/** Draws a page. */
export function drawPage<View extends PageView>(
  ctx: RequestContext,
  { name }: PageDefinition<View>,
  view: View,
  options: PageOptions = {},
): Response {
  const template = templateOf(ctx.settings.pages[name]);
  if (template === null) throw new Error(`The page ${name} has no template.`);
  const html = (template as PageTemplate<View>)(view);
  const script = ownScripts(ctx);
  const { runs } = options;
  if (runs === undefined) return htmlResponse(ctx.settings.issuer, html, { script, ...options });
  const source = `'sha256-${sha256Base64(runs)}'`;
  return htmlResponse(ctx.settings.issuer, withScript(html, runs), {
    script: script === "'none'" ? source : `${script} ${source}`,
    ...options,
  });
}

/** The document with a script at its end. */
function withScript(html: Html, script: string): Html {
  const end = html.lastIndexOf('</body>');
  const at = end < 0 ? html.length : end;
  return `${html.slice(0, at)}<script>${script}</script>${html.slice(at)}`;
}

/** Scripts run only where the pages bring one, and none that is written into a page. */
function ownScripts(ctx: RequestContext): string {
  const files = Object.values(ctx.settings.pages.assets ?? {});
  return files.some(({ contentType }) => contentType.startsWith('text/javascript'))
    ? "'self'"
    : "'none'";
}

function templateOf(entry: Pages[string]): PageTemplate | null {
  return typeof entry === 'function' ? entry : null;
}

/**
 * HTML with every hardening header.
 * @param issuer the issuer identifier: over https the browser is told to come back over https
 */
export function htmlResponse(issuer: string, html: Html, options: PageOptions = {}): Response {
  const hasForm = options.form === true || options.formGoesTo !== undefined;
  const policy = [
    "default-src 'none'",
    `script-src ${options.script ?? "'none'"}`,
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    ...(options.frames === undefined ? [] : [`frame-src ${framesIn(options.frames)}`]),
    "frame-ancestors 'none'",
    "base-uri 'none'",
    // Comes last, because it names an address that a client registered.
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
      ...(options.inPopup === true ? {} : { 'Cross-Origin-Opener-Policy': 'same-origin' }),
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), payment=()',
      'Cache-Control': 'no-store',
      Pragma: 'no-cache',
      // For this host alone: others may run its subdomains.
      ...(issuer.startsWith('https:') ? { 'Strict-Transport-Security': 'max-age=63072000' } : {}),
      ...options.headers,
    },
  });
  for (const cookie of options.cookies ?? []) response.headers.append('Set-Cookie', cookie);
  return response;
}

/** The origins of addresses that a page loads in frames. */
function framesIn(addresses: readonly string[]): string {
  // Only plain origins may stand in the policy, since clients registered the addresses.
  const origins = addresses.map((address) => new URL(address).origin);
  return [...new Set(origins)].filter((one) => /^https?:\/\/[A-Za-z0-9.:-]+$/.test(one)).join(' ');
}

/**
 * Chromium holds every redirect after a form to form-action, also those the application makes after
 * its callback. So the client's own target is named, and where that is https, other https addresses
 * may follow; a naive 'self' would break the sign-in.
 */
function formAction(redirectUri: string | undefined): string {
  if (redirectUri === undefined) return "'self'";
  const { source } = redirectTarget(redirectUri);
  // Only a plain source may stand in the policy, since the address was registered by a client.
  if (!/^[A-Za-z0-9.:/[\]+-]+$/.test(source)) return "'self'";
  // A source expression cannot name an IPv6 address.
  if (source.startsWith('http://[')) return "'self' http: https:";
  if (source.startsWith('http:')) return `'self' ${LOOPBACK_SOURCES} https:`;
  return `'self' ${source}${source.startsWith('https:') ? ' https:' : ''}`;
}

/** What every page knows about us and its reader. */
export function pageView(ctx: RequestContext, uiLocales: readonly string[] = []): PageView {
  return {
    providerName: ctx.settings.name,
    logoUrl: ctx.settings.logoUrl,
    locales: [...uiLocales, ...acceptedLanguages(ctx.request.headers.get('accept-language'))],
    accountUrl: ctx.accountUrl,
    assetsUrl: ctx.url('assets'),
  };
}

/**
 * The languages of an `Accept-Language` header, best first; refused ones (`q=0`) are left out
 * (RFC 9110 §12.5.4).
 */
export function acceptedLanguages(header: string | null): readonly string[] {
  return (header ?? '')
    .slice(0, 500)
    .split(',')
    .map((item) => {
      const [tag = '', ...parameters] = item.split(';').map((part) => part.trim());
      const quality = parameters.find((part) => /^q=/i.test(part))?.slice(2) ?? '1';
      return { tag, quality: Number(quality) };
    })
    .filter(({ tag, quality }) => isLanguageTag(tag) && quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}

/** What pages may say about a client. */
export function clientView(
  ctx: Pick<RequestContext, 'url'>,
  client: Client,
  redirectUri: string | null,
): ClientView {
  const path = `${encodeURIComponent(client.clientId)}?v=${client.version}`;
  const isVouched = isVouchedFor(client);
  const isDescribed =
    client.registrationSource === 'metadata_document' && URL.canParse(client.clientId);
  const describedBy = isDescribed ? new URL(client.clientId).host : null;
  // Where nothing is sent, only a host that somebody vouches for is shown.
  const claimed = isVouched ? (client.redirectUris[0] ?? client.clientUri) : null;
  const target = redirectUri ?? claimed;
  const addresses = redirectUri === null ? client.redirectUris : [redirectUri];
  return {
    clientId: client.clientId,
    name: client.name,
    host: target === null ? (describedBy ?? '') : redirectTarget(target).host,
    vouchedFor: isVouched,
    describedBy,
    onThisComputer: addresses.length > 0 && addresses.every((uri) => !uri.startsWith('https:')),
    logoUrl: client.logoUri === null ? null : `${ctx.url('client-logo')}${path}`,
    clientUri: client.clientUri,
    policyUri: client.policyUri,
    tosUri: client.tosUri,
  };
}

/** What pages may say about an address that they link to. */
export function addressView(url: string | null): AddressView | null {
  return url === null ? null : { url, host: redirectTarget(url).host };
}

/** True when the caller asked for JSON rather than a page. */
export function wantsJson(request: HttpRequest): boolean {
  const accept = request.headers.get('accept') ?? '';
  return accept.includes('application/json') && !accept.includes('text/html');
}

/**
 * A refusal that cannot be sent to the client: a page, or JSON when the request asks for JSON.
 * @param location where the reader may go to tell the application
 */
export function errorPage(
  ctx: RequestContext,
  error: OAuthError,
  location: string | null = null,
): Response {
  if (wantsJson(ctx.request)) return jsonError(error);
  const view = {
    ...pageView(ctx),
    status: error.status,
    code: error.code,
    reason: error.reason,
    description: error.description,
    requestId: ctx.request.requestId,
    returnTo: addressView(location),
  };
  const options = { status: error.status, headers: error.headers };
  return htmlResponse(ctx.settings.issuer, ctx.settings.pages.error(view), options);
}
