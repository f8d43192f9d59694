/**
 * The metadata is exact: with each switch flipped, every capability that is announced is tried, and
 * so is every one that is not. Rules MD.
 */
import type { ClientMetadata } from 'valetkey';
import { beforeAll, describe, expect, it } from 'vitest';
import { basic } from '../setup.ts';
import {
  authorize,
  CALLBACK,
  call,
  documentAt,
  endpointsIn,
  listed,
  type Probed,
  plainClient,
  probed,
  refusalOf,
  tokenError,
} from './probes.ts';
import { ALL, SWITCHES } from './switches.ts';

const GRANTS = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
  'password',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
];
const TYPES = [
  'code',
  'id_token',
  'code id_token',
  'none',
  'token',
  'id_token token',
  'code token',
];
const MODES = [
  ...['query', 'fragment', 'form_post', 'jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt'],
  'web_message',
];
const METHODS = [
  ...['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'],
  ...['tls_client_auth', 'self_signed_tls_client_auth', 'none'],
];
const ALGS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
  ...['Ed25519', 'HS256', 'HS384', 'ES256K'],
];
const KEYS = [
  ...['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'],
  ...['RSA1_5', 'A128KW', 'dir'],
];
const CONTENTS = ['A128CBC-HS256', 'A256CBC-HS512', 'A128GCM', 'A256GCM', 'A192GCM'];

/** What of `tried` works; to be held against what is announced. */
async function working(
  tried: readonly string[],
  works: (one: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const one of tried) if (await works(one)) found.push(one);
  return found;
}

const sorted = (texts: readonly string[]): readonly string[] => [...texts].sort();

let everything: Probed;
beforeAll(async () => {
  everything = await probed(ALL);
});

