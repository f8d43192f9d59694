/** Clients that prove themselves by a certificate, and bound tokens (RFC 8705). Rules SC, CL. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Client, type ClientCertificate, type ClientMetadata, mutualTls } from 'valetkey';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  type Answer,
  basic,
  getCode,
  ISSUER,
  makeWorld,
  pkce,
  REDIRECT_URI,
  read,
  type World,
} from '../setup.ts';
import { type Authority, jwkOf, type Made, makeAuthority, shown } from './certificates.ts';

let authority: Authority;
let good: Made;
let other: Made;
let own: Made;
beforeAll(() => {
  authority = makeAuthority();
  good = authority.issue(
    '/C=NL/O=Example, Inc./OU=Apps+CN=printer',
    'DNS:printer.example,IP:192.0.2.7,URI:urn:printer,email:printer@example.com',
  );
  other = authority.issue('/C=NL/O=Example, Inc./OU=Apps+CN=scanner', 'DNS:scanner.example');
  own = authority.selfSigned('/CN=own');
});
afterAll(() => authority.remove());

const DN = 'CN=printer+OU=Apps,O=Example\\, Inc.,C=NL';
const SUBJECT = { tls_client_auth_subject_dn: DN };
/** The certificates are made a moment later. */
const NOW = Math.floor(Date.now() / 1000) + 600;

let world: World;
beforeEach(async () => {
  world = await makeWorld({ features: [mutualTls({ enabled: true })], clock: () => NOW });
});

async function register(
  method: string,
  fields: Readonly<Record<string, unknown>>,
  more: Partial<ClientMetadata> = {},
): Promise<Client> {
  const made = await world.provider.clients.create({
    name: method,
    redirectUris: [REDIRECT_URI],
    grantTypes: ['authorization_code', 'client_credentials', 'refresh_token'],
    scopes: ['openid', 'read', 'introspection'],
    tokenEndpointAuthMethod: method,
    fields,
    ...more,
  });
  return made.client;
}

async function send(
  path: string,
  fields: Readonly<Record<string, string>>,
  certificate: ClientCertificate | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const request = new Request(`${ISSUER}/o/${path}`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(fields),
  });
  const info = { ip: '192.0.2.1', certificate: () => certificate };
  return await read(await world.provider.fetch(request, info));
}

