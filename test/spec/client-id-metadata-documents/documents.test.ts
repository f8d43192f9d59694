/** Which documents describe a client, and which do not. Rules CM. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Client } from 'valetkey';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { expectErrorPage, expectRefusal } from '../refusals.ts';
import { getCode, ISSUER, makeWorld, pageOf, pkce, post, type World } from '../setup.ts';
import { type Host, open, openHost, REDIRECT, worldFor } from './documents.ts';

let host: Host;
let world: World;
beforeEach(async () => {
  host = await openHost();
  world = await worldFor(host);
});

const BAD = { status: 400, code: 'invalid_client', reason: 'client_description' };
const document = (changes: object = {}): object => ({ ...(host.document as object), ...changes });

describe('where it is off', () => {
  it('CM-01 an address is no client, nothing is fetched, and discovery is silent', async () => {
    const closed = await makeWorld({ allowOutbound: [host.origin] });
    expectErrorPage(await open(closed, host.clientId), {
      status: 400,
      code: 'invalid_request',
      reason: 'client_unknown',
    });
    expect(host.asked).toBe(0);
    const discovery = `${ISSUER}/.well-known/oauth-authorization-server`;
    expect(await (await closed.provider.fetch(new Request(discovery))).json()).not.toHaveProperty(
      'client_id_metadata_document_supported',
    );
    expect(await (await world.provider.fetch(new Request(discovery))).json()).toHaveProperty(
      'client_id_metadata_document_supported',
      true,
    );
  });
});

describe('an address', () => {
  it.each([
    ['http, of a host that nobody named', 'http://assistant.example/client.json', 'client_unknown'],
    ['no path', 'https://assistant.example/', 'client_address'],
    ['no path and no slash', 'https://assistant.example', 'client_address'],
    ['a fragment', 'https://assistant.example/client.json#a', 'client_address'],
    ['an empty fragment', 'https://assistant.example/client.json#', 'client_address'],
    ['a user', 'https://me@assistant.example/client.json', 'client_address'],
    ['a user and a password', 'https://me:x@assistant.example/client.json', 'client_address'],
    ['dot segments', 'https://assistant.example/a/../client.json', 'client_address'],
    ['a single dot', 'https://assistant.example/./client.json', 'client_address'],
    ['encoded dots', 'https://assistant.example/%2e%2e/client.json', 'client_address'],
    ['capitals in the host', 'https://Assistant.example/client.json', 'client_address'],
    ['the usual port', 'https://assistant.example:443/client.json', 'client_address'],
    ['a backslash', 'https://assistant.example\\client.json', 'client_address'],
    ['256 characters', `https://assistant.example/${'a'.repeat(230)}`, 'client_address'],
    ['no host', 'https:///client.json', 'client_address'],
    [
      'an address of this machine',
      'https://127.0.0.1/client.json',
      'client_description_unavailable',
    ],
    [
      'an address inside a network',
      'https://10.0.0.1/client.json',
      'client_description_unavailable',
    ],
    [
      'the address of metadata of a cloud',
      'https://169.254.169.254/latest/x',
      'client_description_unavailable',
    ],
    ['an address in IPv6', 'https://[::1]/client.json', 'client_description_unavailable'],
    ['another port', 'https://assistant.example:22/client.json', 'client_description_unavailable'],
  ])('[CIMD §3] CM-01 OB-04 with %s is refused on a page', async (_what, clientId, reason) => {
    const code = reason === 'client_unknown' ? 'invalid_request' : 'invalid_client';
    expectErrorPage(await open(world, clientId), { status: 400, code, reason });
    expect(host.asked).toBe(0);
  });
  it('CM-01 of another host than those that the operator names is refused', async () => {
    world = await worldFor(host, { hosts: ['assistant.example'] });
    const reason = 'client_address_host';
    expectErrorPage(await open(world, host.clientId), { ...BAD, reason });
    expect(host.asked).toBe(0);
    world = await worldFor(host, { hosts: [new URL(host.origin).host] });
    expect(pageOf(await open(world, host.clientId))).toBe('login');
  });
});

describe('a response', () => {
  it.each<readonly [what: string, change: Partial<Host>]>([
    ['404', { status: 404 }],
    ['201', { status: 201 }],
    ['a redirect', { status: 302, headers: { location: '/other.json' } }],
    ['HTML', { headers: { 'content-type': 'text/html' } }],
    ['text', { headers: { 'content-type': 'text/plain' } }],
    ['no type', { headers: {} }],
    ['no JSON', { document: '{' }],
    ['more than 16 KB', { document: { a: 'b'.repeat(17_000) } }],
    ['compressed', { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } }],
  ])('[CIMD §5] CM-01 %s is no document', async (_what, change) => {
    Object.assign(host, change);
    expectErrorPage(await open(world, host.clientId), {
      ...BAD,
      reason: 'client_description_unavailable',
    });
  });
  it.each(['application/json; charset=utf-8', 'application/cimd+json', 'Application/JSON'])(
    '[CIMD §5] of the type %s is a document',
    async (type) => {
      host.headers = { 'content-type': type };
      expect(pageOf(await open(world, host.clientId))).toBe('login');
    },
  );
  it.each(['application/+json', 'text/x+json', 'application/json+x', 'application/jsonp'])(
    '[CIMD §5] CM-01 of the type %s is none',
    async (type) => {
      host.headers = { 'content-type': type };
      expectErrorPage(await open(world, host.clientId), {
        ...BAD,
        reason: 'client_description_unavailable',
      });
    },
  );
  it('CM-01 a host that does not answer is told, and asked again after a pause', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const origin = `http://127.0.0.1:${port}`;
    world = await worldFor(host, {}, { allowOutbound: [origin] });
    expectErrorPage(await open(world, `${origin}/client.json`), {
      ...BAD,
      reason: 'client_description_unavailable',
    });
  });
});

describe('a document', () => {
  it.each<readonly [what: string, change: object]>([
    ['CM-01 of another client', { client_id: 'https://other.example/client.json' }],
    ['CM-01 without a client_id', { client_id: undefined }],
    ['CM-01 whose client_id only looks the same', { client_id: 'HTTP' }],
    ['CM-02 with a secret', { client_secret: 'a'.repeat(40) }],
    ['CM-02 with the end of a secret', { client_secret_expires_at: 0 }],
    ['CM-02 with client_secret_basic', { token_endpoint_auth_method: 'client_secret_basic' }],
    ['CM-02 with client_secret_post', { token_endpoint_auth_method: 'client_secret_post' }],
    ['CM-02 with client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['CM-02 with a method of ours', { token_endpoint_auth_method: 'client_secret' }],
    ['CM-02 with a method that is not offered', { token_endpoint_auth_method: 'tls' }],
    ['CM-02 signed by a shared secret', { id_token_signed_response_alg: 'HS256' }],
    ['without redirect URIs', { redirect_uris: undefined }],
    ['AZ-05 with a dangerous redirect URI', { redirect_uris: ['javascript:alert(1)'] }],
    ['AZ-05 with http', { redirect_uris: ['http://assistant.example/cb'] }],
    ['with the wrong type', { redirect_uris: 'https://assistant.example/cb' }],
    ['with grants that it may not have', { grant_types: ['client_credentials'] }],
    ['with private_key_jwt and no keys', { token_endpoint_auth_method: 'private_key_jwt' }],
    [
      'with a private key',
      { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ kty: 'OKP', d: 'a' }] } },
    ],
  ])('[CIMD §4.1] %s is refused on a page', async (_what, change) => {
    host.document = document(change);
    expectErrorPage(await open(world, host.clientId), BAD);
  });
  it.each([['[]'], ['null'], ['"text"'], ['1']])(
    '[CIMD §4] CM-01 %s is refused on a page',
    async (text) => {
      host.document = text;
      expectErrorPage(await open(world, host.clientId), BAD);
    },
  );
  it('[CIMD §8.1] AZ-02 a redirect URI that it does not name gets nothing', async () => {
    const visit = await open(world, host.clientId, { redirect_uri: 'https://evil.example/cb' });
    expectErrorPage(visit, {
      status: 400,
      code: 'invalid_request',
      reason: 'redirect_uri_mismatch',
    });
  });
  it('CM-01 at the token endpoint a bad one is invalid_client', async () => {
    host.document = document({ client_id: 'x' });
    const fields = { grant_type: 'authorization_code', code: 'x', client_id: host.clientId };
    expectRefusal(world, await post(world, 'token', fields, {}), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_description',
    });
  });
  it('[CIMD §5.2] CM-01 a bad one is not kept: it is read again, once a minute at most', async () => {
    const good = host.document;
    host.document = document({ client_id: 'x' });
    for (let call = 0; call < 5; call += 1) expectErrorPage(await open(world, host.clientId), BAD);
    expect(host.asked).toBe(1);
    host.document = good;
    world.now += 60;
    expect(pageOf(await open(world, host.clientId))).toBe('login');
  });
  it('[CIMD §5.2] a good one is kept as its headers say', async () => {
    for (let call = 0; call < 5; call += 1) await open(world, host.clientId);
    expect(host.asked).toBe(1);
    world.now += 301;
    await open(world, host.clientId);
    expect(host.asked).toBe(2);
  });
  it('RG-03 what is the operator’s to give is not in it', async () => {
    host.document = document({
      skip_consent: true,
      owner: 'alice-sub',
      allowed_origins: ['https://x.example'],
    });
    const client = await identify();
    expect([client?.skipConsent, client?.owner]).toEqual([false, null]);
    // Its own pages may call the token endpoint.
    expect(client?.allowedOrigins).toEqual([new URL(REDIRECT).origin]);
  });
  it.each([
    ['a policy over http', { policy_uri: 'http://HOST/policy' }],
    ['terms that are no text', { tos_uri: 1 }],
  ])('RG-05 with %s of its own origin is refused', async (_what, change) => {
    const text = JSON.stringify(document(change)).replaceAll('HOST', new URL(host.origin).host);
    host.document = text;
    expectErrorPage(await open(world, host.clientId), BAD);
  });
  it('CM-02 links and pictures of another origin are left out', async () => {
    const bank = 'https://bank.example/';
    host.document = document({ client_uri: bank, logo_uri: bank, tos_uri: bank, policy_uri: bank });
    const client = await identify();
    expect([client?.clientUri, client?.logoUri, client?.tosUri, client?.policyUri]).toEqual(
      Array.from({ length: 4 }, () => null),
    );
  });
  it('a policy of the host decides', async () => {
    world = await worldFor(host, { policy: () => ({ refuse: 'Not this one.' }) });
    expectErrorPage(await open(world, host.clientId), {
      ...BAD,
      reason: 'registration_policy',
    });
  });

  /** The record of the client, after it signed somebody in. */
  async function identify(): Promise<Client | null> {
    expect(pageOf(await open(world, host.clientId))).toBe('login');
    const ours = { client_id: host.clientId, redirect_uri: REDIRECT };
    await getCode(world, pkce(), ours);
    return await world.provider.clients.find(host.clientId);
  }
});

