/**
 * openid-client signs a person in with a real browser: at the standalone server on SQLite and on
 * PostgreSQL, and at the provider mounted in Express.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import type { JSONWebKeySet } from 'jose';
import * as client from 'openid-client';
import type { Browser, Page } from 'playwright-core';
import { createProvider, verifyIdToken } from 'valetkey';
import { accountsMigrations, passwordAccounts } from 'valetkey/accounts';
import { expressValetkey } from 'valetkey/express';
import { builtInPages } from 'valetkey/pages';
import { sqlDatabase } from 'valetkey/sql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, start, stop, untilUp } from '../processes.ts';
import { services } from '../services.ts';
import { launch } from './browser.ts';
import { type RelyingParty, relyingParty } from './relying-party.ts';

const PASSWORD = 'correct horse battery';
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

interface Running {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  stop(): Promise<void>;
}

/** The standalone server, set up with the commands of the command line. */
async function standalone(database: string | null, rp: RelyingParty): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-e2e-'));
  const port = await freePort();
  const env: Record<string, string> = {
    PORT: String(port),
    VALETKEY_DATA_DIR: folder,
    ...(database === null
      ? {}
      : { DATABASE_URL: database, VALETKEY_DATABASE_SCHEMA: `e2e_${randomUUID().slice(0, 8)}` }),
  };
  const command = async (...args: string[]): Promise<Record<string, string>> => {
    const program = start('src/cli/main.ts', [...args, '--json'], env);
    expect(await program.ended, program.output()).toBe(0);
    return JSON.parse(program.output()) as Record<string, string>;
  };
  await command('init');
  await command(
    'user',
    'create',
    '--username',
    'alice',
    '--password',
    PASSWORD,
    '--name',
    'Alice Example',
    '--email',
    'alice@example.com',
    '--email-verified',
  );
  const made = await command(
    'application',
    'create',
    '--name',
    'Photo Printer',
    '--redirect-uri',
    rp.redirectUri,
    '--post-logout-redirect-uri',
    rp.postLogoutRedirectUri,
    '--grant-type',
    `authorization-code ${DEVICE_GRANT}`,
  );
  const server = start('src/cli/main.ts', ['serve'], env);
  await untilUp(`http://localhost:${port}/readyz`, server);
  return {
    issuer: `http://localhost:${port}`,
    clientId: made['client_id'] ?? '',
    clientSecret: made['client_secret'] ?? '',
    async stop() {
      expect(await stop(server), 'the exit code after SIGTERM').toBe(0);
      rmSync(folder, { recursive: true });
    },
  };
}

/** An Express application that contains the provider, with a database in memory. */
async function mounted(rp: RelyingParty): Promise<Running> {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const sql = sqlDatabase({ url: 'sqlite::memory:', migrations: accountsMigrations });
  await sql.migrate();
  const accounts = passwordAccounts({ sql, issuer });
  await accounts.create({
    username: 'alice',
    password: PASSWORD,
    claims: { name: 'Alice Example', email: 'alice@example.com', email_verified: true },
  });
  const provider = createProvider({
    issuer,
    store: sql,
    accounts,
    pages: builtInPages(),
    secret: randomUUID().repeat(2),
  });
  const { client: made, clientSecret } = await provider.clients.create({
    name: 'Photo Printer',
    redirectUris: [rp.redirectUri],
    postLogoutRedirectUris: [rp.postLogoutRedirectUri],
    grantTypes: ['authorization_code', 'refresh_token', DEVICE_GRANT],
  });
  const server = createServer(
    express().use(express.urlencoded({ extended: false }), expressValetkey(provider)),
  );
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve));
  return {
    issuer,
    clientId: made.clientId,
    clientSecret: clientSecret ?? '',
    async stop() {
      await new Promise((resolve) => server.close(resolve));
      await provider.close();
      await sql.close();
    },
  };
}

