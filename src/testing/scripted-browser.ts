/**
 * A browser without a screen, for tests. It keeps cookies, follows redirects inside the provider,
 * and fills in and submits the form of a page. It understands only the HTML that the built-in pages
 * use. Tests of layout or scripts need a real browser.
 */
import { parseSetCookie } from 'cookie';

/** Answers requests: `provider.fetch`, the app of a host, or the global fetch. */
export type Fetch = (request: Request) => Promise<Response>;

/** The last response that the browser received. */
export interface Visit {
  /** The URL that was requested last. */
  readonly url: string;
  /** The HTTP status. */
  readonly status: number;
  /** The response headers. */
  readonly headers: Headers;
  /** The body; empty if the response redirects outside. */
  readonly html: string;
  /**
   * The target of a redirect to a URL outside the provider, that is, to the relying party. Null if
   * the response does not redirect there.
   */
  readonly leaves: URL | null;
}

/** A browser for tests. */
export interface ScriptedBrowser {
  /**
   * Opens a URL and follows redirects inside the provider, at most 10.
   * @throws Error when there are more redirects
   */
  open(url: string, init?: RequestInit): Promise<Visit>;
  /**
   * Submits the form of a page, with its hidden fields, its ticked boxes and the given fields, and
   * follows redirects. A field that is null is left out.
   * @throws Error when the page has no form, or when there are more than 10 redirects
   */
  submit(visit: Visit, fields: Readonly<Record<string, string | null>>): Promise<Visit>;
  /** The cookies that the browser keeps, by name. Tests may change them. */
  readonly cookies: Map<string, string>;
}

const MOST_REDIRECTS = 10;

/**
 * A browser without cookies.
 * @param fetch answers the requests
 * @param inside true for URLs inside the provider, where the browser follows redirects
 */
export function scriptedBrowser(fetch: Fetch, inside: (url: URL) => boolean): ScriptedBrowser {
  const cookies = new Map<string, string>();

  const open = async (url: string, init: RequestInit = {}): Promise<Visit> => {
    let next = url;
    let options = init;
    for (let hop = 0; hop <= MOST_REDIRECTS; hop += 1) {
      const headers = new Headers(options.headers);
      if (cookies.size > 0 && !headers.has('cookie'))
        headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '));
      const response = await fetch(new Request(next, { ...options, headers, redirect: 'manual' }));
      for (const line of response.headers.getSetCookie()) keep(line);
      const location = response.headers.get('location');
      if (location === null || response.status < 300 || response.status > 399) {
        return {
          url: next,
          status: response.status,
          headers: response.headers,
          html: await response.text(),
          leaves: null,
        };
      }
      const target = new URL(location, next);
      if (!inside(target))
        return {
          url: next,
          status: response.status,
          headers: response.headers,
          html: '',
          leaves: target,
        };
      next = target.href;
      options = {};
    }
    throw new Error(`more than ${MOST_REDIRECTS} redirects`);
  };
  const keep = (line: string): void => {
    const { name, value, maxAge } = parseSetCookie(line);
    if (value === undefined || value === '' || maxAge === 0) cookies.delete(name);
    else cookies.set(name, value);
  };

  return {
    cookies,
    open,
    async submit(visit, fields) {
      const form = readForm(visit.html);
      const sent = Object.entries({ ...form.fields, ...fields }).filter(
        ([, value]) => value !== null,
      );
      const body = new URLSearchParams(sent as [string, string][]);
      return await open(new URL(form.action, visit.url).href, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: body.toString(),
      });
    },
  };
}

/** The form of a page. */
export interface PageForm {
  /** Where it posts to. */
  readonly action: string;
  /** Hidden fields and ticked boxes, by name. */
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * Reads the form of a page.
 * @throws Error when the page has no form
 */
export function readForm(html: string): PageForm {
  const form = /<form\b[^>]*>/i.exec(html)?.[0];
  if (form === undefined) throw new Error(`the page has no form: ${html.slice(0, 500)}`);
  const fields: Record<string, string> = {};
  for (const [input] of html.matchAll(/<input\b[^>]*(type="hidden"|\bchecked\b)[^>]*>/gi))
    fields[attribute(input, 'name')] = attribute(input, 'value');
  return { action: attribute(form, 'action'), fields };
}

function attribute(tag: string, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(tag)?.[1] ?? '';
  return value
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
