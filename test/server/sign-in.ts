/**
 * Signs a person in at a running server and gets tokens for an application, in the steps that
 * browsers and relying parties take.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type ScriptedBrowser, scriptedBrowser, type Visit } from 'valetkey/testing';

export interface Person {
  readonly username: string;
  readonly password: string;
}

export interface Application {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
}

export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The secret parameters of one authorization request. */
export interface Request {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export const random = (): string => randomBytes(32).toString('base64url');

export function browserAt(issuer: string): ScriptedBrowser {
  return scriptedBrowser(fetch, (url) => url.origin === issuer);
}

export function authorizeUrl(
  issuer: string,
  { clientId, redirectUri }: Application,
  { state, nonce, verifier }: Request,
  more: object = {},
): string {
  const params = {
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid profile email address phone offline_access',
    state,
    nonce,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  };
  return `${issuer}/o/authorize/?${new URLSearchParams(params)}`;
}

/**
 * Submits the login and consent pages, if they appear. Resolves to the visit that leaves for the
 * application, or to the page that the browser stays on.
 */
export async function answer(
  browser: ScriptedBrowser,
  first: Visit,
  { username, password }: Person,
): Promise<Visit> {
  let visit = first;
  if (visit.leaves === null && visit.html.includes('id="login-form"'))
    visit = await browser.submit(visit, { username, password, decision: 'login' });
  if (visit.leaves === null && visit.html.includes('id="consent-form"'))
    visit = await browser.submit(visit, { decision: 'allow' });
  return visit;
}

/** Posts a form to an endpoint, authenticated as the application. */
export async function post(
  issuer: string,
  path: string,
  form: Readonly<Record<string, string>>,
  application: Application,
): Promise<Reply> {
  const credentials = Buffer.from(`${application.clientId}:${application.clientSecret}`).toString(
    'base64',
  );
  const response = await fetch(`${issuer}/o/${path}/`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${credentials}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(form).toString(),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

export function exchange(
  code: string,
  { redirectUri }: Application,
  { verifier }: Pick<Request, 'verifier'>,
): Record<string, string> {
  return {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  };
}

export async function userinfo(issuer: string, token: unknown): Promise<Reply> {
  const response = await fetch(`${issuer}/o/userinfo/`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The complete sign-in. Resolves to the userinfo response; null when the sign-in fails. */
export async function signIn(
  issuer: string,
  person: Person,
  application: Application,
): Promise<Reply['body'] | null> {
  const request = { state: random(), nonce: random(), verifier: random() };
  const browser = browserAt(issuer);
  const visit = await answer(
    browser,
    await browser.open(authorizeUrl(issuer, application, request)),
    person,
  );
  const code = visit.leaves?.searchParams.get('code');
  if (code === null || code === undefined) return null;
  const tokens = await post(issuer, 'token', exchange(code, application, request), application);
  return (await userinfo(issuer, tokens.body['access_token'])).body;
}
