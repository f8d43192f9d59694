/**
 * Several servers of the command line as processes on one database, with one person, one
 * application, and a browser that is signed in.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientMetadata } from 'valetkey';
import { assemble, readSettings } from 'valetkey/server';
import { type ScriptedBrowser, scriptedBrowser, type Visit } from 'valetkey/testing';
import type { DatabaseKind } from '../databases.ts';
import { freePort, type Program, start, stop, untilUp } from '../processes.ts';

export const PASSWORD = 'correct horse battery';
export const REDIRECT_URI = 'https://rp.example/cb';
export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

export interface Cluster {
  readonly issuer: string;
  /** The application. */
  readonly clientId: string;
  /** The Authorization header by which the application proves itself. */
  readonly authorization: string;
  /** The environment of the servers. */
  readonly env: Readonly<Record<string, string>>;
  /** Where each server listens. */
  readonly origins: readonly string[];
  /** Starts the servers. After an end they continue with the same database. */
  start(): Promise<void>;
  /** Sends a signal to each server by its process id, and waits until all have ended. */
  end(signal: NodeJS.Signals): Promise<void>;
  /**
   * Gets a code for the signed-in person, with its verifier. Only the first call goes through the
   * login and consent pages.
   */
  code(): Promise<Grant>;
  /** Signs the person in with a browser of its own, and gets a code there. */
  signIn(): Promise<Grant>;
  /** A device code that the signed-in person allowed. Call it after the first `code()`. */
  deviceCode(): Promise<string>;
  /**
   * Posts a form to an endpoint of server `index`, authenticated as the application. Rejects when
   * the answer is incomplete.
   */
  post(
    endpoint: 'token' | 'introspect' | 'revoke_token' | 'device_authorization',
    form: Readonly<Record<string, string>>,
    index?: number,
  ): Promise<Reply>;
  /** The parameters that redeem a code. */
  exchange(grant: Grant): Record<string, string>;
  remove(): Promise<void>;
}

export interface Grant {
  readonly code: string;
  readonly verifier: string;
}

export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
}

/**
 * @param more environment variables of the servers
 * @param registration what differs in the registration of the application
 */
export async function makeCluster(
  kind: DatabaseKind,
  size: number,
  more: Readonly<Record<string, string>> = {},
  registration: Partial<ClientMetadata> = {},
): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-cluster-'));
  const empty = kind.make();
  const ports = await Promise.all(Array.from({ length: size }, async () => await freePort()));
  const origins = ports.map((port) => `http://localhost:${port}`);
  const [issuer = ''] = origins;
  const env: Record<string, string> = {
    VALETKEY_ISSUER: issuer,
    VALETKEY_DATA_DIR: folder,
    DATABASE_URL: empty.options.url ?? '',
    ...(empty.options.schema === undefined
      ? {}
      : { VALETKEY_DATABASE_SCHEMA: empty.options.schema }),
    ...more,
  };
  const { clientId, clientSecret } = await prepare(env, registration);
  const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
  let programs: Program[] = [];
  let browser: ScriptedBrowser | null = null;

  const code = async (): Promise<Grant> => {
    browser ??= scriptedBrowser(fetch, (url) => url.origin === issuer);
    return await obtainCode(browser, issuer, clientId);
  };

  const post: Cluster['post'] = async (endpoint, form, index = 0) => {
    const response = await fetch(`${origins[index]}/o/${endpoint}/`, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams(form),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, string>),
    };
  };

  const deviceCode = async (): Promise<string> => {
    const { body } = await post('device_authorization', { scope: 'openid' });
    if (browser === null) throw new Error('nobody is signed in');
    const entry = await browser.open(`${issuer}/o/device/`);
    const question = await browser.submit(entry, { user_code: body['user_code'] ?? '' });
    const result = await browser.submit(question, { decision: 'allow' });
    if (!result.html.includes('id="device-allowed"')) throw new Error(result.html);
    return body['device_code'] ?? '';
  };

  return {
    issuer,
    clientId,
    authorization,
    env,
    origins,
    code,
    signIn: async () =>
      await obtainCode(
        scriptedBrowser(fetch, (url) => url.origin === issuer),
        issuer,
        clientId,
      ),
    deviceCode,
    post,
    async start() {
      programs = ports.map((port) =>
        start('src/cli/main.ts', ['serve'], { ...env, PORT: String(port) }),
      );
      await Promise.all(
        programs.map(async (program, index) => await untilUp(`${origins[index]}/readyz`, program)),
      );
    },
    async end(signal) {
      await Promise.all(programs.map(async (program) => await stop(program, signal)));
      programs = [];
    },
    exchange: ({ code: presented, verifier }) => ({
      grant_type: 'authorization_code',
      code: presented,
      redirect_uri: REDIRECT_URI,
      code_verifier: verifier,
    }),
    async remove() {
      await empty.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Goes through authorization, and through the pages where they are shown. */
export async function obtainCode(
  browser: ScriptedBrowser,
  issuer: string,
  clientId: string,
): Promise<Grant> {
  const { visit: page, verifier } = await openApplication(browser, issuer, clientId);
  const visit = await signInOn(browser, page);
  const code = visit.leaves?.searchParams.get('code');
  if (typeof code !== 'string')
    throw new Error(`no code: ${visit.status} ${visit.leaves?.href ?? visit.html}`);
  return { code, verifier };
}

/** Begins authorization. */
export async function openApplication(
  browser: ScriptedBrowser,
  issuer: string,
  clientId: string,
): Promise<{ readonly visit: Visit; readonly verifier: string }> {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid offline_access',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  return { visit: await browser.open(`${issuer}/o/authorize/?${query}`), verifier };
}

/** Goes through the pages for login and consent, where they are shown. */
export async function signInOn(browser: ScriptedBrowser, page: Visit): Promise<Visit> {
  let visit = page;
  if (visit.html.includes('id="login-form"')) {
    const form = { username: 'alice', password: PASSWORD, decision: 'login' };
    visit = await browser.submit(visit, form);
  }
  if (visit.html.includes('id="consent-form"'))
    visit = await browser.submit(visit, { decision: 'allow' });
  return visit;
}

async function prepare(
  env: Readonly<Record<string, string>>,
  registration: Partial<ClientMetadata>,
): Promise<{ clientId: string; clientSecret: string }> {
  const assembly = await assemble(await readSettings({ env: { ...env, PORT: '4000' } }));
  try {
    await assembly.accounts.create({ username: 'alice', password: PASSWORD });
    const { client, clientSecret } = await assembly.provider.clients.create({
      name: 'Printer',
      redirectUris: [REDIRECT_URI],
      grantTypes: ['authorization_code', 'refresh_token', DEVICE_GRANT],
      // The races are about rotation, which a client that proves itself has only by choice.
      rotateRefreshTokens: true,
      ...registration,
    });
    return { clientId: client.clientId, clientSecret: clientSecret ?? '' };
  } finally {
    await assembly.close();
  }
}
