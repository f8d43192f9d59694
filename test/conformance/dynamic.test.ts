/** The modules of the configuration and dynamic plans. Each test is named after its module. */
import { generateKeyPairSync } from 'node:crypto';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  claimsOf,
  newBrowser,
  REDIRECT_URI,
  Relying,
  type Setup,
  startSetup,
  throughPages,
  type Variant,
} from './suite.ts';

const CODE: Variant = {
  responseType: 'code',
  responseMode: 'default',
  auth: 'client_secret_basic',
};
const BY_KEY: Variant = { ...CODE, auth: 'private_key_jwt' };

let setup: Setup;
let browser: ScriptedBrowser;
beforeAll(async () => {
  setup = await startSetup();
  browser = newBrowser(setup);
});
afterAll(async () => {
  await setup.close();
});

type Json = Record<string, unknown>;
const registered = async (more: Json = {}, variant = CODE): Promise<Relying> =>
  await new Relying(setup, variant).register(more);

async function refused(more: Json): Promise<string> {
  const party = new Relying(setup, CODE);
  const answer = await party.post('registration_endpoint', {
    redirect_uris: [REDIRECT_URI],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    ...more,
  });
  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-type')).toMatch(/json/);
  return ((await answer.json()) as { error: string }).error;
}

describe('configuration', () => {
  it('oidcc-discovery-endpoint-verification', async () => {
    const { metadata, server } = setup;
    expect(metadata['issuer']).toBe(server.issuer);
    for (const [name, value] of Object.entries(metadata))
      if (name.endsWith('_endpoint') || name.endsWith('_uri') || name.endsWith('_iframe'))
        expect([name, String(value).startsWith('https://')]).toEqual([name, true]);
    const holds = (name: string, ...values: readonly string[]): void =>
      expect(metadata[name]).toEqual(expect.arrayContaining([...values]));
    holds('id_token_signing_alg_values_supported', 'RS256');
    holds('subject_types_supported', 'public', 'pairwise');
    holds('scopes_supported', 'openid', 'profile', 'email', 'address', 'phone');
    holds('claims_supported', 'sub', 'name', 'email');
    holds('response_types_supported', 'code', 'id_token', 'id_token token');
    holds('grant_types_supported', 'authorization_code', 'implicit', 'refresh_token');
    holds('request_object_signing_alg_values_supported', 'RS256');
    holds('userinfo_signing_alg_values_supported', 'RS256');
    holds('token_endpoint_auth_methods_supported', 'client_secret_basic', 'private_key_jwt');
    expect(metadata['request_object_signing_alg_values_supported']).not.toContain('none');
    expect(metadata['id_token_signing_alg_values_supported']).not.toContain('none');
    expect(metadata['request_uri_parameter_supported']).toBe(true);
    for (const tag of metadata['ui_locales_supported'] as readonly string[])
      expect(tag).toMatch(/^[a-z]{2}$/);
  });

  it('jwks: no private members, and distinct key ids', async () => {
    const { keys } = await setup.jwks();
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length);
    for (const key of keys)
      for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'])
        expect(key).not.toHaveProperty(member);
  });
});

