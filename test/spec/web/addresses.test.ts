/** Where endpoints live, and which of their addresses are told. */
import type { Config } from 'valetkey';
import { describe, expect, it } from 'vitest';
import { authorizeParams, browserOf, logIn, makeWorld, pkce, type World } from '../setup.ts';

const discovered = async (world: World): Promise<Record<string, unknown>> => {
  const { provider } = world;
  const url = `${provider.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await provider.fetch(new Request(url));
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
};

describe('an issuer with a path', () => {
  it.each<[Partial<Config>, string]>([
    [{ issuer: 'https://op.example/auth/v1' }, 'https://op.example/auth/v1/token/'],
    [{ issuer: 'https://op.example/o' }, 'https://op.example/o/token/'],
    [{ issuer: 'https://op.example/auth', basePath: '/o' }, 'https://op.example/o/token/'],
    [{ issuer: 'https://op.example' }, 'https://op.example/o/token/'],
    [{ issuer: 'https://op.example', trailingSlash: false }, 'https://op.example/o/token'],
  ])('[OIDC Discovery §3] %o has its token endpoint at %s', async (options, url) => {
    const world = await makeWorld(options);
    expect((await discovered(world))['token_endpoint']).toBe(url);
    expect(world.provider.url('token')).toBe(url);
  });
});

describe('a slash at the end of addresses', () => {
  it.each([true, false])('with trailingSlash %s both forms answer', async (trailingSlash) => {
    const world = await makeWorld({ trailingSlash });
    const metadata = await discovered(world);
    const urls = Object.entries(metadata)
      .filter(([name]) => name.endsWith('_endpoint'))
      .map(([, url]) => String(url));
    expect(urls.length).toBeGreaterThan(5);
    for (const url of urls) {
      expect(url.endsWith('/')).toBe(trailingSlash);
      const bare = url.replace(/\/$/, '');
      const statuses = [bare, `${bare}/`].map(
        async (one) => (await world.provider.fetch(new Request(one))).status,
      );
      const [first, second] = await Promise.all(statuses);
      expect([first === 404, first]).toEqual([false, second]);
    }
  });
  it('without it a whole sign-in never meets a slash at the end', async () => {
    const world = await makeWorld({ trailingSlash: false });
    const browser = browserOf(world);
    const params = authorizeParams(world, pkce().challenge);
    const login = await browser.open(`${world.provider.url('authorize')}?${params}`);
    const consent = await logIn(browser, login);
    for (const { url, html } of [login, consent]) {
      expect(new URL(url).pathname).not.toMatch(/\/$/);
      expect(html).toMatch(/action="https:\/\/op\.example\/o\/interaction"/);
    }
    const style = /href="([^"]*style[^"]*)"/.exec(login.html)?.[1] ?? '';
    expect((await world.provider.fetch(new Request(style))).status).toBe(200);
  });
});

describe('a request to another name of the computer that the issuer is on', () => {
  const issuer = 'http://localhost:3000';
  const get = async (world: World, url: string, method = 'GET'): Promise<Response> =>
    await world.provider.fetch(new Request(url, { method }));

  it.each(['127.0.0.1', '[::1]'])('at %s sends the browser to the issuer', async (host) => {
    const world = await makeWorld({ issuer });
    const params = authorizeParams(world, pkce().challenge);
    const response = await get(world, `http://${host}:3000/o/authorize/?${params}`);
    expect([response.status, response.headers.get('location')]).toEqual([
      303,
      `${issuer}/o/authorize/?${params}`,
    ]);
  });
  it.each([
    ['another port, as behind a forwarded one', 'http://127.0.0.1:8080/o/authorize/', 'GET'],
    ['another computer', 'http://op.example:3000/o/authorize/', 'GET'],
    ['a form', 'http://127.0.0.1:3000/o/authorize/', 'POST'],
    ['an endpoint for programs', 'http://127.0.0.1:3000/o/jwks/', 'GET'],
    ['the issuer', 'http://localhost:3000/o/authorize/', 'GET'],
  ])('answers %s itself', async (_what, url, method) => {
    expect((await get(await makeWorld({ issuer }), url, method)).status).not.toBe(303);
  });
  it('and an issuer on the network sends nobody', async () => {
    const response = await get(await makeWorld(), 'https://127.0.0.1/o/authorize/');
    expect(response.status).not.toBe(303);
  });
});
