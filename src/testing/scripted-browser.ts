/**
 * A browser without a screen for tests: keeps cookies, follows redirects inside the provider, fills
 * in and submits the one form of a page. It knows HTML only as far as the built-in pages use it;
 * real browsers are used where looks or scripts matter.
 */
import { parseSetCookie } from 'cookie';

/** Anything that answers requests: a provider, a host's app, or the global fetch. */
export type Fetch = (request: Request) => Promise<Response>;

/** Where the browser stands. */
export interface Visit {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
  /**
   * Set when the last answer sends the browser to an address outside the provider: the relying
   * party.
   */
  readonly leaves: URL | null;
}

/** A browser for tests. */
export interface ScriptedBrowser {
  /** Opens an address and follows redirects inside. */
  open(url: string, init?: RequestInit): Promise<Visit>;
  /** Submits the form of a page with its hidden fields and these. */
  submit(visit: Visit, fields: Readonly<Record<string, string>>): Promise<Visit>;
  /** What it keeps, by name. */
  readonly cookies: Map<string, string>;
}

const MOST_REDIRECTS = 10;

/**
 * @param fetch who answers
 * @param inside true for addresses the browser may follow to
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
      const body = new URLSearchParams({ ...form.fields, ...fields });
      return await open(new URL(form.action, visit.url).href, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: body.toString(),
      });
    },
  };
}

/** Action and hidden fields of the form of a page. @throws Error when there is none */
export function readForm(html: string): {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
} {
  const form = /<form\b[^>]*>/i.exec(html)?.[0];
  if (form === undefined) throw new Error(`the page has no form: ${html.slice(0, 500)}`);
  const fields: Record<string, string> = {};
  for (const [input] of html.matchAll(/<input\b[^>]*type="hidden"[^>]*>/gi))
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
