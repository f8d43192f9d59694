/** better-auth signs a person in with its plugin for any provider, configured by discovery. */
import { getRequestListener } from '@hono/node-server';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { genericOAuth } from 'better-auth/plugins';
import { describe, expect, it } from 'vitest';
import { freePort } from '../processes.ts';
import { services } from '../services.ts';
import { ALICE, openPage, openProvider, serve, signIn } from './provider.ts';

describe.skipIf(services.chromium === null)('better-auth', () => {
  it('signs a person in, who has a session with name and email', async () => {
    const port = await freePort();
    const app = `http://localhost:${port}`;
    const op = await openProvider();
    const { clientId, clientSecret } = await op.register('web', {
      redirectUris: [`${app}/api/auth/callback/valetkey`],
    });
    const auth = betterAuth({
      baseURL: app,
      secret: 'a secret of the application, for tests only',
      database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
      telemetry: { enabled: false },
      plugins: [
        genericOAuth({
          config: [
            {
              providerId: 'valetkey',
              discoveryUrl: `${op.issuer}/.well-known/openid-configuration`,
              clientId,
              clientSecret,
              scopes: ['openid', 'profile', 'email'],
            },
          ],
        }),
      ],
    });
    await serve(port, getRequestListener(auth.handler));
    const page = await openPage();

    // What its browser client does: ask for the address, and go there.
    await page.goto(`${app}/api/auth/ok`);
    const { data } = await page.evaluate(async () => {
      const response = await fetch('/api/auth/sign-in/social', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ provider: 'valetkey', callbackURL: '/api/auth/get-session' }),
      });
      return { data: (await response.json()) as { url: string } };
    });
    await page.goto(data.url);
    await signIn(page);
    await page.waitForURL(`${app}/api/auth/get-session`);
    const { user } = JSON.parse((await page.textContent('body')) ?? '') as { user: object };
    expect(user).toMatchObject({ name: ALICE.name, email: ALICE.email, emailVerified: true });
  });
});
