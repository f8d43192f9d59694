/**
 * Nothing that is stored or sent becomes markup: in a real browser no text runs a script, loads
 * something or leads a form elsewhere, and a page has the elements of its template alone.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch } from '../interop/browser.ts';
import { services } from '../services.ts';
import { STRINGS } from './script-strings.ts';
import { PAGES, statesIn } from './views.ts';
import { type Watched, watchedPage, writtenShapes } from './watched-page.ts';

const NAMES = Object.keys(STRINGS);
const LANGUAGES = ['en', 'de', 'fr'];
const ADDRESS = 'https://app.example/?';

/** Addresses of our origin, or that were checked when they were registered: the text is in them. */
const CHECKED = ['homeUrl', 'discoveryUrl', 'action', 'url', 'frames'];
/** Addresses that a template itself checks. */
const LINKS = ['clientUri', 'policyUri', 'tosUri'];
/** From a list of ours, or from the issuer alone. */
const KEPT = ['problem', 'assetsUrl', 'locales'];

type Member = string | null | readonly Member[] | { readonly [name: string]: Member };

/** The view with the text in every member that is a text, and in the name of a field. */
function filled(text: string, link: string | null, value: Member, name = ''): Member {
  const address = `/own/${name}?${text}`;
  if (KEPT.includes(name)) return value;
  if (LINKS.includes(name)) return link;
  if (name === 'frames') return [address];
  if (name === 'logoUrl') return `data:image/gif,${text}`;
  if (name === 'accountUrl') return address;
  if (typeof value === 'string') return CHECKED.includes(name) ? address : text;
  if (Array.isArray(value)) return value.map((one) => filled(text, link, one));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, one]) => [key, filled(text, link, one, key)]);
  return { ...Object.fromEntries(members), ...(name === 'fields' ? { [text]: text } : {}) };
}

/** Every state in a language, filled with the text. */
function drawn(language: string, text: string, link: string | null): Record<string, string> {
  return statesIn(language, (view) => filled(text, link, view as never) as never);
}

const PLAIN = drawn('en', 'text', null);
/** The states that show a link of the application, without it. */
function unlinkedBy(text: string): Record<string, string> {
  const withLinks = drawn('en', 'text', ADDRESS);
  const pages = Object.entries(drawn('en', text, text));
  return Object.fromEntries(pages.filter(([state]) => withLinks[state] !== PLAIN[state]));
}

/** Places where a text stands as it is. */
const UNESCAPED: readonly ((text: string) => string)[] = [
  (text) => `<!DOCTYPE html><title>x</title><p>${text}</p>`,
  (text) => `<!DOCTYPE html><title>${text}</title><p>x</p>`,
  (text) => `<!DOCTYPE html><title>x</title><style>${text}</style>`,
  (text) => `<!DOCTYPE html><title>x</title><script>const x = "${text}";</script>`,
  (text) => `<!DOCTYPE html><title>x</title><input value="${text}">`,
  (text) => `<!DOCTYPE html><title>x</title><input value='${text}'>`,
  (text) => `<!DOCTYPE html><title>x</title><input value=${text}>`,
  (text) => `<!DOCTYPE html><title>x</title><a href="${text}">x</a>`,
  (text) => `<!DOCTYPE html><title>x</title><form action="${text.normalize('NFKC')}"></form>`,
];

describe.skipIf(services.chromium === null)('a text in every member of every view', () => {
  let browser: Browser;
  let server: Server;
  let watched: Watched;
  const linked = new Map<string, readonly string[]>();
  let unlinked: readonly string[];

  beforeAll(async () => {
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '', 'http://localhost');
      const asset = PAGES.assets[pathname.replace('/assets/', '')];
      response.setHeader('Content-Type', asset?.contentType ?? 'text/html');
      response.setHeader('Cache-Control', 'max-age=3600');
      // Script and style of the pages are in force in the other test.
      response.end('');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await launch();
    watched = await watchedPage(browser, (url) => url.origin === origin);
    await watched.page.goto(`${origin}/`);
    unlinked = await shapesOf(unlinkedBy('text'));
    for (const language of LANGUAGES)
      linked.set(language, await shapesOf(drawn(language, 'text', ADDRESS)));
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  async function shapesOf(pages: Readonly<Record<string, string>>): Promise<readonly string[]> {
    const shapes = await writtenShapes(watched.page, Object.values(pages));
    return Object.keys(pages).map((page, index) => [page, ...(shapes[index] ?? [])].join('\n'));
  }

  // There is no policy here: the templates alone have to hold. One language for each text is enough
  // to show it in every state, and twenty texts to show it in every language.
  it.each(NAMES)('UI-05 UI-06 is a text: %s', async (name) => {
    const text = STRINGS[name] ?? '';
    const language = LANGUAGES[NAMES.indexOf(name) % LANGUAGES.length] ?? '';
    const pages = drawn(language, text, ADDRESS + text);
    expect(await shapesOf(pages)).toEqual(linked.get(language));
    expect(await shapesOf(unlinkedBy(text))).toEqual(unlinked);
    expect(watched.notes()).toEqual([]);
  });

  it('each does something where it is taken for markup, and the browser tells', async () => {
    const written = async (text: string): Promise<readonly string[]> =>
      (
        await writtenShapes(
          watched.page,
          UNESCAPED.map((place) => place(text)),
        )
      ).map(String);
    const plain = await written('text');
    for (const name of NAMES) expect(await written(STRINGS[name] ?? ''), name).not.toEqual(plain);
    const notes = watched.notes();
    expect(notes).toContain('ran: alert 1');
    expect(notes).toContain('request: GET http://evil.example/x.css');
  });
});