const PLACES: [name: string, missing: boolean, open: (rp: RelyingParty) => Promise<Running>][] = [
  ['standalone on SQLite', services.chromium === null, async (rp) => await standalone(null, rp)],
  [
    'standalone on PostgreSQL',
    services.chromium === null || services.postgres === null,
    async (rp) => await standalone(services.postgres, rp),
  ],
  ['mounted in Express', services.chromium === null, mounted],
];

describe.each(PLACES)('%s', (_name, missing, open) => {
  describe.skipIf(missing)('openid-client in Chromium', () => {
    let rp: RelyingParty;
    let op: Running;
    let browser: Browser;
    beforeAll(async () => {
      rp = await relyingParty();
      op = await open(rp);
      browser = await launch();
    }, 120_000);
    afterAll(async () => {
      await browser.close();
      rp.close();
      await op.stop();
    });

    it('completes discovery, login, consent, tokens, userinfo, refresh, introspection, revocation and logout', async () => {
      const page = await (await browser.newContext()).newPage();
      const problems: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().includes('422'))
          problems.push(message.text());
      });
      const begun = await rp.begin(op.issuer, op.clientId, op.clientSecret);
      await page.goto(begun.url);
      await page.fill('#username', 'alice');
      await page.fill('#password', 'wrong password');
      await page.click('#login-submit');
      expect(await page.textContent('#login-problem')).toBeTruthy();
      await page.fill('#password', PASSWORD);
      await page.keyboard.press('Enter');
      await page.waitForSelector('#consent-form');
      expect(await page.textContent('main')).toContain('Photo Printer');
      await page.click('#consent-allow');
      const tokens = await client.authorizationCodeGrant(begun.config, await rp.callback(), {
        pkceCodeVerifier: begun.verifier,
        expectedState: begun.state,
        expectedNonce: begun.nonce,
      });
      const claims = tokens.claims();
      expect(claims?.iss).toBe(op.issuer);
      const jwks = (await (
        await fetch(begun.config.serverMetadata().jwks_uri ?? '')
      ).json()) as JSONWebKeySet;
      await verifyIdToken(tokens.id_token ?? '', {
        issuer: op.issuer,
        clientId: op.clientId,
        jwks,
        nonce: begun.nonce,
        accessToken: tokens.access_token,
      });

      const info = await client.fetchUserInfo(begun.config, tokens.access_token, claims?.sub ?? '');
      expect(info).toMatchObject({
        name: 'Alice Example',
        email: 'alice@example.com',
        email_verified: true,
      });
      const next = await client.refreshTokenGrant(begun.config, tokens.refresh_token ?? '');
      expect(next.claims()?.sub).toBe(claims?.sub);
      expect((await client.tokenIntrospection(begun.config, next.access_token)).active).toBe(true);
      await client.tokenRevocation(begun.config, next.refresh_token ?? '');
      expect((await client.tokenIntrospection(begun.config, next.access_token)).active).toBe(false);

      // A second sign-in shows no page, and the back button after it leads to a page, not to an
      // error of the browser.
      const again = await rp.begin(op.issuer, op.clientId, op.clientSecret);
      await page.goto(again.url);
      const repeated = await client.authorizationCodeGrant(again.config, await rp.callback(), {
        pkceCodeVerifier: again.verifier,
        expectedState: again.state,
        expectedNonce: again.nonce,
      });
      await page.goBack();
      expect(page.url()).not.toContain('chrome-error');

      const logout = client.buildEndSessionUrl(begun.config, {
        id_token_hint: repeated.id_token ?? '',
        post_logout_redirect_uri: rp.postLogoutRedirectUri,
        state: 'bye',
      });
      await page.goto(logout.href);
      await page.click('#logout-confirm');
      await page.waitForURL(`${rp.postLogoutRedirectUri}?state=bye`);
      expect((await client.tokenIntrospection(begun.config, repeated.access_token)).active).toBe(
        false,
      );
      await page.goto((await rp.begin(op.issuer, op.clientId, op.clientSecret)).url);
      await page.waitForSelector('#login-form');
      expect(problems, 'no violation of the content security policy').toEqual([]);
    });

    it('sends a cross-site POST to the authorization endpoint, which finds the session', async () => {
      const page = await (await browser.newContext()).newPage();
      const first = await rp.begin(op.issuer, op.clientId, op.clientSecret);
      await page.goto(first.url);
      await page.fill('#username', 'alice');
      await page.fill('#password', PASSWORD);
      await page.click('#login-submit');
      await page.waitForURL(/callback|interaction/);
      if (page.url().includes('interaction')) await page.click('#consent-allow');
      await rp.callback();
      const second = new URL((await rp.begin(op.issuer, op.clientId, op.clientSecret)).url);
      await page.goto(rp.origin);
      const fields = [...second.searchParams].map(
        ([name, value]) => `<input name="${name}" value="${value}">`,
      );
      await page.setContent(
        `<form method="post" action="${second.origin}${second.pathname}">${fields.join('')}</form>`,
      );
      await page.evaluate('document.forms[0].submit()');
      expect((await rp.callback()).searchParams.get('state')).toBe(
        second.searchParams.get('state'),
      );
    });

    const signIn = async (page: Page): Promise<void> => {
      await page.fill('#username', 'alice');
      await page.fill('#password', PASSWORD);
      await page.click('#login-submit');
    };

    it('[RFC9126 §2.1] [RFC9126 §4] signs in with a pushed request', async () => {
      const page = await (await browser.newContext()).newPage();
      const begun = await rp.begin(op.issuer, op.clientId, op.clientSecret);
      const parameters = new URL(begun.url).searchParams;
      const url = await client.buildAuthorizationUrlWithPAR(begun.config, parameters);
      expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
      await page.goto(url.href);
      await signIn(page);
      await page.waitForURL(/callback|interaction/);
      if (page.url().includes('interaction')) await page.click('#consent-allow');
      const tokens = await client.authorizationCodeGrant(begun.config, await rp.callback(), {
        pkceCodeVerifier: begun.verifier,
        expectedState: begun.state,
        expectedNonce: begun.nonce,
      });
      expect(tokens.claims()?.iss).toBe(op.issuer);
    });

    it('[RFC8628 §3.3] [RFC8628 §3.5] signs a device in', async () => {
      const page = await (await browser.newContext()).newPage();
      const { config } = await rp.begin(op.issuer, op.clientId, op.clientSecret);
      const device = await client.initiateDeviceAuthorization(config, { scope: 'openid profile' });
      const polling = client.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 });
      polling.catch(() => undefined);
      await page.goto(device.verification_uri);
      await page.fill('#user-code', 'BCDF-GHJK');
      await page.keyboard.press('Enter');
      await page.waitForSelector('#device-problem');
      await page.fill('#user-code', device.user_code.toLowerCase().replace('-', ' '));
      await page.keyboard.press('Enter');
      await signIn(page);
      await page.waitForSelector('#device-confirmation-form');
      expect(await page.textContent('#device-code')).toBe(device.user_code);
      expect(await page.textContent('#device-place')).toMatch(/127\.0\.0\.1|::1/);
      await page.click('#device-allow');
      await page.waitForSelector('#device-allowed');
      await page.reload();
      await page.waitForSelector('#device-allowed');
      const tokens = await polling;
      expect(tokens.claims()).toMatchObject({ iss: op.issuer, aud: op.clientId });
      const again = client.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 });
      await expect(again).rejects.toMatchObject({ error: 'invalid_grant' });
    });

    it('receives the answer with form_post', async () => {
      const page = await (await browser.newContext()).newPage();
      const begun = await rp.begin(op.issuer, op.clientId, op.clientSecret);
      await page.goto(`${begun.url}&response_mode=form_post&prompt=none`);
      await page.waitForSelector('#rp');
      expect((await rp.callback()).search).toBe('');
    });
  });
});
