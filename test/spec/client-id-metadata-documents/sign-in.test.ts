/**
 * A client that nobody registered signs people in, and is stored only then. Rules CM, AZ-14, NB-06.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { clientIdMetadataDocuments, dynamicRegistration } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage, expectRefusal } from '../refusals.ts';
import {
  ALICE,
  type Answer,
  allow,
  browserOf,
  codeOf,
  getCode,
  ISSUER,
  logIn,
  openAuthorize,
  pageOf,
  pkce,
  post,
  read,
  type World,
  watched,
} from '../setup.ts';
import { type Host, open, openHost, REDIRECT, worldFor } from './documents.ts';

let host: Host;
let world: World;
beforeEach(async () => {
  host = await openHost();
  world = await worldFor(host);
});

const document = (changes: object): object => ({ ...(host.document as object), ...changes });
const ours = () => ({ client_id: host.clientId, redirect_uri: REDIRECT });
const stored = async () => await world.provider.store.clients.find(host.clientId);

/** The whole flow to tokens, as a public client. */
async function tokens(
  browser = browserOf(world),
  extra: Record<string, string> = {},
): Promise<Answer> {
  const proof = pkce();
  const code = await getCode(world, proof, ours(), browser);
  const fields = { grant_type: 'authorization_code', code, code_verifier: proof.verifier };
  return await post(world, 'token', { ...fields, ...ours(), ...extra }, {});
}

