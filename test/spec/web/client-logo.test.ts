/** Logos of applications, through this origin. Rules RG-05, OB. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { browserOf, ISSUER, makeWorld, openAuthorize, reasonOf, type World } from '../setup.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
let server: Server;
let origin: string;
let answer: { type: string; body: Buffer | string };
let asked: string[];
let world: World;

beforeEach(async () => {
  asked = [];
  answer = { type: 'image/png', body: PNG };
  server = createServer((request, response) => {
    asked.push(`${request.headers.referer ?? ''}${request.headers.cookie ?? ''}${request.url}`);
    response.setHeader('content-type', answer.type).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  world = await makeWorld({ allowOutbound: [origin] });
  await world.provider.clients.update(world.web.clientId, { logoUri: `${origin}/logo` });
});
afterEach(async () => {
  await world.provider.close();
  await new Promise((resolve) => server.close(resolve));
});

const logoOf = (html: string): string => /<img src="([^"]*client-logo[^"]*)"/.exec(html)?.[1] ?? '';
const get = async (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  await world.provider.fetch(new Request(url, { headers }));

describe('the logo of an application', () => {
  it('RG-05 is on its pages at this origin, and is fetched once, without a word of who asks', async () => {
    const { html } = await openAuthorize(world, browserOf(world));
    const url = logoOf(html);
    expect(url).toMatch(new RegExp(`^${ISSUER}/o/client-logo/${world.web.clientId}\\?v=`));
    expect(html).not.toContain(origin);
    const pictures = await Promise.all(
      Array.from({ length: 20 }, async () => await get(url, { cookie: 'a=b', referer: ISSUER })),
    );
    for (const picture of pictures) {
      expect(Buffer.from(await picture.arrayBuffer())).toEqual(PNG);
      expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/png']);
    }
    expect(asked).toEqual(['/logo']);
    const [first] = pictures;
    expect([
      first?.headers.get('content-security-policy'),
      first?.headers.get('x-content-type-options'),
    ]).toEqual(["default-src 'none'; sandbox", 'nosniff']);
    const etag = first?.headers.get('etag') ?? '';
    expect((await get(url, { 'if-none-match': etag })).status).toBe(304);
  });
  it.each<[string, Buffer | string, string]>([
    ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', 'image/svg+xml'],
    ['an SVG that is called PNG', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/png'],
    ['HTML that is called PNG', '<html><script>alert(1)</script>', 'image/png'],
    ['nothing', '', 'image/png'],
    ['a large picture', Buffer.concat([PNG, Buffer.alloc(200_000)]), 'image/png'],
  ])('RG-05 that is %s is not shown', async (_what, body, type) => {
    answer = { type, body };
    const { html } = await openAuthorize(world, browserOf(world));
    const response = await get(logoOf(html));
    expect([response.status, response.headers.get('content-type')]).toEqual([
      404,
      'text/html; charset=utf-8',
    ]);
    expect(world.reasons.at(-1)).toBe('logo_unavailable');
    // The letter stands behind it.
    expect(html).toMatch(/aria-hidden="true">W<img /);
  });
  it('has the type that its bytes have, whatever it is called', async () => {
    answer = { type: 'text/html', body: PNG };
    const { html } = await openAuthorize(world, browserOf(world));
    expect((await get(logoOf(html))).headers.get('content-type')).toBe('image/png');
  });
  it.each(['unknown', '..%2f..', 'x'.repeat(300)])('is not there for %s', async (id) => {
    const visit = await browserOf(world).open(`${ISSUER}/o/client-logo/${id}`);
    expect([visit.status, reasonOf(visit)]).toEqual([404, 'logo_unavailable']);
    expect(asked).toEqual([]);
  });
  it('is not there for an application without one, or one that is disabled', async () => {
    const { html } = await openAuthorize(world, browserOf(world));
    const url = logoOf(html);
    await world.provider.clients.update(world.web.clientId, { disabled: true });
    expect((await get(url)).status).toBe(404);
    expect((await get(`${ISSUER}/o/client-logo/${world.other.clientId}`)).status).toBe(404);
    expect(asked).toEqual([]);
  });
  it('OB-04 is not fetched from inside the network', async () => {
    await world.provider.clients.update(world.web.clientId, {
      logoUri: 'https://169.254.169.254/latest',
    });
    const { html } = await openAuthorize(world, browserOf(world));
    expect((await get(logoOf(html))).status).toBe(404);
  });
});
