/** express-openid-connect, in its code mode, protects an application in Express. */
import express from 'express';
import { auth } from 'express-openid-connect';
import { describe, expect, it } from 'vitest';
import { freePort } from '../processes.ts';
import { services } from '../services.ts';
import { ALICE, openPage, openProvider, serve, signIn } from './provider.ts';

describe.skipIf(services.chromium === null)('express-openid-connect', () => {
  it('signs a person in, with name and email from the ID token, and logs them out', async () => {
    const port = await freePort();
    const baseURL = `http://localhost:${port}`;
    const op = await openProvider();
    const { clientId, clientSecret } = await op.register('web', {
      redirectUris: [`${baseURL}/callback`],
      postLogoutRedirectUris: [baseURL],
    });
    const app = express();
    app.use(
      auth({
        issuerBaseURL: op.issuer,
        baseURL,
        clientID: clientId,
        clientSecret,
        secret: 'a secret of the application, for tests only',
        authRequired: false,
        idpLogout: true,
        authorizationParams: { response_type: 'code' },
      }),
    );
    app.get('/', (request, response) => void response.json(request.oidc.user ?? 'nobody'));
    await serve(port, app);
    const page = await openPage();
    const user = async (): Promise<unknown> =>
      JSON.parse((await page.textContent('body')) ?? '') as unknown;

    await page.goto(`${baseURL}/login`);
    await signIn(page);
    await page.waitForURL(`${baseURL}/`);
    expect(await user()).toMatchObject({ name: ALICE.name, email: ALICE.email });

    await page.goto(`${baseURL}/logout`);
    await page.click('#logout-confirm');
    await page.waitForURL(`${baseURL}/`);
    expect(await user()).toBe('nobody');
    await page.goto(`${baseURL}/login`);
    await page.waitForSelector('#login-form');
  });
});
