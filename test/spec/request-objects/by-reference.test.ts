/** Request objects by reference (OIDC Core §6.2). Rules PR-04, OB. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { requestObjects } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectRefusedRedirect } from '../refusals.ts';
import {
  allow,
  browserOf,
  codeOf,
  ISSUER,
  logIn,
  pageOf,
  paramOf,
  read,
  type World,
} from '../setup.ts';
import { claimsOfRequest, KEY, keyedWorld, OTHER, signed, unsigned } from './objects.ts';

let server: Server;
let origin: string;
let answer: { status: number; body: string; location?: string };
let asked: string[];
let slow: ServerResponse[];
let world: World;
let browser: ScriptedBrowser;

beforeEach(async () => {
  asked = [];
  slow = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const { location } = answer;
    if (request.url?.startsWith('/slow')) {
      slow.push(response);
      return;
    }
    response.writeHead(answer.status, location === undefined ? {} : { location });
    response.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await start([`${origin}/r`, `${origin}/r#one`, `${origin}/r#two`]);
});
afterEach(async () => {
  await world.provider.close();
  await new Promise((resolve) => server.close(resolve));
});

async function start(uris: readonly string[], allowOutbound = [origin]): Promise<void> {
  const features = [requestObjects({ byReference: true })];
  world = await keyedWorld({ features, allowOutbound }, { request_uris: uris });
  browser = browserOf(world);
  answer = { status: 200, body: await signed(claimsOfRequest(world)) };
}

async function open(uri: string, beside: Readonly<Record<string, string>> = {}): Promise<Visit> {
  const all = {
    client_id: world.web.clientId,
    request_uri: uri,
    redirect_uri: 'https://rp.example/cb',
    response_type: 'code',
    scope: 'openid',
    ...beside,
  };
  return await browser.open(`${world.provider.url('authorize')}?${new URLSearchParams(all)}`);
}

const refused = (visit: Visit, reason: string, error = 'invalid_request_uri'): URLSearchParams =>
  expectRefusedRedirect(world, visit, { error, reason });

it('[OIDC Core §6.2] OB-05 a client that registered itself keeps nobody else waiting', async () => {
  const { store } = world.provider;
  const uris = Array.from({ length: 5 }, (_, index) => `${origin}/slow-${index}`);
  const stranger = await store.clients.find(world.spa.clientId);
  if (stranger === null) throw new Error('no client');
  const { version, fields } = stranger;
  await store.clients.replace(
    {
      ...stranger,
      registrationSource: 'open',
      version: version + 1,
      fields: { ...fields, request_uris: uris },
    },
    null,
  );
  const client = { client_id: world.spa.clientId, redirect_uri: 'https://spa.example/cb' };
  const waiting = uris.slice(0, 4).map(async (uri) => await open(uri, client));
  await expect.poll(() => slow.length).toBe(4);
  await open(`${origin}/slow-4`, client);
  expect([world.reasons.at(-1), slow.length]).toEqual(['request_uri_unavailable', 4]);
  expect(pageOf(await open(`${origin}/r`))).toBe('login');
  for (const response of slow) response.end('x');
  await Promise.all(waiting);
});

it('[OIDC Core §10.1] OB-05 key sets of clients that registered themselves keep nobody else waiting', async () => {
  const { clients, store } = world.provider;
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1) {
    const { client } = await clients.create({
      name: 'stranger',
      redirectUris: ['https://rp.example/cb'],
      tokenEndpointAuthMethod: 'none',
      jwksUri: `${origin}/slow-${index}`,
    });
    const registrationSource = 'open' as const;
    const version = client.version + 1;
    expect(await store.clients.replace({ ...client, registrationSource, version }, null)).toBe(
      true,
    );
    ids.push(client.clientId);
  }
  const by = async (clientId: string): Promise<Visit> => {
    const request = await signed({ ...claimsOfRequest(world), iss: clientId, client_id: clientId });
    const all = { client_id: clientId, request, response_type: 'code', scope: 'openid' };
    return await browser.open(`${world.provider.url('authorize')}?${new URLSearchParams(all)}`);
  };
  const waiting = ids.slice(0, 4).map(by);
  await expect.poll(() => slow.length).toBe(4);
  await by(ids[4] ?? '');
  expect([world.reasons.at(-1), slow.length]).toEqual(['request_object_keys_unavailable', 4]);
  const keys = [{ ...KEY.publicKey.export({ format: 'jwk' }), kid: 'ec' }];
  answer = { status: 200, body: JSON.stringify({ keys }) };
  await clients.update(world.web.clientId, { jwks: null, jwksUri: `${origin}/keys` });
  const login = await by(world.web.clientId);
  expect([pageOf(login), world.reasons.at(-1)]).toEqual([
    'login',
    'request_object_keys_unavailable',
  ]);
  for (const response of slow) response.end('{"keys":[]}');
  await Promise.all(waiting);
});

describe('a registered request_uri', () => {
  it('[OIDC Core §6.2] is fetched once, and is what a person signs in for', async () => {
    const consent = await logIn(browser, await open(`${origin}/r#one`, { scope: 'openid write' }));
    // What is there by now has no effect on a sign-in under way.
    answer.body = await signed(claimsOfRequest(world, { scope: 'openid write', state: 'later' }));
    expect(consent.html).toContain('Read your things');
    const done = await allow(browser, consent);
    expect([paramOf(done, 'state'), codeOf(done) !== null]).toEqual(['inside', true]);
    expect(asked).toEqual(['/r']);
  });

  it('[OIDC Core §6.2] with another fragment is another document', async () => {
    expect(pageOf(await open(`${origin}/r#one`))).toBe('login');
    answer.body = unsigned(claimsOfRequest(world));
    expect(pageOf(await open(`${origin}/r#one`))).toBe('login');
    refused(await open(`${origin}/r#two`), 'request_object_unsigned', 'request_not_supported');
    expect(asked).toHaveLength(2);
  });

  it('[RFC9101 §6.2] PR-01 with the object of somebody else is refused', async () => {
    answer.body = await signed(claimsOfRequest(world), {}, OTHER.privateKey);
    refused(await open(`${origin}/r`), 'request_object_signature', 'invalid_request_object');
  });

  it.each<[string, Partial<typeof answer>]>([
    ['a status', { status: 404 }],
    ['a redirect', { status: 302, location: 'http://169.254.169.254/' }],
    ['more than 64 KB', { body: 'x'.repeat(70_000) }],
  ])('[OIDC Core §6.2] OB-02 OB-04 that answers with %s is refused', async (_, change) => {
    Object.assign(answer, change);
    const received = refused(await open(`${origin}/r`, { state: 's' }), 'request_uri_unavailable');
    expect(received.get('state')).toBe('s');
    expect(asked).toEqual(['/r']);
  });

  it.each(['', 'no JWT', '{"client_id":"x"}', '\0\0', '<html>'])(
    '[OIDC Core §6.2] IN-03 that answers %j is refused',
    async (body) => {
      answer.body = body;
      refused(await open(`${origin}/r`), 'request_object_malformed', 'invalid_request_object');
    },
  );

  it('[OIDC Core §6.1] never stands beside a request object by value', async () => {
    const request = await signed(claimsOfRequest(world));
    refused(await open(`${origin}/r`, { request }), 'request_twice', 'invalid_request');
  });
});

describe('PR-04 nothing is fetched from', () => {
  it.each([
    'http://169.254.169.254/latest/meta-data',
    'https://rp.example/r',
    `${ISSUER}/r`,
    'HTTPS://127.0.0.1/r',
    'http://127.0.0.1:1/%0d%0a',
  ])('%s, which is not registered', async (uri) => {
    refused(await open(uri), 'request_uri_unregistered');
    expect(asked).toEqual([]);
  });

  it('an address of another kind', async () => {
    for (const uri of ['file:///etc/passwd', 'urn:x', 'data:,x', 'ftp://rp.example/'])
      refused(await open(uri), 'request_uri', 'request_uri_not_supported');
  });

  it('a registered address inside the network that the operator did not name', async () => {
    await start(['https://127.0.0.1/r', 'https://[::1]/r'], []);
    for (const uri of ['https://127.0.0.1/r', 'https://[::1]/r'])
      refused(await open(uri), 'request_uri_unavailable');
    expect(asked).toEqual([]);
  });

  it('any address where the operator did not allow it', async () => {
    world = await keyedWorld({ allowOutbound: [origin] }, { request_uris: [`${origin}/r`] });
    browser = browserOf(world);
    refused(await open(`${origin}/r`), 'request_uri', 'request_uri_not_supported');
    expect(asked).toEqual([]);
  });
});

it('[OIDC Registration §2] request_uris are URLs of a bounded length', async () => {
  const { provider, web } = world;
  for (const uri of [
    'file:///x',
    'x',
    `https://rp.example/${'a'.repeat(512)}`,
    'https://a b/',
    'http://rp.example/r',
  ])
    await expect(
      provider.clients.update(web.clientId, { fields: { request_uris: [uri] } }),
    ).rejects.toMatchObject({ name: 'ClientMetadataError' });
});

it.each([true, false])(
  '[OIDC Discovery §3] MD-02 says what there is: request_uri %s, and never alg none',
  async (byReference) => {
    world = await keyedWorld({ features: [requestObjects({ byReference })] });
    const url = new URL('/.well-known/openid-configuration', ISSUER);
    const { body } = await read(await world.provider.fetch(new Request(url)));
    expect(body).toMatchObject({
      request_parameter_supported: true,
      request_uri_parameter_supported: byReference,
    });
    expect(body['require_request_uri_registration']).toBe(byReference ? true : undefined);
    expect(body['request_object_signing_alg_values_supported']).toContain('RS256');
    expect(body['request_object_signing_alg_values_supported']).not.toContain('none');
  },
);
