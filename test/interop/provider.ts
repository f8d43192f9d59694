/**
 * A provider in Express with its defaults and one person, a place where an application is served,
 * and what the person does. Everything is closed when the test has finished.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import express from 'express';
import type { Page } from 'playwright-core';
import {
  type ClientKind,
  type ClientMetadata,
  type Config,
  createProvider,
  metadataOfKind,
  type Provider,
} from 'valetkey';
import { accountsMigrations, passwordAccounts } from 'valetkey/accounts';
import { expressValetkey } from 'valetkey/express';
import { builtInPages } from 'valetkey/pages';
import { sqlDatabase } from 'valetkey/sql';
import { onTestFinished } from 'vitest';
import { freePort } from '../processes.ts';
import { launch } from './browser.ts';

export const ALICE = {
  username: 'alice',
  password: 'correct horse battery',
  name: 'Alice Example',
  email: 'alice@example.com',
};

export interface OpenProvider {
  readonly issuer: string;
  /** The subject of the person. */
  readonly sub: string;
  readonly provider: Provider;
  /** Registers an application as the README says, with nothing but its kind and addresses. */
  register(
    kind: ClientKind,
    addresses: Pick<Partial<ClientMetadata>, 'redirectUris' | 'postLogoutRedirectUris'>,
  ): Promise<{ readonly clientId: string; readonly clientSecret: string }>;
}

/** @param options what differs from the defaults */
export async function openProvider(options: Partial<Config> = {}): Promise<OpenProvider> {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const sql = sqlDatabase({ url: 'sqlite::memory:', migrations: accountsMigrations });
  await sql.migrate();
  const accounts = passwordAccounts({ sql, issuer });
  const { username, password, name, email } = ALICE;
  const claims = { name, email, email_verified: true };
  const { sub } = await accounts.create({ username, password, claims });
  const secret = randomUUID().repeat(2);
  const own = { issuer, store: sql, accounts, pages: builtInPages(), secret };
  const provider = createProvider({ ...own, ...options });
  onTestFinished(async () => {
    await provider.close();
    await sql.close();
  });
  await serve(port, express().use(expressValetkey(provider)));
  return {
    issuer,
    sub,
    provider,
    async register(kind, addresses) {
      const { client, clientSecret } = await provider.clients.create(
        metadataOfKind(kind, { name: 'Photo Printer', ...addresses }),
      );
      return { clientId: client.clientId, clientSecret: clientSecret ?? '' };
    },
  };
}

/** Serves an application at `http://localhost:<port>`. */
export async function serve(port: number, listener: RequestListener): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve));
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
}

/** A page of a new Chromium. */
export async function openPage(): Promise<Page> {
  const browser = await launch();
  onTestFinished(async () => await browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  return page;
}

/** Fills in the login page, and allows what the application asks for. */
export async function signIn(page: Page): Promise<void> {
  await page.fill('#username', ALICE.username);
  await page.fill('#password', ALICE.password);
  await page.click('#login-submit');
  await page.click('#consent-allow');
}
