/** Auth.js with a provider of its type `oidc`, which reads names from the ID token alone. */
import { Auth, type AuthConfig } from '@auth/core';
import { getRequestListener } from '@hono/node-server';
import { describe, expect, it } from 'vitest';
import { freePort } from '../processes.ts';
import { services } from '../services.ts';
import { ALICE, openPage, openProvider, serve, signIn } from './provider.ts';

describe.skipIf(services.chromium === null)('Auth.js', () => {
  it('signs a person in, with name and email from the ID token', async () => {
    const port = await freePort();
    const app = `http://localhost:${port}`;
    const op = await openProvider();
    const { clientId, clientSecret } = await op.register('web', {
      redirectUris: [`${app}/auth/callback/valetkey`],
    });
    const config: AuthConfig = {
      providers: [
        {
          id: 'valetkey',
          name: 'Valetkey',
          type: 'oidc',
          issuer: op.issuer,
          clientId,
          clientSecret,
        },
      ],
      secret: 'a secret of the application, for tests only',
      basePath: '/auth',
      trustHost: true,
    };
    const listener = getRequestListener(async (request) =>
      new URL(request.url).pathname.startsWith('/auth/')
        ? await Auth(request, config)
        : new Response(null, { status: 404 }),
    );
    await serve(port, listener);
    const page = await openPage();

    await page.goto(`${app}/auth/signin?callbackUrl=/auth/session`);
    await page.click('button:has-text("Valetkey")');
    await signIn(page);
    await page.waitForURL(`${app}/auth/session`);
    const { user } = JSON.parse((await page.textContent('body')) ?? '') as { user: object };
    expect(user).toMatchObject({ name: ALICE.name, email: ALICE.email });
  });
});
