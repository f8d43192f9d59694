/**
 * The requests that are measured. Each checks what it is answered and throws when that is wrong, so
 * a server cannot win by refusing.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Answer } from './connection.ts';
import type { Load, Person } from './load.ts';
import {
  API_SCOPE,
  APPLICATION,
  APPLICATION_SCOPE,
  REDIRECT_URI,
  type RegisteredClient,
  SERVICE,
} from './servers/registrations.ts';

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

type Json = Readonly<Record<string, unknown>>;

const AS_SERVICE = formHeaders(SERVICE);
const AS_APPLICATION = formHeaders(APPLICATION);
const SERVICE_FORM = form({ grant_type: 'client_credentials', scope: API_SCOPE });
const HTML = 'accept: text/html\r\n';

/** Authorizes with the session and the remembered consent, and exchanges the code. */
export async function codeFlow(load: Load, person: Person): Promise<Tokens> {
  const verifier = randomBytes(32).toString('base64url');
  const [state, nonce] = [verifier.slice(0, 12), verifier.slice(12, 24)];
  const query = form({
    client_id: APPLICATION.id,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: APPLICATION_SCOPE,
    state,
    nonce,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const cookie = [...person.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const { authorization, token } = load.endpoints;
  const headers = `cookie: ${cookie}\r\n${HTML}`;
  const redirect = await person.connection.send('GET', `${authorization}?${query}`, headers);
  keepCookies(person, redirect);
  demand(redirect.location.startsWith(REDIRECT_URI), 'the authorization', redirect);
  const params = new URL(redirect.location).searchParams;
  demand(params.get('state') === state, 'the state', redirect);
  const answer = await person.connection.send(
    'POST',
    token,
    AS_APPLICATION,
    form({
      grant_type: 'authorization_code',
      code: params.get('code') ?? '',
      redirect_uri: REDIRECT_URI,
      code_verifier: verifier,
    }),
  );
  const body = json(answer, 'the exchange of a code');
  const idToken = String(body['id_token']);
  demand(jwtPart(idToken, 0)['alg'] === 'RS256', 'the algorithm of the ID token', answer);
  demand(jwtPart(idToken, 1)['nonce'] === nonce, 'the nonce of the ID token', answer);
  return tokensOf(body, answer);
}

/** Uses the refresh token of the person and keeps the next one. */
export async function refresh(load: Load, person: Person): Promise<void> {
  const { refreshToken: refresh_token } = person;
  const body = form({ grant_type: 'refresh_token', refresh_token });
  const answer = await person.connection.send('POST', load.endpoints.token, AS_APPLICATION, body);
  const { refreshToken } = tokensOf(json(answer, 'the refresh'), answer);
  demand(refreshToken !== refresh_token, 'the rotation', answer);
  person.refreshToken = refreshToken;
}

export async function clientCredentials(load: Load, person: Person): Promise<string> {
  const { token } = load.endpoints;
  const answer = await person.connection.send('POST', token, AS_SERVICE, SERVICE_FORM);
  const accessToken = json(answer, 'client credentials')['access_token'];
  const isOpaque = typeof accessToken === 'string' && accessToken.split('.').length < 3;
  demand(isOpaque, 'the opaque token', answer);
  return String(accessToken);
}

export async function introspect(load: Load, person: Person, token: string): Promise<void> {
  const { introspection } = load.endpoints;
  const answer = await person.connection.send('POST', introspection, AS_SERVICE, form({ token }));
  demand(json(answer, 'the introspection')['active'] === true, 'the token', answer);
}

export async function userinfo(load: Load, person: Person, token: string): Promise<void> {
  const headers = `authorization: Bearer ${token}\r\n`;
  const answer = await person.connection.send('GET', load.endpoints.userinfo, headers);
  const { sub, name } = json(answer, 'userinfo');
  demand(typeof sub === 'string' && typeof name === 'string', 'the claims', answer);
}

export async function revoke(load: Load, person: Person, token: string): Promise<void> {
  const { revocation } = load.endpoints;
  const answer = await person.connection.send('POST', revocation, AS_SERVICE, form({ token }));
  demand(answer.status === 200, 'the revocation', answer);
}

function formHeaders({ id, secret }: RegisteredClient): string {
  const credentials = Buffer.from(`${id}:${secret}`).toString('base64');
  return `authorization: Basic ${credentials}\r\ncontent-type: application/x-www-form-urlencoded\r\n`;
}

function form(fields: Readonly<Record<string, string>>): string {
  return new URLSearchParams(fields).toString();
}

/** Takes over the cookies that the server sets; an empty one is deleted. */
function keepCookies(person: Person, { cookies }: Answer): void {
  for (const cookie of cookies) {
    const equals = cookie.indexOf('=');
    const [name, value] = [cookie.slice(0, equals), cookie.slice(equals + 1)];
    if (value === '') person.cookies.delete(name);
    else person.cookies.set(name, value);
  }
}

function tokensOf(body: Json, answer: Answer): Tokens {
  const { access_token: accessToken, refresh_token: refreshToken } = body;
  if (typeof accessToken !== 'string' || typeof refreshToken !== 'string')
    throw wrong('the tokens', answer);
  return { accessToken, refreshToken };
}

function json(answer: Answer, what: string): Json {
  demand(answer.status === 200, what, answer);
  return JSON.parse(answer.body) as Json;
}

function jwtPart(jwt: string, index: number): Json {
  return JSON.parse(Buffer.from(jwt.split('.')[index] ?? '', 'base64url').toString()) as Json;
}

function demand(condition: boolean, what: string, answer: Answer): void {
  if (!condition) throw wrong(what, answer);
}

function wrong(what: string, { status, location, body }: Answer): Error {
  return new Error(`${what} failed: ${status} ${location} ${body.slice(0, 300)}`);
}
