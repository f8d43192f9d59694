/**
 * No secret of a complete flow reaches the log, even at level debug, or the database. Every secret
 * has a unique value, which the tests search for afterwards. Rows ST-01, ST-02.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Program, stop } from '../processes.ts';
import { makePlace, type Place, startServing, told } from './command-line.ts';
import {
  type Application,
  answer,
  authorizeUrl,
  browserAt,
  exchange,
  post,
  random,
  userinfo,
} from './sign-in.ts';
import { exchange as exchangeBytes } from './wire.ts';

const PERSON = { username: 'alice', password: `password-${random()}` };
const IN_THE_WRONG_FIELD = `misplaced-${random()}`;
const APPLICATION: Application = {
  clientId: 'canary',
  clientSecret: `secret-${random()}`,
  redirectUri: 'https://rp.example/cb',
};

let place: Place;
let server: Program;
/** Values that only their owner may see, by name. */
const secrets = new Map<string, string>([
  ['password', PERSON.password],
  ['client secret', APPLICATION.clientSecret],
]);
/** Values of requests that are not credentials, but do not belong in a log either, by name. */
const requests = new Map<string, string>();
const refusals: string[] = [];
let database = '';

const keep = (name: string, value: unknown): string => {
  expect([name, typeof value]).toEqual([name, 'string']);
  secrets.set(name, String(value));
  return String(value);
};

beforeAll(async () => {
  place = await makePlace({ VALETKEY_LOG_LEVEL: 'debug' });
  await told(['init'], place.env);
  await told(['user', 'create', '--username', PERSON.username, '--password-stdin'], place.env, {
    input: PERSON.password,
  });
  const { clientId, clientSecret, redirectUri } = APPLICATION;
  const application = [
    '--client-id',
    clientId,
    '--client-secret',
    clientSecret,
    '--redirect-uri',
    redirectUri,
    '--algorithm',
    'HS256',
  ];
  await told(['application', 'create', '--name', 'Canary', ...application], place.env);
  server = await startServing(place);
  await wholeFlow();
  await everythingWrong();
  await stop(server);
  const folder = join(place.env['DATABASE_URL']?.slice('sqlite:'.length) ?? '', '..');
  database = readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'latin1'))
    .join('\n');
});
afterAll(async () => {
  await stop(server);
  await place.remove();
});

function newRequest(name: string): {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
} {
  const request = {
    state: `state-${random()}`,
    nonce: `nonce-${random()}`,
    verifier: `verifier-${random()}`,
  };
  requests.set(`${name} state`, request.state);
  requests.set(`${name} nonce`, request.nonce);
  secrets.set(`${name} verifier`, request.verifier);
  return request;
}

/** Keeps the value of every hidden field of a form, and of every cookie. */
function keepPage(name: string, browser: ScriptedBrowser, visit: Visit): void {
  for (const [, field = '', value = ''] of visit.html.matchAll(
    /<input type="hidden" name="(\w+)" value="([^"]{20,})"/g,
  ))
    keep(`${name} ${field}`, value);
  for (const [cookie, value] of browser.cookies) keep(`${name} ${cookie}`, value);
}

async function wholeFlow(): Promise<void> {
  const { issuer } = place;
  const request = newRequest('good');
  const browser = browserAt(issuer);
  const login = await browser.open(authorizeUrl(issuer, APPLICATION, request));
  keepPage('login', browser, login);
  keepPage(
    'failed login',
    browser,
    await browser.submit(login, {
      username: 'alice',
      password: keep('wrong password', `wrong-${random()}`),
    }),
  );
  // Some people type their password into the field for the username.
  await browser.submit(login, { username: IN_THE_WRONG_FIELD, password: 'x', decision: 'login' });
  const consent = await browser.submit(login, { ...PERSON, decision: 'login' });
  keepPage('consent', browser, consent);
  const visit = await answer(browser, consent, PERSON);
  const code = keep('code', visit.leaves?.searchParams.get('code'));
  keep('wrong verifier', random());
  refusals.push(
    JSON.stringify(
      await post(
        issuer,
        'token',
        exchange(code, APPLICATION, { verifier: secrets.get('wrong verifier') ?? '' }),
        APPLICATION,
      ),
    ),
  );
  const tokens = await post(issuer, 'token', exchange(code, APPLICATION, request), APPLICATION);
  const access = keep('access token', tokens.body['access_token']);
  const refresh = keep('refresh token', tokens.body['refresh_token']);
  const hint = keep('id token', tokens.body['id_token']);
  expect(await userinfo(issuer, access)).toMatchObject({
    status: 200,
    body: { preferred_username: 'alice' },
  });
  expect((await post(issuer, 'introspect', { token: refresh }, APPLICATION)).body).toMatchObject({
    active: true,
  });
  const next = await post(
    issuer,
    'token',
    { grant_type: 'refresh_token', refresh_token: refresh },
    APPLICATION,
  );
  const second = keep('second refresh token', next.body['refresh_token']);
  keep('second access token', next.body['access_token']);
  await post(issuer, 'token', { grant_type: 'refresh_token', refresh_token: second }, APPLICATION);
  await post(issuer, 'revoke_token', { token: second }, APPLICATION);
  // Replay the code, and use tokens that are revoked by now.
  refusals.push(
    JSON.stringify(await post(issuer, 'token', exchange(code, APPLICATION, request), APPLICATION)),
  );
  refusals.push(
    JSON.stringify(
      await post(
        issuer,
        'token',
        { grant_type: 'refresh_token', refresh_token: second },
        APPLICATION,
      ),
    ),
  );
  refusals.push(JSON.stringify(await userinfo(issuer, access)));
  const logout = await browser.open(
    `${issuer}/o/logout/?${new URLSearchParams({ id_token_hint: hint, state: request.state })}`,
  );
  keepPage('logout', browser, logout);
  await browser.submit(logout, { decision: 'logout' });
}