describe('signing in', () => {
  it('goes to tokens and to new tokens, without any registration', async () => {
    host.document = document({ grant_types: ['authorization_code', 'refresh_token'] });
    const first = await tokens();
    expect([first.status, Object.keys(first.body)]).toEqual([
      200,
      ['access_token', 'token_type', 'expires_in', 'scope', 'refresh_token', 'id_token'],
    ]);
    const refresh = {
      grant_type: 'refresh_token',
      refresh_token: String(first.body['refresh_token']),
      client_id: host.clientId,
    };
    expect((await post(world, 'token', refresh, {})).status).toBe(200);
    const userinfo = new Request(world.provider.url('userinfo'), {
      headers: { authorization: `Bearer ${String(first.body['access_token'])}` },
    });
    expect((await read(await world.provider.fetch(userinfo))).body['sub']).toBe(ALICE.sub);
  });
  it('CM-01 an anonymous visitor writes no row; the client is stored when somebody allows it', async () => {
    const calls = watched(world.provider.store);
    const browser = browserOf(world);
    const login = await open(world, host.clientId, {}, browser);
    await open(world, `${host.origin}/other.json`);
    // Counters bound what strangers can have fetched.
    const writes = calls.filter((call) => !/\.(find|findFor|list|load|hit)$/.test(call));
    expect([writes, await stored()]).toEqual([[], null]);
    const consent = await logIn(browser, login);
    expect(await stored()).toBeNull();
    await allow(browser, consent);
    expect(await stored()).toMatchObject({
      registrationSource: 'metadata_document',
      name: 'Assistant',
      tokenEndpointAuthMethod: 'none',
      expiresAt: world.now + 7 * 86_400,
    });
    const [row] = await world.provider.store.audit.list({
      limit: 1,
      type: 'client.created',
      clientId: host.clientId,
    });
    expect(row).toMatchObject({ detail: { by: 'metadata_document' }, ip: '192.0.2.1' });
  });
  it('of 20 people at once all get in, and one record is made', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, async () => await tokens()));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const { length } = await world.provider.store.audit.list({
      limit: 99,
      type: 'client.created',
      clientId: host.clientId,
    });
    expect(length).toBe(1);
  });
  it('a pushed request names it as well', async () => {
    const pushedAs = world.provider.url('pushed-authorization-request');
    const proof = pkce();
    const body = new URLSearchParams({
      ...ours(),
      response_type: 'code',
      scope: 'openid',
      code_challenge: proof.challenge,
      code_challenge_method: 'S256',
    });
    const pushed = await read(
      await world.provider.fetch(new Request(pushedAs, { method: 'POST', body })),
    );
    expect(pushed.status).toBe(201);
    const url = new URL(world.provider.url('authorize'));
    url.searchParams.set('client_id', host.clientId);
    url.searchParams.set('request_uri', String(pushed.body['request_uri']));
    const browser = browserOf(world);
    const visit = await allow(browser, await logIn(browser, await browser.open(url.href)));
    const fields = {
      grant_type: 'authorization_code',
      code: codeOf(visit) ?? '',
      code_verifier: proof.verifier,
    };
    expect((await post(world, 'token', { ...fields, ...ours() }, {})).status).toBe(200);
  });
  it('[CIMD §7] with private_key_jwt it proves itself by the keys of its document', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k' }] };
    host.document = document({ token_endpoint_auth_method: 'private_key_jwt', jwks });
    const encode = (part: object): string =>
      Buffer.from(JSON.stringify(part)).toString('base64url');
    const claims = {
      iss: host.clientId,
      sub: host.clientId,
      aud: ISSUER,
      jti: 'one',
      exp: world.now + 60,
    };
    const input = `${encode({ alg: 'EdDSA', kid: 'k' })}.${encode(claims)}`;
    const assertion = `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
    const proven = await tokens(browserOf(world), {
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    expect(proven.status).toBe(200);
    expectRefusal(world, await tokens(), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_authentication_method',
    });
  });
  it('its own pages may call the token endpoint (CORS), others not', async () => {
    await tokens();
    const call = async (origin: string): Promise<string | null> => {
      const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: host.clientId });
      const request = new Request(world.provider.url('token'), {
        method: 'POST',
        headers: { origin },
        body,
      });
      return (await world.provider.fetch(request)).headers.get('access-control-allow-origin');
    };
    expect(await call('https://assistant.example')).toBe('https://assistant.example');
    expect(await call('https://evil.example')).toBeNull();
  });
});

describe('what people see', () => {
  it('CM-02 the host of the document, and that nobody checked it', async () => {
    const browser = browserOf(world);
    const consent = await logIn(browser, await open(world, host.clientId, {}, browser));
    const note = /id="client-note"[^>]*>(.*?)<\/p>/.exec(consent.html)?.[1] ?? '';
    expect(note).toContain(`<bdi>${new URL(host.origin).host}</bdi>`);
    expect(note).not.toContain('your computer');
    expect(consent.html).toContain('<bdi>assistant.example</bdi>');
  });
  it('CM-02 NB-06 a warning for one that runs on the computer, each time', async () => {
    const loopback = 'http://127.0.0.1/cb';
    host.document = document({ redirect_uris: [loopback] });
    const browser = browserOf(world);
    const request = { redirect_uri: 'http://127.0.0.1:5123/cb' };
    const consent = await logIn(browser, await open(world, host.clientId, request, browser));
    expect(/id="client-note"[^>]*>(.*?)<\/p>/.exec(consent.html)?.[1]).toContain('your computer');
    await allow(browser, consent);
    expect(pageOf(await open(world, host.clientId, request, browser))).toBe('consent');
  });
  it('a registered client has no such note; one that registered openly has', async () => {
    const browser = browserOf(world);
    const known = await logIn(browser, await openAuthorize(world, browser));
    expect(known.html).not.toContain('client-note');
    world = await worldFor(
      host,
      {},
      {
        features: [
          clientIdMetadataDocuments({ enabled: true }),
          dynamicRegistration({ enabled: true, allowOpenRegistration: true }),
        ],
      },
    );
    const answer = await world.provider.fetch(
      new Request(world.provider.url('registration'), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: [REDIRECT] }),
      }),
    );
    const { client_id } = (await answer.json()) as { client_id: string };
    const other = browserOf(world);
    const page = await logIn(other, await open(world, client_id, {}, other));
    expect(/id="client-note"[^>]*>(.*?)<\/p>/.exec(page.html)?.[1]).toMatch(/registered itself/);
  });
  it('[RFC9700 §4.11.2] AZ-14 a refusal before anybody is signed in stays here', async () => {
    const visit = await open(world, host.clientId, { prompt: 'none' });
    expectErrorPage(visit, { status: 400, code: 'login_required', reason: 'prompt_none' });
    expect(visit.html).toContain('id="error-return"');
  });
});

describe('afterwards', () => {
  it('[CIMD §5.2] what the document says now holds, and what operators set stays', async () => {
    await tokens();
    await world.provider.clients.update(host.clientId, { owner: 'bob-sub', idTokenClaims: true });
    host.document = document({
      client_name: 'Assistant 2',
      redirect_uris: [REDIRECT, 'https://new.example/cb'],
    });
    world.now += 301;
    expect(pageOf(await open(world, host.clientId))).toBe('login');
    expect(await stored()).toMatchObject({
      name: 'Assistant 2',
      owner: 'bob-sub',
      idTokenClaims: true,
      allowedOrigins: ['https://assistant.example', 'https://new.example'],
    });
    const version = (await stored())?.version;
    await open(world, host.clientId);
    expect((await stored())?.version).toBe(version);
  });
  it('CM-01 a redirect URI that was taken out is refused', async () => {
    await tokens();
    host.document = document({ redirect_uris: ['https://new.example/cb'] });
    world.now += 301;
    expectErrorPage(await open(world, host.clientId), {
      status: 400,
      code: 'invalid_request',
      reason: 'redirect_uri_mismatch',
    });
  });
  it('CM-01 a document that is gone ends the client, a host that is silent does not', async () => {
    await tokens();
    host.status = 404;
    world.now += 301;
    expectErrorPage(await open(world, host.clientId), {
      status: 400,
      code: 'invalid_client',
      reason: 'client_description_unavailable',
    });
    await host.close();
    world.now += 7200;
    expect(pageOf(await open(world, host.clientId))).toBe('login');
    expect((await tokens()).status).toBe(200);
  });
  it('RG-04 one that operators disabled stays so, whatever its document says', async () => {
    await tokens();
    await world.provider.clients.update(host.clientId, { disabled: true });
    host.document = document({ client_name: 'Other' });
    world.now += 301;
    const { asked } = host;
    expectErrorPage(await open(world, host.clientId), {
      status: 400,
      code: 'unauthorized_client',
      reason: 'client_disabled',
    });
    expect([host.asked, (await stored())?.name]).toEqual([asked, 'Assistant']);
  });
  it('RG-01 one that nobody uses goes, and what it was allowed with it', async () => {
    await tokens();
    world.now += 180 * 86_400;
    expect((await world.provider.clear(10)).clients).toBe(1);
    expect(await world.provider.subjects.consents(ALICE.sub)).toEqual([]);
    const browser = browserOf(world);
    expect(pageOf(await logIn(browser, await open(world, host.clientId, {}, browser)))).toBe(
      'consent',
    );
  });
  it('where the feature is switched off again, its clients are no clients', async () => {
    await tokens();
    const off = await worldFor(
      host,
      { enabled: false },
      { store: { ephemeral: true, forIssuer: () => world.provider.store } },
    );
    expectErrorPage(await open(off, host.clientId), {
      status: 400,
      code: 'invalid_request',
      reason: 'client_unknown',
    });
  });
  it('CM-03 an operator registers no client under such a name', async () => {
    const name = 'https://assistant.example/client.json';
    await expect(
      world.provider.clients.create({ name: 'x', redirectUris: [REDIRECT] }, { clientId: name }),
    ).rejects.toThrow(/no URL/);
  });
});