describe('what strangers can make this server fetch', () => {
  let connections: number;
  let origin: string;
  beforeEach(async () => {
    connections = 0;
    const server = createServer();
    server.on('connection', (socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => void (await new Promise((resolve) => server.close(resolve))));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    world = await worldFor(host, {}, { allowOutbound: [origin] });
  });

  it('OB-05 1,000 requests for a document that cannot be had ask for it once', async () => {
    for (let call = 0; call < 1000; call += 1) await open(world, `${origin}/client.json`);
    expect(connections).toBe(1);
  });
  it('OB-05 of 1,000 documents 60 are fetched for a network', async () => {
    let last = null;
    for (let call = 0; call < 1000; call += 1)
      last = await open(world, `${origin}/client-${call}.json`);
    expect([connections, last?.status]).toEqual([60, 429]);
  });
  it('OB-04 not what is inside the network, though it is named for other keys', async () => {
    world = await worldFor(host, { allowInternalDocuments: [] }, { allowOutbound: [origin] });
    const visit = await open(world, `${origin}/admin?delete=all`);
    expectErrorPage(visit, { status: 400, code: 'invalid_request', reason: 'client_unknown' });
    const named = 'https://keys.internal';
    world = await worldFor(host, { allowInternalDocuments: [] }, { allowOutbound: [named] });
    expectErrorPage(await open(world, `${named}/admin?delete=all`), {
      ...BAD,
      reason: 'client_address_host',
    });
    expect(connections).toBe(0);
  });
  it('OB-04 nor by the logo or the keys of a document', async () => {
    world = await worldFor(
      host,
      { allowInternalDocuments: [host.origin] },
      { allowOutbound: [host.origin, origin] },
    );
    host.document = document({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: `${origin}/admin?delete=all`,
    });
    expectErrorPage(await open(world, host.clientId), BAD);
    expect(connections).toBe(0);
  });
});
