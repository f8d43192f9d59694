/** Pairwise subject identifiers (OIDC Core §8.1): every path tells a client its own. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Config, pairwiseSubjects, responseTypes, rpInitiatedLogout } from 'valetkey';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { relyingParties, tokenIn } from '../back-channel-logout/relying-parties.ts';
import { expectRefusedRedirect } from '../refusals.ts';
import {
  ALICE,
  basic,
  browserOf,
  claimsOf,
  codeOf,
  getCode,
  getTokens,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  pkce,
  post,
  REDIRECT_URI,
  read,
  type World,
} from '../setup.ts';

const SALT = 'a salt of at least thirty-two characters';
const PAIRWISE = { subject_type: 'pairwise' };

let world: World;
const start = async (options: Partial<Config> = {}): Promise<void> => {
  const { features = [], ...rest } = options;
  world = await makeWorld({ ...rest, features: [pairwiseSubjects({ salt: SALT }), ...features] });
  await world.provider.clients.update(world.web.clientId, { fields: PAIRWISE });
};
beforeEach(async () => await start());

/** The subject that another client learns, at an address of its own. */
async function subjectAt(redirectUri: string, fields: object = PAIRWISE): Promise<unknown> {
  const { client, clientSecret } = await world.provider.clients.create({
    name: redirectUri,
    redirectUris: [redirectUri],
    fields: { ...fields },
  });
  const proof = pkce();
  const changes = { client_id: client.clientId, redirect_uri: redirectUri };
  const code = await getCode(world, proof, changes);
  const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri };
  const { body } = await post(
    world,
    'token',
    { ...form, code_verifier: proof.verifier },
    { authorization: basic(client.clientId, clientSecret ?? '') },
  );
  return claimsOf(body['id_token'])['sub'];
}

describe('a client', () => {
  it('[OIDC Core §8.1] knows a person by one identifier, which is not the subject', async () => {
    const browser = browserOf(world);
    const first = await getTokens(world, {}, browser);
    const again = await getTokens(world, {}, browser);
    const { sub } = claimsOf(first.id_token);
    expect(sub).toMatch(/^[\w-]{43}$/);
    expect([claimsOf(again.id_token)['sub'], sub === ALICE.sub]).toEqual([sub, false]);
    const refreshed = await post(world, 'token', {
      grant_type: 'refresh_token',
      refresh_token: again.refresh_token,
    });
    expect(claimsOf(refreshed.body['id_token'])['sub']).toBe(sub);
    const info = await post(
      world,
      'userinfo',
      {},
      { authorization: `Bearer ${first.access_token}` },
    );
    expect(info.body['sub']).toBe(sub);
    for (const token of [first.access_token, again.access_token])
      expect((await post(world, 'introspect', { token })).body['sub']).toBe(sub);
  });

  it('[OIDC Core §8.1] of the same sector knows the same identifier, of another sector another', async () => {
    const { sub } = claimsOf((await getTokens(world)).id_token);
    expect(await subjectAt('https://rp.example/another')).toBe(sub);
    expect(await subjectAt('https://elsewhere.example/cb')).not.toBe(sub);
    expect(await subjectAt('https://rp.example/public', {})).toBe(ALICE.sub);
  });

  it('[OIDC Core §3.2.2.10] learns it from the authorization response as well', async () => {
    await start({ features: [responseTypes()] });
    const { sub } = claimsOf((await getTokens(world)).id_token);
    const types = { grantTypes: ['implicit'], responseTypes: ['id_token'] };
    await world.provider.clients.update(world.web.clientId, types);
    const browser = browserOf(world);
    let visit = await openAuthorize(world, browser, { response_type: 'id_token' });
    visit = await logIn(browser, visit);
    const answer = new URLSearchParams(visit.leaves?.hash.slice(1));
    expect(claimsOf(answer.get('id_token'))['sub']).toBe(sub);
  });

  it('[OIDC Core §3.1.2.1] asks for the person by it: as a hint, and in claims', async () => {
    const browser = browserOf(world);
    const { id_token: hint } = await getTokens(world, {}, browser);
    const silent = { prompt: 'none', id_token_hint: hint };
    expect(codeOf(await openAuthorize(world, browser, silent))).not.toBeNull();
    const ask = async (value: unknown) =>
      await openAuthorize(world, browser, {
        prompt: 'none',
        claims: JSON.stringify({ id_token: { sub: { value } } }),
      });
    expect(codeOf(await ask(claimsOf(hint)['sub']))).not.toBeNull();
    expectRefusedRedirect(world, await ask(ALICE.sub), {
      error: 'login_required',
      reason: 'prompt_none',
    });
  });

  it('[RP-Initiated Logout §2] signs the person out by it', async () => {
    await start({ features: [rpInitiatedLogout({ confirmation: 'when-unproven' })] });
    const browser = browserOf(world);
    const { id_token: hint } = await getTokens(world, {}, browser);
    const query = new URLSearchParams({ id_token_hint: hint });
    const visit = await browser.open(`${world.provider.url('rp-initiated-logout')}?${query}`);
    expect(visit.html).toContain('id="signed-out"');
  });

  it('[Back-Channel Logout §2.4] hears of the end of the session by it', async () => {
    const parties = await relyingParties();
    await start({ allowOutbound: [parties.origin] });
    await world.provider.clients.update(world.web.clientId, {
      fields: { ...PAIRWISE, backchannel_logout_uri: `${parties.origin}/web` },
    });
    const { sub } = claimsOf((await getTokens(world)).id_token);
    await world.provider.subjects.revoke(ALICE.sub);
    await world.provider.deliver();
    expect(claimsOf(tokenIn(parties.calls[0]))['sub']).toBe(sub);
    await world.provider.close();
    await parties.close();
  });
});

