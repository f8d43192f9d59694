/** express-openid-connect protects an application in Express, in each of its modes. */
import express from 'express';
import { auth, type ConfigParams } from 'express-openid-connect';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { freePort } from '../processes.ts';
import { services } from '../services.ts';
import { ALICE, type OpenProvider, openPage, openProvider, serve, signIn } from './provider.ts';

/** An application, and how it is registered beside what the README says. */
interface Application {
  readonly op: OpenProvider;
  readonly baseURL: string;
  readonly page: Page;
  user(): Promise<unknown>;
}

async function application(
  registered: object,
  options: (baseURL: string) => Partial<ConfigParams>,
): Promise<Application> {
  const port = await freePort();
  const baseURL = `http://localhost:${port}`;
  const op = await openProvider({ allowOutbound: [baseURL] });
  const { clientId, clientSecret } = await op.register('web', {
    redirectUris: [`${baseURL}/callback`],
    postLogoutRedirectUris: [baseURL],
  });
  const fields =
    'fields' in registered
      ? { fields: { backchannel_logout_uri: `${baseURL}/backchannel-logout` } }
      : {};
  await op.provider.clients.update(clientId, { ...registered, ...fields });
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
      ...options(baseURL),
    }),
  );
  app.get('/', (request, response) => void response.json(request.oidc.user ?? 'nobody'));
  await serve(port, app);
  const page = await openPage();
  const user = async (): Promise<unknown> =>
    JSON.parse((await page.textContent('body')) ?? '') as unknown;
  return { op, baseURL, page, user };
}

async function login({ page, baseURL, user }: Application): Promise<void> {
  await page.goto(`${baseURL}/login`);
  await signIn(page);
  await page.waitForURL(`${baseURL}/`);
  expect(await user()).toMatchObject({ name: ALICE.name, email: ALICE.email });
}

const HYBRID = { grantTypes: ['openid-hybrid'], responseTypes: ['code', 'code id_token'] };

describe.skipIf(services.chromium === null)('express-openid-connect', () => {
  it.each<[string, object, Partial<ConfigParams>]>([
    ['code', {}, { authorizationParams: { response_type: 'code' } }],
    [
      'its default, id_token by form post',
      { grantTypes: ['implicit'], responseTypes: ['id_token'] },
      {},
    ],
    ['code id_token', HYBRID, { authorizationParams: { response_type: 'code id_token' } }],
  ])(
    'signs a person in by %s, with name and email from the ID token, and logs them out',
    async (_, registered, options) => {
      const app = await application(registered, () => options);
      const { page, baseURL, user } = app;
      await login(app);
      await page.goto(`${baseURL}/logout`);
      await page.click('#logout-confirm');
      await page.waitForURL(`${baseURL}/`);
      expect(await user()).toBe('nobody');
      await page.goto(`${baseURL}/login`);
      await page.waitForSelector('#login-form');
    },
  );

  it('[Back-Channel Logout §2.5] is told of a logout that began elsewhere', async () => {
    const app = await application({ ...HYBRID, fields: {} }, () => ({
      authorizationParams: { response_type: 'code id_token' },
      backchannelLogout: { store: store() },
    }));
    await login(app);
    await app.op.provider.subjects.revoke(app.op.sub);
    await app.op.provider.deliver();
    await app.page.goto(app.baseURL);
    expect(await app.user()).toBe('nobody');
  });
});

type Store = NonNullable<Exclude<ConfigParams['backchannelLogout'], boolean | undefined>>['store'];

/** Where the application keeps logouts that it was told of. */
function store(): NonNullable<Store> {
  const kept = new Map<string, unknown>();
  return {
    get: (id: string, done: (error: unknown, value?: unknown) => void) => done(null, kept.get(id)),
    set: (id: string, value: unknown, done?: (error?: unknown) => void) => {
      kept.set(id, value);
      done?.();
    },
    destroy: (id: string, done?: (error?: unknown) => void) => {
      kept.delete(id);
      done?.();
    },
  } as unknown as NonNullable<Store>;
}