describe('registration', () => {
  it('oidcc-idtoken-rs256', async () => {
    const party = await registered({ id_token_signed_response_alg: 'RS256' });
    const tokens = await party.tokensOf(await party.authorize(browser));
    expect(decodeProtectedHeader(String(tokens['id_token'])).alg).toBe('RS256');
    await party.remove();
  });

  it('oidcc-userinfo-rs256', async () => {
    const party = await registered({ userinfo_signed_response_alg: 'RS256' });
    const tokens = await party.tokensOf(await party.authorize(browser));
    const headers = { authorization: `Bearer ${tokens['access_token']}` };
    const answer = await setup.ask(String(setup.metadata['userinfo_endpoint']), { headers });
    expect(answer.headers.get('content-type')).toBe('application/jwt');
    const { payload } = await jwtVerify(
      await answer.text(),
      createLocalJWKSet(await setup.jwks()),
      { issuer: setup.server.issuer, audience: String(party.client['client_id']) },
    );
    expect(payload.sub).toBe(claimsOf(tokens['id_token']).sub);
    expect(payload).not.toHaveProperty('nonce');
    await party.remove();
  });

  it('oidcc-redirect-uri-regfrag', async () => {
    expect(await refused({ redirect_uris: [`${REDIRECT_URI}#fragment`] })).toBe(
      'invalid_redirect_uri',
    );
  });

  it('oidcc-3rd_party-init-login', async () => {
    const uri = 'https://suite.example/initiate';
    const party = await registered({ initiate_login_uri: uri });
    expect(party.client['initiate_login_uri']).toBe(uri);
    const { registration_client_uri: url, registration_access_token: token } = party.client;
    const headers = { authorization: `Bearer ${token}` };
    const answer = await setup.ask(String(url), { headers });
    expect([answer.status, ((await answer.json()) as Json)['initiate_login_uri']]).toEqual([
      200,
      uri,
    ]);
  });

  it('oidcc-3rd_party-init-login-nohttps', async () => {
    expect(await refused({ initiate_login_uri: 'http://suite.example/initiate' })).toBe(
      'invalid_client_metadata',
    );
  });

  it.each([
    ['logo', 'logo_uri', '/images/openid.png'],
    ['policy', 'policy_uri', '/policy'],
    ['tos', 'tos_uri', '/tos'],
  ])('oidcc-registration-%s-uri', async (_, field, path) => {
    const party = await registered({ [field]: `https://suite.example${path}` });
    const { html } = await party.open(newBrowser(setup), party.params());
    expect(html).toContain('id="login-form"');
    // The logo is shown through the origin of the provider.
    expect(html).toContain(field === 'logo_uri' ? '/client-logo/' : `https://suite.example${path}`);
    await party.remove();
  });

  it('oidcc-registration-sector-uri', async () => {
    setup.host.documents.set('/sector', JSON.stringify([REDIRECT_URI]));
    const sector = {
      subject_type: 'pairwise',
      sector_identifier_uri: `${setup.host.origin}/sector`,
    };
    const party = await registered(sector);
    expect(party.client).toMatchObject(sector);
    const tokens = await party.tokensOf(await party.authorize(browser));
    const { sub } = claimsOf(tokens['id_token']);
    expect((await party.userinfo(tokens['access_token']))['sub']).toBe(sub);
    await party.remove();
  });

  it('oidcc-registration-sector-bad', async () => {
    setup.host.documents.set('/bad', JSON.stringify(['https://suite.example/other']));
    const bad = { subject_type: 'pairwise', sector_identifier_uri: `${setup.host.origin}/bad` };
    expect(await refused(bad)).toBe('invalid_client_metadata');
  });

  it('oidcc-registration-jwks-uri', async () => {
    const party = new Relying(setup, BY_KEY);
    setup.host.documents.set('/jwks', JSON.stringify(party.jwks()));
    await party.register({ jwks_uri: `${setup.host.origin}/jwks` });
    const tokens = await party.tokensOf(await party.authorize(browser));
    expect(claimsOf(tokens['id_token']).sub).toEqual(expect.any(String));
    await party.remove();
  });

  it('oidcc-ensure-client-assertion-with-iss-aud-succeeds', async () => {
    const party = await registered({}, BY_KEY);
    const code = (await party.authorize(browser)).get('code') ?? '';
    const fields = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI };
    expect((await party.token(fields, setup.server.issuer)).status).toBe(200);
    await party.remove();
  });
});