describe('sector_identifier_uri', () => {
  let server: Server;
  let origin: string;
  let answer: string;
  beforeEach(async () => {
    server = createServer((_, response) => response.end(answer));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await start({ allowOutbound: [origin] });
  });
  afterEach(async () => {
    await world.provider.close();
    server.close();
  });

  const uris = [REDIRECT_URI, 'https://other.example/cb'];
  const register = async (path: string | null): Promise<unknown> =>
    await world.provider.clients.create({
      name: 'Two hosts',
      redirectUris: uris,
      fields: { ...PAIRWISE, sector_identifier_uri: path === null ? null : origin + path },
    });

  it('[OIDC Registration §5] lists every redirect URI, and names the sector', async () => {
    answer = JSON.stringify([...uris, 'https://third.example/cb']);
    expect(await register('/good')).toHaveProperty('client');
  });

  it.each<[string, string | null, string]>([
    ['that lacks one', '/lacks', JSON.stringify([REDIRECT_URI])],
    ['that is no list', '/object', '{}'],
    ['that is no JSON', '/text', 'x'],
    ['that is missing, with two hosts', null, ''],
  ])('[OIDC Registration §5] OB-03 %s is refused', async (_, path, body) => {
    answer = body;
    await expect(register(path)).rejects.toMatchObject({ name: 'ClientMetadataError' });
  });

  it('[OIDC Registration §5] is read again when redirect URIs change', async () => {
    answer = JSON.stringify(uris);
    const made = (await register('/changes')) as { client: { clientId: string } };
    const redirectUris = [...uris, 'https://evil.example/cb'];
    await expect(
      world.provider.clients.update(made.client.clientId, { redirectUris }),
    ).rejects.toMatchObject({ name: 'ClientMetadataError' });
  });
});

it('[OIDC Discovery §3] MD-02 is announced where there is a salt', async () => {
  for (const salt of [SALT, null]) {
    const { provider } = await makeWorld({ features: [pairwiseSubjects({ salt })] });
    const url = new URL('/.well-known/openid-configuration', ISSUER);
    const { body } = await read(await provider.fetch(new Request(url)));
    const expected = salt === null ? ['public'] : ['public', 'pairwise'];
    expect(body['subject_types_supported']).toEqual(expected);
  }
});

it('a short salt is refused at the start', async () => {
  await expect(makeWorld({ features: [pairwiseSubjects({ salt: 'short' })] })).rejects.toThrow(
    /salt/,
  );
});