/** Sends secrets in places where they do not belong. The server refuses each request. */
async function everythingWrong(): Promise<void> {
  const { issuer, port } = place;
  const stray = (name: string): string => keep(`stray ${name}`, `${name}-${random()}`);
  const request = newRequest('bad');
  const addresses = [
    `${issuer}/o/token/?grant_type=authorization_code&code=${stray('code')}&client_secret=${stray('secret')}`,
    `${issuer}/o/${stray('path')}`,
    `${issuer}/o/assets/${stray('asset')}`,
    `${issuer}/?access_token=${stray('token')}`,
    `${issuer}/o/userinfo/?access_token=${stray('query')}`,
    `${issuer}/o/interaction/?interaction=${stray('interaction')}`,
    `${issuer}/o/logout/?id_token_hint=${stray('hint')}.a.b`,
    authorizeUrl(issuer, APPLICATION, request, {
      redirect_uri: `https://rp.example/cb?token=${stray('redirect')}`,
    }),
    authorizeUrl(issuer, { ...APPLICATION, clientId: stray('client') }, request),
    authorizeUrl(issuer, APPLICATION, request, { scope: stray('scope') }),
    authorizeUrl(issuer, APPLICATION, request, { request: stray('object') }),
  ];
  for (const address of addresses) await fetch(address, { redirect: 'manual' });
  const forms: Record<string, string>[] = [
    { grant_type: stray('grant') },
    {
      grant_type: 'authorization_code',
      code: stray('unknown'),
      redirect_uri: 'x',
      code_verifier: stray('short'),
    },
    { grant_type: 'refresh_token', refresh_token: stray('refresh') },
    { grant_type: 'client_credentials', scope: stray('words') },
    { grant_type: 'client_credentials', client_secret: stray('twice') },
  ];
  for (const form of forms)
    refusals.push(JSON.stringify(await post(issuer, 'token', form, APPLICATION)));
  for (const path of ['introspect', 'revoke_token'])
    await post(issuer, path, { token: stray(path) }, APPLICATION);
  refusals.push(
    JSON.stringify(
      await post(
        issuer,
        'token',
        { grant_type: 'x' },
        { ...APPLICATION, clientSecret: stray('client secret') },
      ),
    ),
  );
  refusals.push(JSON.stringify(await userinfo(issuer, stray('bearer'))));
  const headers = [
    'Authorization: Basic',
    'Authorization: Digest',
    'Cookie: vk_session=',
    'DPoP:',
    'X-Api-Key:',
  ];
  for (const header of headers)
    await exchangeBytes(
      port,
      `GET /o/userinfo/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${header} ${stray('header')}\r\n\r\n`,
    );
  await exchangeBytes(
    port,
    `POST /o/token/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${stray('broken')}\r\n\r\n`,
  );
}

/**
 * The names of the values that a text contains: as they are, URL-encoded, in lower case (as
 * usernames are stored), or in Base64.
 */
function found(text: string, values: ReadonlyMap<string, string>): string[] {
  const spellings = (value: string): string[] => [
    value,
    encodeURIComponent(value),
    value.toLowerCase(),
    Buffer.from(value).toString('base64').slice(0, -4),
  ];
  return [...values]
    .filter(([, value]) => spellings(value).some((spelling) => text.includes(spelling)))
    .map(([name]) => name);
}

describe('a complete flow', () => {
  it('succeeds, and the log contains its refusals', () => {
    const names = [
      'login token',
      'consent token',
      'logout token',
      'code',
      'access token',
      'id token',
      'second refresh token',
      'stray bearer',
    ];
    expect(names.filter((name) => !secrets.has(name))).toEqual([]);
    const lines = server.output().split('\n');
    const reasons = lines
      .filter((line) => line.startsWith('{'))
      .map((line) => (JSON.parse(line) as { reason?: string }).reason);
    for (const reason of ['path_unknown', 'client_unknown', 'token_invalid'])
      expect(reasons).toContain(reason);
    // The nonce is no credential and is stored. Finding it shows that the search works.
    expect(found(database, requests)).toEqual(['good nonce']);
  });

  it('ST-02 leaves no secret in the log', () => {
    expect(found(server.output(), secrets)).toEqual([]);
  });
  it('ST-02 leaves no parameter of a request in the log', () => {
    expect(found(server.output(), requests)).toEqual([]);
    expect(server.output()).not.toMatch(/\?(client_id|code|interaction|token)=/);
  });
  it('ST-02 ST-01 leaves no trace of a password that was typed as a username', () => {
    const misplaced = new Map([['password', IN_THE_WRONG_FIELD]]);
    expect({
      log: found(server.output(), misplaced),
      database: found(database, misplaced),
    }).toEqual({ log: [], database: [] });
  });
  it('ST-02 repeats no secret in a refusal', () => {
    expect(found(refusals.join('\n'), secrets)).toEqual([]);
  });
  it('ST-01 leaves no secret in the files of the database', () => {
    expect(found(database, secrets)).toEqual([]);
  });
});