const ownToken = async (
  { clientId }: Client,
  certificate: ClientCertificate | null,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  await send(
    'token/',
    { grant_type: 'client_credentials', client_id: clientId, ...more },
    certificate,
  );

const REFUSED = { status: 401, error: 'invalid_client' } as const;

describe('tls_client_auth', () => {
  it.each([
    ['subject', SUBJECT],
    [
      'subject, in capitals and with spaces',
      { tls_client_auth_subject_dn: 'cn=printer + ou=Apps, o=Example\\2c Inc., c=NL' },
    ],
    ['DNS name', { tls_client_auth_san_dns: 'Printer.example' }],
    ['IP address', { tls_client_auth_san_ip: '192.0.2.7' }],
    ['URI', { tls_client_auth_san_uri: 'urn:printer' }],
    ['mail address', { tls_client_auth_san_email: 'printer@example.com' }],
  ])('[RFC8705 §2.1.2] proves by its %s', async (_what, fields) => {
    const client = await register('tls_client_auth', fields);
    expect((await ownToken(client, shown(good, true))).status).toBe(200);
    const refusal = { ...REFUSED, reason: 'certificate_subject' };
    expectRefusal(world, await ownToken(client, shown(other, true)), refusal);
  });
  it.each([
    ['in another order', 'C=NL,O=Example\\, Inc.,CN=printer+OU=Apps'],
    ['a part of it', 'CN=printer+OU=Apps'],
    ['another value', 'CN=Printer+OU=Apps,O=Example\\, Inc.,C=NL'],
    ['more parts', 'CN=printer+OU=Apps,O=Example\\, Inc.,C=NL,DC=x'],
    ['one value that looks like two', 'CN=printer\\+OU=Apps,O=Example\\, Inc.,C=NL'],
  ])('[RFC8705 §2.1.2] not by a subject that is %s', async (_what, dn) => {
    const client = await register('tls_client_auth', { tls_client_auth_subject_dn: dn });
    const refusal = { ...REFUSED, reason: 'certificate_subject' };
    expectRefusal(world, await ownToken(client, shown(good, true)), refusal);
  });
  it.each([
    ['DNS name', { tls_client_auth_san_dns: 'printer' }],
    ['DNS name by the mail address', { tls_client_auth_san_dns: 'printer@example.com' }],
    ['URI by the DNS name', { tls_client_auth_san_uri: 'printer.example' }],
    ['IP address', { tls_client_auth_san_ip: '192.0.2.70' }],
    ['name of nothing', { tls_client_auth_san_email: '' }],
  ])('[RFC8705 §2.1.2] not by another %s', async (_what, fields) => {
    const client = await register('tls_client_auth', fields);
    const refusal = { ...REFUSED, reason: 'certificate_subject' };
    expectRefusal(world, await ownToken(client, shown(good, true)), refusal);
  });
  it('[RFC8705 §2.1] CL-14 not by a certificate that nobody verified, whatever its subject', async () => {
    const client = await register('tls_client_auth', { tls_client_auth_subject_dn: 'CN=own' });
    const refusal = { ...REFUSED, reason: 'certificate_unverified' };
    expectRefusal(world, await ownToken(client, shown(own, false)), refusal);
    expect((await ownToken(client, shown(own, true))).status).toBe(200);
  });
  it.each([
    ['none', {}],
    ['two', { ...SUBJECT, tls_client_auth_san_dns: 'printer.example' }],
  ])('[RFC8705 §2.1.2] %s of the fields is refused at registration', async (_what, fields) => {
    await expect(register('tls_client_auth', fields)).rejects.toThrow(/exactly one/);
  });
  it.each(['', 'printer', 'CN=printer,', '=printer', 'CN', 'CN=a\\'])(
    '[RFC4514 §3] the subject %j is refused at registration',
    async (dn) => {
      const fields = { tls_client_auth_subject_dn: dn };
      await expect(register('tls_client_auth', fields)).rejects.toThrow(/must be a name/);
    },
  );
});

describe('self_signed_tls_client_auth', () => {
  const jwks = (...certificates: readonly Made[]): Partial<ClientMetadata> => ({
    jwks: { keys: certificates.map(jwkOf) },
  });

  it('[RFC8705 §2.2] proves by a key that is registered, verified or not', async () => {
    const client = await register('self_signed_tls_client_auth', {}, jwks(other, own));
    for (const certificate of [shown(own, false), shown(other, true)])
      expect((await ownToken(client, certificate)).status).toBe(200);
    const refusal = { ...REFUSED, reason: 'certificate_key' };
    expectRefusal(world, await ownToken(client, shown(good, true)), refusal);
  });
  it.each([
    ['has ended', 3 * 86_400],
    ['is not valid yet', -3 * 86_400],
  ])('CL-08 not by a certificate that %s', async (_what, seconds) => {
    const features = [mutualTls({ enabled: true })];
    world = await makeWorld({ features, clock: () => NOW + seconds });
    const client = await register('self_signed_tls_client_auth', {}, jwks(own));
    const refusal = { ...REFUSED, reason: 'certificate_expired' };
    expectRefusal(world, await ownToken(client, shown(own, false)), refusal);
  });
  it('[RFC8705 §2.2.2] proves by a key behind its jwks_uri, which may change', async () => {
    let keys = [jwkOf(other)];
    const server = createServer((_request, response) => response.end(JSON.stringify({ keys })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => void (await new Promise((resolve) => server.close(resolve))));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    let now = NOW;
    world = await makeWorld({
      features: [mutualTls({ enabled: true })],
      clock: () => now,
      allowOutbound: [origin],
    });
    const client = await register('self_signed_tls_client_auth', {}, { jwksUri: `${origin}/jwks` });
    const refusal = { ...REFUSED, reason: 'certificate_key' };
    expectRefusal(world, await ownToken(client, shown(own, false)), refusal);
    keys = [jwkOf(own)];
    now += 60;
    expect((await ownToken(client, shown(own, false))).status).toBe(200);
    await world.provider.close();
  });
  it('is refused at registration without keys', async () => {
    await expect(register('self_signed_tls_client_auth', {})).rejects.toThrow(/needs the key/);
  });
});

describe('a certificate', () => {
  it('CL-12 needs a client_id beside it, and says nothing of another client', async () => {
    await register('tls_client_auth', SUBJECT);
    const without = await send('token/', { grant_type: 'client_credentials' }, shown(good, true));
    expectRefusal(world, without, { ...REFUSED, reason: 'client_credentials_missing' });
    const foreign = await ownToken(world.web, shown(good, true));
    expectRefusal(world, foreign, { ...REFUSED, reason: 'client_authentication_method' });
  });
  it('CL-02 does not stand for a secret, and a secret does not stand for it', async () => {
    const client = await register('tls_client_auth', SUBJECT);
    const refusal = { ...REFUSED, reason: 'client_authentication_method' };
    expectRefusal(world, await ownToken(client, null), refusal);
    const secret = { client_secret: 'a'.repeat(40) };
    expectRefusal(world, await ownToken(client, shown(good, true), secret), refusal);
  });
  it('is no proof too many beside a secret, nor for a public client', async () => {
    const headers = { authorization: basic(world.web.clientId, world.webSecret) };
    const grant = { grant_type: 'client_credentials' };
    expect((await send('token/', grant, shown(good, true), headers)).status).toBe(200);
    const fields = { grant_type: 'authorization_code', code: 'x', client_id: world.spa.clientId };
    const answer = await send('token/', fields, shown(good, true));
    expect(answer.body['error']).toBe('invalid_grant');
  });
  it('CL-13 wrong ones are limited like wrong secrets', async () => {
    const client = await register('tls_client_auth', SUBJECT);
    let last = 0;
    for (let call = 0; call < 21; call += 1)
      last = (await ownToken(client, shown(other, true))).status;
    expect(last).toBe(429);
  });
  it.each([
    ['revoke_token/', { token: 'x' }, 200],
    ['introspect/', { token: 'x' }, 200],
    [
      'par/',
      {
        response_type: 'code',
        redirect_uri: REDIRECT_URI,
        scope: 'read',
        code_challenge: pkce().challenge,
        code_challenge_method: 'S256',
      },
      201,
    ],
  ])('CL-17 proves at %s as at the token endpoint', async (path, fields, status) => {
    const client = await register('tls_client_auth', SUBJECT);
    const named = { ...fields, client_id: client.clientId };
    expect((await send(path, named, shown(good, true))).status).toBe(status);
    for (const wrong of [shown(good, false), shown(other, true), null])
      expect((await send(path, named, wrong)).status).toBe(401);
  });
});

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
  it.each(['mtls.op.example', 'http://mtls.op.example', 'https://mtls.op.example/x'])(
    'the origin %s stops the start',
    async (origin) => {
      const features = [mutualTls({ enabled: true, origin })];
      await expect(makeWorld({ features })).rejects.toThrow(/must be an https origin/);
    },
  );
});
