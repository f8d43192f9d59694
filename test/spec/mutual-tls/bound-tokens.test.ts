/** Tokens that are bound to a certificate (RFC 8705 §3), and what discovery says. Rule SC-09. */
import { createHash } from 'node:crypto';
import {
  type Client,
  type ClientCertificate,
  type ClientMetadata,
  clientEndpoint,
  defineFeature,
  mutualTls,
} from 'valetkey';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  type Answer,
  getCode,
  ISSUER,
  makeWorld,
  pkce,
  REDIRECT_URI,
  read,
  type World,
} from '../setup.ts';
import { registerIn, sendTo } from './asking.ts';
import { type Made, makeUsual, NOW, SUBJECT, shown } from './certificates.ts';

const { authority, good, other, own } = makeUsual();
afterAll(() => authority.remove());

let world: World;
beforeEach(async () => {
  world = await makeWorld({ features: [mutualTls({ enabled: true })], clock: () => NOW });
});

const register = async (
  method: string,
  fields: Readonly<Record<string, unknown>>,
  more: Partial<ClientMetadata> = {},
): Promise<Client> => await registerIn(world, method, fields, more);
const send = async (
  path: string,
  fields: Readonly<Record<string, string>>,
  certificate: ClientCertificate | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> => await sendTo(world, path, fields, certificate, headers);

describe('bound tokens', () => {
  const BOUND = { tls_client_certificate_bound_access_tokens: true };
  const thumbprint = (made: Made): string =>
    createHash('sha256').update(shown(made, true).der).digest('base64url');

  async function userinfo(token: unknown, certificate: ClientCertificate | null): Promise<Answer> {
    const request = new Request(world.provider.url('userinfo'), {
      headers: { authorization: `Bearer ${String(token)}` },
    });
    return await read(await world.provider.fetch(request, { certificate: () => certificate }));
  }
  /** The whole flow. */
  async function tokens(client: Client, certificate: ClientCertificate | null): Promise<Answer> {
    const proof = pkce();
    const code = await getCode(world, proof, { client_id: client.clientId, scope: 'openid read' });
    const fields = { grant_type: 'authorization_code', code, code_verifier: proof.verifier };
    const more = { redirect_uri: REDIRECT_URI, client_id: client.clientId };
    return await send('token/', { ...fields, ...more }, certificate);
  }

  it('[RFC8705 §3] [RFC8705 §3.1] SC-09 are worth something with their certificate alone', async () => {
    const client = await register('tls_client_auth', { ...SUBJECT, ...BOUND });
    const { body } = await tokens(client, shown(good, true));
    expect(body['token_type']).toBe('Bearer');
    const token = body['access_token'];
    expect((await userinfo(token, shown(good, true))).status).toBe(200);
    for (const wrong of [shown(other, true), null]) {
      const answer = await userinfo(token, wrong);
      const reason = 'certificate_other';
      expectRefusal(world, answer, { status: 401, error: 'invalid_token', reason });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer .*invalid_token/);
    }
    const asked = { token: String(token), client_id: client.clientId };
    const told = await send('introspect/', asked, shown(good, true));
    expect(told.body['cnf']).toEqual({ 'x5t#S256': thumbprint(good) });
  });
  it('[RFC8705 §3] are not issued without a certificate', async () => {
    const own1 = await world.provider.clients.create({
      name: 'bound',
      redirectUris: [REDIRECT_URI],
      grantTypes: ['authorization_code', 'refresh_token'],
      tokenEndpointAuthMethod: 'none',
      fields: BOUND,
    });
    const answer = await tokens(own1.client, null);
    const reason = 'certificate_missing';
    expectRefusal(world, answer, { status: 400, error: 'invalid_request', reason });
  });
  it('[RFC8705 §4] the refresh tokens of a public client are bound as well', async () => {
    const { client } = await world.provider.clients.create({
      name: 'bound',
      redirectUris: [REDIRECT_URI],
      grantTypes: ['authorization_code', 'refresh_token'],
      tokenEndpointAuthMethod: 'none',
      fields: BOUND,
    });
    const { body } = await tokens(client, shown(own, false));
    const refresh = {
      grant_type: 'refresh_token',
      refresh_token: String(body['refresh_token']),
      client_id: client.clientId,
    };
    const stolen = await send('token/', refresh, shown(other, true));
    const reason = 'sender_constraint_mismatch';
    expectRefusal(world, stolen, { status: 400, error: 'invalid_grant', reason });
    expect((await send('token/', refresh, shown(own, false))).status).toBe(200);
  });
  it('[RFC8705 §3] those of a client that does not ask for it are not bound', async () => {
    const client = await register('tls_client_auth', SUBJECT);
    const { body } = await tokens(client, shown(good, true));
    expect((await userinfo(body['access_token'], null)).status).toBe(200);
  });
});

describe('discovery', () => {
  const documentOf = async (config: Parameters<typeof makeWorld>[0]): Promise<unknown> => {
    const made = await makeWorld(config);
    const url = `${ISSUER}/.well-known/oauth-authorization-server`;
    return await (await made.provider.fetch(new Request(url))).json();
  };

  it('CL-15 [RFC8705 §3.3] says nothing where it is off', async () => {
    const documents = await documentOf({});
    expect(documents).not.toHaveProperty('tls_client_certificate_bound_access_tokens');
    expect(JSON.stringify(documents)).not.toContain('tls_client_auth');
  });
  it('[RFC8705 §5] names methods, binding, and the addresses for certificates', async () => {
    const origin = 'https://mtls.op.example';
    const documents = await documentOf({ features: [mutualTls({ enabled: true, origin })] });
    expect(documents).toMatchObject({
      tls_client_certificate_bound_access_tokens: true,
      token_endpoint_auth_methods_supported: expect.arrayContaining([
        'tls_client_auth',
        'self_signed_tls_client_auth',
      ]),
      mtls_endpoint_aliases: {
        token_endpoint: `${origin}/o/token/`,
        revocation_endpoint: `${origin}/o/revoke_token/`,
        introspection_endpoint: `${origin}/o/introspect/`,
        pushed_authorization_request_endpoint: `${origin}/o/par/`,
        userinfo_endpoint: `${origin}/o/userinfo/`,
      },
    });
  });
  it('[RFC8705 §5] names endpoints of the host that clients call, and no page', async () => {
    const origin = 'https://mtls.op.example';
    const invite = clientEndpoint({
      name: 'invite',
      path: 'invite/',
      metadataName: 'invite_endpoint',
      handle: async () => new Response(null, { status: 204 }),
    });
    const invitations = defineFeature({
      name: 'invitations',
      description: 'invites',
      options: {},
      create: () => ({ endpoints: [invite] }),
    });
    const features = [mutualTls({ enabled: true, origin }), invitations()];
    const { mtls_endpoint_aliases: aliases } = (await documentOf({ features })) as {
      readonly mtls_endpoint_aliases: Readonly<Record<string, string>>;
    };
    expect(aliases['invite_endpoint']).toBe(`${origin}/o/invite/`);
    expect(Object.keys(aliases)).not.toContain('authorization_endpoint');
    expect(Object.keys(aliases)).not.toContain('jwks_uri');
  });
  it.each(['mtls.op.example', 'http://mtls.op.example', 'https://mtls.op.example/x'])(
    'the origin %s stops the start',
    async (origin) => {
      const features = [mutualTls({ enabled: true, origin })];
      await expect(makeWorld({ features })).rejects.toThrow(/must be an https origin/);
    },
  );
});
