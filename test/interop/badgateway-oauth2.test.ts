/** @badgateway/oauth2-client, which speaks OAuth without OpenID Connect, from discovery on. */
import { generateCodeVerifier, OAuth2Client } from '@badgateway/oauth2-client';
import { describe, expect, it } from 'vitest';
import { freePort } from '../processes.ts';
import { services } from '../services.ts';
import { ALICE, openPage, openProvider, serve, signIn } from './provider.ts';

describe.skipIf(services.chromium === null)('@badgateway/oauth2-client', () => {
  it('gets tokens for a person, renews them, asks about them, and revokes them', async () => {
    const port = await freePort();
    const redirectUri = `http://localhost:${port}/callback`;
    const op = await openProvider();
    const { clientId, clientSecret } = await op.register('web', { redirectUris: [redirectUri] });
    await serve(port, (_, response) => void response.end('Signed in.'));
    const client = new OAuth2Client({ server: op.issuer, clientId, clientSecret });
    const page = await openPage();

    const codeVerifier = await generateCodeVerifier();
    const state = 'a state';
    await page.goto(
      await client.authorizationCode.getAuthorizeUri({ redirectUri, state, codeVerifier }),
    );
    await signIn(page);
    await page.waitForURL(/\/callback\?/);
    const checks = { redirectUri, state, codeVerifier };
    const first = await client.authorizationCode.getTokenFromCodeRedirect(page.url(), checks);
    const tokens = await client.refreshToken(first);
    expect(tokens.accessToken).not.toBe(first.accessToken);
    expect(await client.introspect(tokens)).toMatchObject({
      active: true,
      client_id: clientId,
      username: ALICE.username,
    });
    await client.revoke(tokens);
    expect(await client.introspect(tokens)).toEqual({ active: false });
  });
});