describe.each(SWITCHES)('[OIDC Discovery §3] MD-03 with a switch: %s', (name, options) => {
  let world: Probed;
  /** A client that may do all that is announced. */
  let clientId: string;
  let secret: string | null;
  beforeAll(async () => {
    world = await probed(options);
    const responses = listed(world, 'response_types_supported');
    const { client, clientSecret } = await world.provider.clients.create({
      ...plainClient(world),
      grantTypes: listed(world, 'grant_types_supported').filter(
        (type) => GRANTS.includes(type) || type === 'implicit',
      ),
      responseTypes: responses,
      redirectUris: responses.length === 0 ? [] : [CALLBACK],
    });
    ({ clientId } = client);
    secret = clientSecret;
  });
  const accepts = async (changes: Partial<ClientMetadata>, methods?: string[]): Promise<boolean> =>
    (await refusalOf(world, { ...plainClient(world, methods), ...changes })) === null;
  const asked = async (
    changes: Readonly<Record<string, string | null>>,
  ): Promise<Awaited<ReturnType<typeof authorize>>> => await authorize(world, clientId, changes);

  it('[RFC8414 §3.2] both documents are the same, and no list is empty', async () => {
    expect(await documentAt(world.provider, 'oauth-authorization-server')).toEqual(world.said);
    const empty = Object.entries(world.said).filter(
      ([, value]) => Array.isArray(value) && value.length === 0,
    );
    expect(empty).toEqual([]);
  });
  it('endpoints answer where they are announced, and nowhere else', async () => {
    const own = endpointsIn(world.said);
    const base = new URL(own['token_endpoint'] ?? '').pathname.replace(/\/token\/?$/, '');
    const answers = await working(Object.keys(endpointsIn(everything.said)), async (name) => {
      const path = new URL(endpointsIn(everything.said)[name] ?? '').pathname;
      const url = own[name] ?? new URL(path.replace(/^\/o/, base), world.provider.issuer).href;
      const statuses = ['GET', 'POST'].map(
        async (method) => (await world.provider.fetch(new Request(url, { method }))).status,
      );
      return (await Promise.all(statuses)).every((status) => status !== 404);
    });
    expect(sorted(answers)).toEqual(sorted(Object.keys(own)));
  });
  it('[RFC8414 §2] members about an endpoint stand beside the endpoint', () => {
    const about = Object.keys(world.said).filter((name) => /_endpoint_auth_/.test(name));
    const without = about.filter(
      (name) => world.said[name.replace(/_endpoint_auth_.*/, '_endpoint')] === undefined,
    );
    expect(without).toEqual([]);
    const aliases = (world.said['mtls_endpoint_aliases'] ?? {}) as Record<string, string>;
    expect(Object.keys(aliases).filter((name) => world.said[name] === undefined)).toEqual([]);
  });
  it('grant types are accepted by the token endpoint, and by registration', async () => {
    const announced = listed(world, 'grant_types_supported');
    const atToken = await working(
      GRANTS,
      async (type) => (await tokenError(world, { grant_type: type })) !== 'unsupported_grant_type',
    );
    // No request of the token endpoint has this one (RFC 7591 §2).
    const inTokenRequests = announced.filter((type) => type !== 'implicit');
    expect(sorted(atToken)).toEqual(sorted(inTokenRequests));
    const registered = await working([...GRANTS, 'implicit'], async (type) => {
      const responses = { authorization_code: ['code'], implicit: ['id_token'] }[type] ?? [];
      const redirectUris = [CALLBACK];
      return await accepts({ grantTypes: [type], responseTypes: responses, redirectUris });
    });
    expect(sorted(registered)).toEqual(sorted(announced));
  });
  it('response types are accepted, by requests and by registration', async () => {
    const announced = listed(world, 'response_types_supported');
    const pushedOnly = world.said['require_pushed_authorization_requests'] === true;
    const answers = await working(TYPES, async (type) => {
      const { error } = await asked({ response_type: type });
      expect(['login_required', 'unsupported_response_type', null, 'invalid_request']).toContain(
        error,
      );
      return error === (pushedOnly ? 'invalid_request' : 'login_required');
    });
    const known = announced.filter((type) => TYPES.includes(type));
    const anyGrant = /refresh-token/.test(name) ? 'client_credentials' : 'refresh_token';
    expect(sorted(answers)).toEqual(sorted(known));
    const registered = await working(TYPES, async (type) => {
      const codes = type.split(' ').includes('code') ? ['authorization_code'] : [];
      const front = /token/.test(type) ? ['implicit'] : [];
      const grantTypes = [...codes, ...front, ...(type === 'none' ? [anyGrant] : [])];
      return await accepts({ grantTypes, responseTypes: [type], redirectUris: [CALLBACK] });
    });
    expect(sorted(registered)).toEqual(sorted(known));
  });
  it('response modes, prompts, PKCE methods and parameters of requests do what is announced', async () => {
    const { said } = world;
    if (said['require_pushed_authorization_requests'] === true) {
      expect((await asked({})).error).toBe('invalid_request');
      return;
    }
    if (!listed(world, 'response_types_supported').includes('code')) {
      expect(said['code_challenge_methods_supported']).toBeUndefined();
      return;
    }
    expect((await asked({})).iss).toBe(
      said['authorization_response_iss_parameter_supported'] === true
        ? world.provider.issuer
        : null,
    );
    const modes = await working(MODES, async (mode) => {
      const { by, error } = await asked({ response_mode: mode });
      return error === 'login_required' && by === (mode === 'jwt' ? 'query.jwt' : mode);
    });
    expect(sorted(modes)).toEqual(sorted(listed(world, 'response_modes_supported')));
    const prompts = await working(
      ['none', 'login', 'consent', 'select_account', 'create', 'made_up'],
      async (prompt) =>
        prompt === 'none'
          ? (await asked({ prompt })).error === 'login_required'
          : (await asked({ prompt })).by === 'page',
    );
    expect(sorted(prompts)).toEqual(sorted(listed(world, 'prompt_values_supported')));
    const pkce = await working(
      ['S256', 'plain', 'S512'],
      async (method) => (await asked({ code_challenge_method: method })).error === 'login_required',
    );
    expect(pkce).toEqual(listed(world, 'code_challenge_methods_supported'));
    const claims = (await asked({ claims: '{' })).error === 'invalid_request';
    expect(claims).toBe(said['claims_parameter_supported']);
    const byValue = (await asked({ request: 'x.y.z' })).error;
    expect(byValue).toBe(
      said['request_parameter_supported'] === true
        ? 'invalid_request_object'
        : 'request_not_supported',
    );
    const byReference = (await asked({ request_uri: 'https://rp.example/request' })).error;
    expect(byReference).toBe(
      said['request_uri_parameter_supported'] === true
        ? 'invalid_request_uri'
        : 'request_uri_not_supported',
    );
    const scopes = await working(
      ['openid', 'profile', 'email', 'address', 'phone', 'offline_access', 'read', 'billing'],
      async (scope) => (await asked({ scope })).error === 'login_required',
    );
    expect(sorted(scopes)).toEqual(sorted(listed(world, 'scopes_supported')));
  });
  it('[OIDC Core §11] offline_access is announced where there are refresh tokens', () => {
    expect(listed(world, 'scopes_supported').includes('offline_access')).toBe(
      listed(world, 'grant_types_supported').includes('refresh_token'),
    );
  });
  it('client authentication methods are those of registration, and of the endpoints', async () => {
    const announced = listed(world, 'token_endpoint_auth_methods_supported');
    const fields = { tls_client_auth_subject_dn: 'CN=probe' };
    const registered = await working(METHODS, async (method) => {
      const more = method === 'tls_client_auth' ? { fields } : {};
      return await accepts({ tokenEndpointAuthMethod: method, ...more });
    });
    expect(sorted(registered)).toEqual(sorted(announced));
    const { provider } = world;
    for (const member of ['token', 'introspection', 'revocation']) {
      const url = endpointsIn(world.said)[`${member}_endpoint`];
      if (url === undefined) continue;
      const proves = await working(
        announced.filter((one) => /^(client_secret_(basic|post)|none)$/.test(one)),
        async (tokenEndpointAuthMethod) => {
          const metadata = { ...plainClient(world), tokenEndpointAuthMethod };
          const { client, clientSecret } = await provider.clients.create(metadata);
          const id = { client_id: client.clientId };
          const sent = { grant_type: 'refresh_token', token: 'x', refresh_token: 'x' };
          const secret = clientSecret ?? '';
          const { error } = await (tokenEndpointAuthMethod === 'client_secret_basic'
            ? call(provider, url, sent, { authorization: basic(client.clientId, secret) })
            : call(provider, url, { ...sent, ...id, ...(secret && { client_secret: secret }) }));
          return error !== 'invalid_client';
        },
      );
      const said = listed(world, `${member}_endpoint_auth_methods_supported`);
      expect(sorted(proves), member).toEqual(
        sorted(said.filter((one) => /^(client_secret_(basic|post)|none)$/.test(one))),
      );
    }
  });
  it.each(['id_token', 'userinfo', 'authorization', 'request_object'])(
    'algorithms of %s are those of registration',
    async (object) => {
      const memberOf = { id_token: 'idTokenSignedResponseAlg' }[object];
      const name = object === 'request_object' ? object : `${object}_signed_response`;
      const wire = object === 'request_object' ? `${object}_signing_alg` : `${name}_alg`;
      const signing = await working(ALGS, async (alg) =>
        accepts(memberOf === undefined ? { fields: { [wire]: alg } } : { [memberOf]: alg }),
      );
      expect(sorted(signing)).toEqual(
        sorted(listed(world, `${object}_signing_alg_values_supported`)),
      );
      const field = object === 'request_object' ? object : `${object}_encrypted_response`;
      const encryption = object === 'request_object' ? 'encryption_' : '';
      const algs = await working(KEYS, async (alg) =>
        accepts({ fields: { [`${field}_${encryption}alg`]: alg } }),
      );
      expect(sorted(algs)).toEqual(
        sorted(listed(world, `${object}_encryption_alg_values_supported`)),
      );
      const [alg = ''] = listed(world, `${object}_encryption_alg_values_supported`);
      const contents = await working(CONTENTS, async (enc) =>
        accepts({
          fields: { [`${field}_${encryption}alg`]: alg, [`${field}_${encryption}enc`]: enc },
        }),
      );
      expect(sorted(contents)).toEqual(
        sorted(listed(world, `${object}_encryption_enc_values_supported`)),
      );
    },
  );
  it('algorithms of assertions are those of registration', async () => {
    const methods = ['private_key_jwt', 'client_secret_jwt'];
    const algs = await working(ALGS, async (tokenEndpointAuthSigningAlg) => {
      const method = /^HS/.test(tokenEndpointAuthSigningAlg)
        ? 'client_secret_jwt'
        : 'private_key_jwt';
      return await accepts(
        { tokenEndpointAuthSigningAlg, tokenEndpointAuthMethod: method },
        methods,
      );
    });
    expect(sorted(algs)).toEqual(
      sorted(listed(world, 'token_endpoint_auth_signing_alg_values_supported')),
    );
  });
  it('what clients can be registered for is announced', async () => {
    const { said } = world;
    const redirectUris = [CALLBACK];
    const responses = listed(world, 'response_types_supported').includes('code');
    const flow = responses
      ? { grantTypes: ['authorization_code'], responseTypes: ['code'], redirectUris }
      : { grantTypes: [], responseTypes: [], redirectUris: [] };
    const can = async (field: string, value: unknown): Promise<boolean> =>
      await accepts({ ...flow, fields: { [field]: value } });
    const uri = 'https://rp.example/logout';
    // Whoever names an address is told nothing without the page that loads it.
    const hasLogoutPage = said['end_session_endpoint'] !== undefined;
    if (!hasLogoutPage) expect(said['frontchannel_logout_supported']).toBeUndefined();
    expect({
      backchannel: await can('backchannel_logout_uri', uri),
      frontchannel: responses && hasLogoutPage && (await can('frontchannel_logout_uri', uri)),
      certificates: await can('tls_client_certificate_bound_access_tokens', true),
      dpop: await can('dpop_bound_access_tokens', true),
      pushed: await can('require_pushed_authorization_requests', true),
      signed: await can('require_signed_request_object', true),
      encrypted: await can('request_object_encryption_alg', 'ECDH-ES'),
      pairwise: await can('subject_type', 'pairwise'),
    }).toEqual({
      backchannel: said['backchannel_logout_supported'] === true,
      frontchannel: responses && said['frontchannel_logout_supported'] === true,
      certificates: said['tls_client_certificate_bound_access_tokens'] === true,
      dpop: said['dpop_signing_alg_values_supported'] !== undefined,
      pushed: said['pushed_authorization_request_endpoint'] !== undefined,
      signed: said['require_signed_request_object'] !== undefined,
      encrypted: listed(world, 'request_object_encryption_alg_values_supported').length > 0,
      pairwise: listed(world, 'subject_types_supported').includes('pairwise'),
    });
  });
  it('a DPoP proof is looked at where that is announced', async () => {
    const { provider, said } = world;
    if (secret === null) return;
    const sent = { client_id: clientId, client_secret: secret };
    const type = listed(world, 'grant_types_supported').find((one) => /^(ref|client)/.test(one));
    const fields = { ...sent, grant_type: type ?? '', refresh_token: 'x' };
    const { error } = await call(provider, provider.url('token'), fields, { dpop: 'no proof' });
    const isRead = said['dpop_signing_alg_values_supported'] !== undefined;
    expect(error === 'invalid_dpop_proof').toBe(isRead);
  });
  it('addresses as client_id are read where that is announced', async () => {
    const { reason } = await authorize(world, 'https://app.invalid/client');
    const isRead = world.said['client_id_metadata_document_supported'] === true;
    expect(reason === 'client_unknown').toBe(!isRead);
  });
});
