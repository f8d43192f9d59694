/**
 * What applications and people send to a provider is text on its pages: a real browser loads the
 * answers with their headers, runs no script of it, loads and sends nothing elsewhere, and sees no
 * violation of the policy. The addresses of provider and application are those of a local server.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import type { Visit } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { launch } from '../interop/browser.ts';
import { services } from '../services.ts';
import { ISSUER, REDIRECT_URI } from '../spec/setup.ts';
import { answersTo, FRAME, RP, type Visits } from './script-answers.ts';
import { STRINGS } from './script-strings.ts';
import { PAGES } from './views.ts';
import { shapeOf, type Watched, watchedPage, writtenShapes } from './watched-page.ts';

const NAMES = Object.keys(STRINGS);
const WRITTEN = '/written';
/** Going to a page takes long: each text is gone to on every sixth page, in turn. */
const EVERY = 6;

const isPosted = ({ html }: Visit): boolean => html.includes('<form id="response-form"');

describe.skipIf(services.chromium === null)('a text from outside', () => {
  let browser: Browser;
  let watched: Watched;
  let writer: Page;
  // On one host, because Chromium starts a process for each.
  const servers: Server[] = [];
  let [port, otherPort] = [0, 0];
  let current: Visit | null = null;
  let posted: URLSearchParams | null = null;
  /** Shapes of the answers to a harmless text, those that were gone to and those written. */
  const gone = new Set<string>();
  const written = new Set<string>();
  const seen = new Set<string>();

  /** With addresses of the local server. */
  const here = (text: string, prefix = ''): string =>
    text
      .replaceAll(ISSUER, `http://127.0.0.1:${port}${prefix}`)
      .replaceAll(RP, `http://127.0.0.1:${otherPort}`);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '', method, headers } = request;
    const asset = PAGES.assets[/\/assets\/([a-z.]+)\?/.exec(url)?.[1] ?? ''];
    if (headers.host?.endsWith(`:${otherPort}`) === true) {
      let body = '';
      for await (const chunk of request) body += chunk;
      if (method === 'POST') posted = new URLSearchParams(body);
      // The browser stays on the page that posts.
      response.writeHead(method === 'POST' ? 204 : 200).end();
    } else if (asset !== undefined) {
      response
        .setHeader('Content-Type', asset.contentType)
        .setHeader('Cache-Control', 'max-age=60');
      // Where answers are written, nothing waits for script and style.
      response.end(url.startsWith(WRITTEN) ? '' : asset.body);
    } else if (headers['sec-fetch-dest'] === 'document' && current !== null) {
      const own = [...current.headers].map(([name, value]) => [name, here(value)] as const);
      response.writeHead(current.status, Object.fromEntries(own)).end(here(current.html));
    } else response.setHeader('Content-Type', 'text/html').end();
  }

  beforeAll(async () => {
    const ports = [0, 0].map(async () => {
      const server = createServer((request, response) => void answer(request, response));
      servers.push(server);
      await once(server.listen(0, '127.0.0.1'), 'listening');
      return (server.address() as AddressInfo).port;
    });
    [port = 0, otherPort = 0] = await Promise.all(ports);
    browser = await launch();
    const others = [`GET ${here(FRAME)}`, `POST ${here(REDIRECT_URI)}`];
    watched = await watchedPage(browser, ({ origin, pathname }, method) =>
      method === 'GET' && origin === here(ISSUER)
        ? true
        : others.includes(`${method} ${origin}${pathname}`),
    );
    writer = await watched.context.newPage();
    await writer.goto(here(`${ISSUER}${WRITTEN}`));
    watched.notes();
    const answers = await answersTo('text', seen);
    for (const visit of answers.values()) gone.add((await goTo(visit)).shape);
    for (const shape of await write(answers)) written.add(shape);
    expect(watched.notes()).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) server.close();
  });

  /** Goes to an answer as it came, with its headers. */
  async function goTo(visit: Visit): Promise<{ shape: string; state: string | null }> {
    [current, posted] = [visit, null];
    const waitUntil = isPosted(visit) ? 'commit' : 'load';
    await watched.page.goto(here(new URL(visit.url).href), { waitUntil });
    const form = isPosted(visit) ? await vi.waitUntil(() => posted, { interval: 2 }) : null;
    return { shape: String(await shapeOf(watched.page)), state: form?.get('state') ?? null };
  }

  /** Writes all answers but those that post themselves into a page without a policy. */
  async function write(answers: Visits): Promise<readonly string[]> {
    const shown = [...answers.values()].filter((visit) => !isPosted(visit));
    return (
      await writtenShapes(
        writer,
        shown.map(({ html }) => here(html, WRITTEN)),
      )
    ).map(String);
  }

  it.each(NAMES)('UI-05 UI-07 UI-08 is a text: %s', async (name) => {
    const text = STRINGS[name] ?? '';
    const answers = await answersTo(text, seen);
    expect(answers.size).toBeGreaterThan(15);
    for (const shape of await write(answers)) expect(written).toContain(shape);
    // A form sends every end of a line as CRLF, and no half characters.
    const typed = text.replaceAll('\0', '').replace(/\r\n|[\r\n]/g, '\r\n');
    const sent = Buffer.from(typed).toString();
    for (const [index, [page, visit]] of [...answers].entries()) {
      if (!isPosted(visit) && (index + NAMES.indexOf(name)) % EVERY > 0) continue;
      const { shape, state } = await goTo(visit);
      expect(gone, page).toContain(shape);
      if (isPosted(visit)) expect([page, state]).toEqual([page, sent]);
    }
    expect(watched.notes()).toEqual([]);
  });
});