describe('redirect URIs', () => {
  const page = ({ leaves, status, html }: Visit): void => {
    expect([leaves, status]).toEqual([null, 400]);
    expect(html).toContain('id="error-code"');
  };

  it('oidcc-ensure-redirect-uri-in-authorization-request', async () => {
    const party = await registered({ redirect_uris: [REDIRECT_URI, `${REDIRECT_URI}2`] });
    page(await party.open(browser, party.params({ redirect_uri: null })));
  });

  it('oidcc-redirect-uri-query-OK', async () => {
    const uri = `${REDIRECT_URI}?foo=bar`;
    const party = await registered({ redirect_uris: [uri] });
    const visit = await throughPages(
      browser,
      await party.open(browser, party.params({ redirect_uri: uri })),
    );
    expect(visit.leaves?.searchParams.get('foo')).toBe('bar');
    expect(visit.leaves?.searchParams.get('code')).toEqual(expect.any(String));
  });

  it.each([
    ['oidcc-redirect-uri-query-mismatch', `${REDIRECT_URI}?foo=bar`, `${REDIRECT_URI}?bar=foo`],
    ['oidcc-redirect-uri-query-added', REDIRECT_URI, `${REDIRECT_URI}?foo=bar`],
  ])('%s', async (_, known, sent) => {
    const party = await registered({ redirect_uris: [known] });
    page(await party.open(browser, party.params({ redirect_uri: sent })));
  });
});

describe('request objects by reference', () => {
  async function object(party: Relying, alg: 'RS256' | 'none'): Promise<string> {
    const claims = { ...Object.fromEntries(party.params()), aud: setup.server.issuer };
    if (alg === 'none')
      return `${[{ alg }, claims].map((one) => Buffer.from(JSON.stringify(one)).toString('base64url')).join('.')}.`;
    return await new SignJWT(claims)
      .setProtectedHeader({ alg, kid: party.kid })
      .setIssuer(String(party.client['client_id']))
      .sign(party.key);
  }
  const outside = (party: Relying, uri: string): URLSearchParams =>
    new URLSearchParams({
      client_id: String(party.client['client_id']),
      response_type: 'code',
      scope: 'openid',
      redirect_uri: REDIRECT_URI,
      request_uri: uri,
    });

  it('oidcc-request-uri-signed-rs256', async () => {
    const uri = `${setup.host.origin}/request/1#fragment`;
    const party = await registered({ request_uris: [uri], request_object_signing_alg: 'RS256' });
    setup.host.documents.set('/request/1', await object(party, 'RS256'));
    const visit = await throughPages(browser, await party.open(browser, outside(party, uri)));
    expect(visit.leaves?.searchParams.get('code')).toEqual(expect.any(String));
  });

  it('oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported', async () => {
    const uri = `${setup.host.origin}/request/2#fragment`;
    const party = await registered({ request_uris: [uri] });
    setup.host.documents.set('/request/2', await object(party, 'none'));
    const visit = await party.open(browser, outside(party, uri));
    expect(visit.leaves?.searchParams.get('error')).toBe('request_not_supported');
  });
});

describe('keys', () => {
  it('oidcc-server-rotate-keys', async () => {
    const { keys } = setup.server.assembly.provider;
    for (let turn = 0; turn < 2; turn += 1) {
      const before = (await setup.jwks()).keys.map(({ kid }) => kid);
      await keys.rotate({ immediate: true });
      const after = (await setup.jwks()).keys.map(({ kid }) => kid);
      expect(after.filter((kid) => !before.includes(kid)).length).toBeGreaterThan(0);
      expect(before.filter((kid) => !after.includes(kid))).toEqual([]);
    }
  });

  it('oidcc-refresh-token-rp-key-rotation', async () => {
    const party = new Relying(setup, BY_KEY);
    setup.host.documents.set('/rotating', JSON.stringify(party.jwks()));
    await party.register({ jwks_uri: `${setup.host.origin}/rotating` });
    const scope = 'openid offline_access';
    const tokens = await party.tokensOf(
      await party.authorize(browser, { scope, prompt: 'consent' }),
    );
    party.key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    party.kid = 'key-2';
    setup.host.documents.set('/rotating', JSON.stringify(party.jwks()));
    const fields = { grant_type: 'refresh_token', refresh_token: String(tokens['refresh_token']) };
    // The suite waits for a minute, after which an unknown key has the set fetched again.
    expect((await party.token(fields)).status).toBe(401);
    await new Promise((resolve) => setTimeout(resolve, 60_500));
    expect((await party.token(fields)).status).toBe(200);
  }, 120_000);
});
