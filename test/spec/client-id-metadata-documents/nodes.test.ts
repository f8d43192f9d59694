/** Described clients on several nodes, with operators and after their end. Rules CM, RG-04. */
import type { Store } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  DEVICE_GRANT,
  type Device,
  decideOn,
  send,
  shows,
  toConfirmation,
} from '../device-authorization/device.ts';
import { expectErrorPage } from '../refusals.ts';
import {
  browserOf,
  codeOf,
  getCode,
  logIn,
  pageOf,
  pkce,
  post,
  read,
  type World,
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

/** Another node of the same provider. */
async function nodeOf(store: Store): Promise<World> {
  const node = await worldFor(host, {}, { store: { ephemeral: true, forIssuer: () => store } });
  node.now = world.now;
  return node;
}

/** The device of the client asks. */
async function start(): Promise<Device> {
  const fields = { client_id: host.clientId, scope: 'openid' };
  const { status, body } = await send(world, 'device_authorization/', fields, {});
  expect([status, body]).toEqual([200, expect.anything()]);
  return body as unknown as Device;
}

async function use(of: World = world): Promise<void> {
  const proof = pkce();
  const code = await getCode(of, proof, ours());
  const fields = { grant_type: 'authorization_code', code, code_verifier: proof.verifier };
  expect((await post(of, 'token', { ...fields, ...ours() }, {})).status).toBe(200);
}

describe('several nodes', () => {
  it('RG-04 what an operator changes at another node is not undone', async () => {
    await use();
    await world.provider.clients.update(host.clientId, { skipConsent: true });
    const node = await nodeOf(world.provider.store);
    await open(node, host.clientId);
    await world.provider.clients.update(host.clientId, { skipConsent: false, owner: 'bob-sub' });
    host.document = document({ client_name: 'New' });
    node.now += 301;
    await open(node, host.clientId);
    expect(await stored()).toMatchObject({ skipConsent: false, owner: 'bob-sub', name: 'New' });
  });
  it('CM-01 what was read later holds, and nodes do not overwrite each other', async () => {
    host.headers['cache-control'] = 'max-age=86400';
    await use();
    const node = await nodeOf(world.provider.store);
    host.document = document({ redirect_uris: ['https://new.example/cb'] });
    node.now += 60;
    world.now += 60;
    await open(node, host.clientId);
    const version = (await stored())?.version;
    for (let call = 0; call < 10; call += 1) {
      await open(world, host.clientId);
      await open(node, host.clientId);
    }
    expect((await stored())?.version).toBe(version);
    // Nor does the first one serve what was withdrawn, once it sees the record.
    world.now += 31;
    expectErrorPage(await open(world, host.clientId), {
      status: 400,
      code: 'invalid_request',
      reason: 'redirect_uri_mismatch',
    });
  });
});

describe('what operators set', () => {
  it('RG-04 stays, also of what the document says and of fields of features', async () => {
    await use();
    await world.provider.clients.update(host.clientId, {
      scopes: ['openid'],
      fields: { require_pkce: true, dpop_bound_access_tokens: true },
    });
    host.document = document({ client_name: 'New', scope: 'openid read write' });
    world.now += 301;
    await open(world, host.clientId);
    expect(await stored()).toMatchObject({
      name: 'New',
      scopes: ['openid'],
      fields: { require_pkce: true, dpop_bound_access_tokens: true },
    });
  });
  it('RG-05 origins that the document no longer has go, those of operators stay', async () => {
    await use();
    await world.provider.clients.update(host.clientId, {
      allowedOrigins: ['https://assistant.example', 'https://added.example'],
    });
    for (const name of ['one', 'two', 'three']) {
      host.document = document({ redirect_uris: [`https://${name}.example/cb`] });
      world.now += 301;
      await open(world, host.clientId);
    }
    expect((await stored())?.allowedOrigins).toEqual([
      'https://three.example',
      'https://added.example',
    ]);
  });
});

describe('a host that cannot answer now', () => {
  it.each([408, 429, 500, 503])(
    '%d ends no client to which somebody allowed something',
    async (status) => {
      host.document = document({ grant_types: ['authorization_code', 'refresh_token'] });
      await use();
      host.status = status;
      world.now += 301;
      expect(pageOf(await open(world, host.clientId))).toBe('login');
    },
  );
  it.each([403, 404, 410])('%d does', async (status) => {
    await use();
    host.status = status;
    world.now += 301;
    expectErrorPage(await open(world, host.clientId), {
      status: 400,
      code: 'invalid_client',
      reason: 'client_description_unavailable',
    });
  });
});

describe('limits', () => {
  it('RG-01 whoever reaches theirs keeps nobody else out', async () => {
    world = await worldFor(host, { documents: { limit: 1, seconds: 900 } });
    await open(world, `${host.origin}/other.json`, {}, browserOf(world, '192.0.2.66'));
    const [blocked, ...others] = await Promise.all(
      ['192.0.2.66', '192.0.2.1', '192.0.2.2'].map(
        async (ip) => await open(world, host.clientId, {}, browserOf(world, ip)),
      ),
    );
    expect([blocked?.status, ...others.map(({ status }) => status)]).toEqual([429, 200, 200]);
  });
  it('RG-01 they are not about clients to which somebody allowed something', async () => {
    world = await worldFor(host, { documents: { limit: 1, seconds: 900 } });
    await use();
    await open(world, `${host.origin}/other.json`);
    world.now += 301;
    expect(pageOf(await open(world, host.clientId))).toBe('login');
  });
});

describe('after it was deleted once', () => {
  beforeEach(async () => {
    host.document = document({ grant_types: ['authorization_code', DEVICE_GRANT] });
    await use();
    await world.provider.clients.delete(host.clientId);
    world.now += 10;
  });

  it('a device that asked before somebody allows it gets its tokens', async () => {
    const device = await start();
    world.now += 2;
    expect(shows(await decideOn(browserOf(world), device))).toBe('device-allowed');
    world.now += 6;
    const { device_code } = device;
    const poll = { grant_type: DEVICE_GRANT, device_code, client_id: host.clientId };
    expect((await post(world, 'token', poll, {})).status).toBe(200);
  });
  it('a request that was pushed before somebody allows it is good', async () => {
    const proof = pkce();
    const body = new URLSearchParams({
      ...ours(),
      response_type: 'code',
      scope: 'openid',
      code_challenge: proof.challenge,
      code_challenge_method: 'S256',
    });
    const url = world.provider.url('pushed-authorization-request');
    const pushed = await read(
      await world.provider.fetch(new Request(url, { method: 'POST', body })),
    );
    world.now += 2;
    await use();
    const browser = browserOf(world);
    const request = new URLSearchParams({
      client_id: host.clientId,
      request_uri: String(pushed.body['request_uri']),
    });
    const login = await browser.open(`${world.provider.url('authorize')}?${request}`);
    // Its user allowed it a moment ago.
    expect(codeOf(await logIn(browser, login))).not.toBeNull();
  });
});

describe('what people see', () => {
  const noteOf = (html: string): string => /id="client-note"[^>]*>(.*?)<\/p>/.exec(html)?.[1] ?? '';

  it('CM-02 the page for a device names the host of the document, not one that it claims', async () => {
    host.document = document({
      client_name: 'Your Bank',
      redirect_uris: ['https://bank.example/cb'],
      grant_types: ['authorization_code', DEVICE_GRANT],
    });
    const { html } = await toConfirmation(browserOf(world), await start());
    expect(html).not.toContain('bank.example');
    expect(html).toContain(`<span class="host"><bdi>${new URL(host.origin).host}</bdi></span>`);
  });
  it('CM-02 a warning where the answer goes to the computer, whatever else is registered', async () => {
    host.document = document({ redirect_uris: ['http://127.0.0.1/cb', 'https://app.example/cb'] });
    const at = async (redirect_uri: string): Promise<string> => {
      const browser = browserOf(world);
      const login = await open(world, host.clientId, { redirect_uri }, browser);
      return noteOf((await logIn(browser, login)).html);
    };
    expect(await at('http://127.0.0.1:5123/cb')).toContain('your computer');
    expect(await at('https://app.example/cb')).not.toContain('your computer');
  });
});
