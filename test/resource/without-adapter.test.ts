/** Protecting routes that need no adapter of their own: `node:http`, and handlers of Next.js. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expressProtect } from 'valetkey/resource/express';
import { expect, it, onTestFinished } from 'vitest';
import { apiOf, request } from './apis.ts';

const TOKENS = { good: {} };

it('expressProtect takes the requests of node:http', async () => {
  const protect = expressProtect(apiOf(TOKENS).api);
  const forGood = protect({});
  const server = createServer((incoming, response) => {
    protect.metadata(incoming, response, () => {
      forGood(incoming, response, () => void response.end('photos'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = async (path: string, token: string): Promise<Response> =>
    await fetch(origin + path, { headers: { authorization: `Bearer ${token}` } });
  expect((await ask('/v1/photos', 'bad')).status).toBe(401);
  expect(await (await ask('/v1/photos', 'good')).text()).toBe('photos');
  const document = await ask('/.well-known/oauth-protected-resource/v1', 'bad');
  expect(await document.json()).toMatchObject({ authorization_servers: [expect.any(String)] });
});

it('what protect makes is a route handler of Next.js, which passes a context of its own', async () => {
  const { api } = apiOf(TOKENS);
  const GET = api.protect({}, (_request, { sub }) => Response.json({ sub }));
  const context = { params: Promise.resolve({}) } as object;
  expect((await GET(request('Bearer bad'), context)).status).toBe(401);
  expect((await GET(request('Bearer good'), context)).status).toBe(200);
});
