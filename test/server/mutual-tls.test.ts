/**
 * Certificates over real TLS sockets, with libraries, and as a proxy tells them. Rules CL-14 and
 * SC-09.
 */
import { X509Certificate } from 'node:crypto';
import { createServer as createPlain, request as requestPlain } from 'node:http';
import { connect, createServer as createHttp2 } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { Agent, fetch as undiciFetch } from 'undici';
import {
  type ClientMetadata,
  createProvider,
  memoryDatabase,
  mutualTls,
  type Provider,
} from 'valetkey';
import { type NodeOptions, nodeListener } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  type Authority,
  jwkOf,
  type Made,
  makeAuthority,
} from '../spec/mutual-tls/certificates.ts';
import { SIGNING_KEYS } from '../spec/setup.ts';

let authority: Authority;
let server: Made;
let good: Made;
let own: Made;
beforeAll(() => {
  authority = makeAuthority();
  server = authority.issue('/CN=localhost', 'DNS:localhost');
  good = authority.issue('/CN=printer', 'DNS:printer.example');
  own = authority.selfSigned('/CN=printer');
});
afterAll(() => authority.remove());

const BOUND = { tls_client_certificate_bound_access_tokens: true };

function providerAt(issuer: string): Provider {
  const provider = createProvider({
    issuer,
    store: memoryDatabase(),
    accounts: memoryAccounts([]),
    pages: builtInPages(),
    scopes: { read: 'Read' },
    signingKeys: SIGNING_KEYS.slice(0, 1),
    features: [mutualTls({ enabled: true })],
  });
  onTestFinished(async () => await provider.close());
  return provider;
}

async function service(
  provider: Provider,
  method: string,
  fields: object,
  more: Partial<ClientMetadata> = {},
): Promise<string> {
  const made = await provider.clients.create({
    name: method,
    grantTypes: ['client_credentials'],
    scopes: ['read', 'introspection'],
    tokenEndpointAuthMethod: method,
    fields: { ...fields },
    ...more,
  });
  return made.client.clientId;
}

/** A provider on a TLS socket that asks for certificates and takes any. */
async function overTls(): Promise<{ readonly issuer: string; readonly provider: Provider }> {
  let listener: ReturnType<typeof nodeListener> | null = null;
  const tls = { key: server.key, cert: server.cert, ca: authority.cert };
  const listening = createServer(
    { ...tls, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      void listener?.(request, response);
    },
  );
  await new Promise<void>((resolve) => listening.listen(0, 'localhost', resolve));
  onTestFinished(async () => {
    listening.closeAllConnections();
    await new Promise((resolve) => listening.close(resolve));
  });
  const issuer = `https://localhost:${(listening.address() as AddressInfo).port}`;
  const provider = providerAt(issuer);
  listener = nodeListener(provider);
  return { issuer, provider };
}

type Fetching = (url: string, options: object) => Promise<Response>;

/** What fetches with a certificate, or with none. */
function fetching(made: Made | null): Fetching {
  const dispatcher = new Agent({
    connect: { ca: authority.cert, ...(made === null ? {} : { key: made.key, cert: made.cert }) },
  });
  onTestFinished(async () => await dispatcher.close());
  return async (url, options) =>
    (await undiciFetch(url, { ...options, dispatcher })) as unknown as Response;
}

describe('over TLS sockets', () => {
  it('[RFC8705 §2.1] oauth4webapi proves itself, and gets a token bound to its certificate', async () => {
    const { issuer, provider } = await overTls();
    const clientId = await service(provider, 'tls_client_auth', {
      tls_client_auth_san_dns: 'printer.example',
      ...BOUND,
    });
    const options = { [oauth.customFetch]: fetching(good) };
    const url = new URL(issuer);
    const as = await oauth.processDiscoveryResponse(
      url,
      await oauth.discoveryRequest(url, options),
    );
    const me: oauth.Client = { client_id: clientId };
    const ask = async (by: Fetching): Promise<oauth.TokenEndpointResponse> =>
      await oauth.processClientCredentialsResponse(
        as,
        me,
        await oauth.clientCredentialsGrantRequest(
          as,
          me,
          oauth.TlsClientAuth(),
          {},
          { [oauth.customFetch]: by },
        ),
      );
    const { access_token } = await ask(fetching(good));
    const asked = await oauth.introspectionRequest(
      as,
      me,
      oauth.TlsClientAuth(),
      access_token,
      options,
    );
    const told = await oauth.processIntrospectionResponse(as, me, asked);
    expect(told).toMatchObject({ active: true, client_id: clientId });
    expect(told.cnf?.['x5t#S256']).toHaveLength(43);
    for (const wrong of [own, null])
      await expect(ask(fetching(wrong))).rejects.toMatchObject({ error: 'invalid_client' });
  });
  it('[RFC8705 §2.2] openid-client proves itself by a self-signed certificate', async () => {
    const { issuer, provider } = await overTls();
    const jwks = { keys: [jwkOf(own)] };
    const clientId = await service(provider, 'self_signed_tls_client_auth', BOUND, { jwks });
    const configure = async (made: Made): Promise<client.Configuration> =>
      await client.discovery(new URL(issuer), clientId, undefined, client.TlsClientAuth(), {
        [client.customFetch]: fetching(made),
      });
    const answer = await client.clientCredentialsGrant(await configure(own));
    expect(answer.token_type).toBe('bearer');
    await expect(client.clientCredentialsGrant(await configure(good))).rejects.toMatchObject({
      error: 'invalid_client',
    });
  });
  it('CL-14 a header at the socket says nothing', async () => {
    const { provider } = await overTls();
    const clientId = await service(provider, 'tls_client_auth', {
      tls_client_auth_subject_dn: 'CN=printer',
    });
    const response = await fetching(null)(provider.url('token'), {
      method: 'POST',
      headers: { 'client-cert': field(good), 'x-verify': 'SUCCESS' },
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId }),
    });
    expect(response.status).toBe(401);
  });
});

const derOf = ({ cert }: Made): string => new X509Certificate(cert).raw.toString('base64');
/** RFC 9440 §2.1. */
const field = (made: Made): string => `:${derOf(made)}:`;

describe('from a proxy', () => {
  const HEADERS = { certificate: 'Client-Cert', verified: 'X-Verify' };

  /** The status for a client whose certificate stands in headers. */
  async function statusOf(
    options: NodeOptions,
    headers: Readonly<Record<string, string | readonly string[]>>,
    method = 'tls_client_auth',
  ): Promise<number | undefined> {
    const provider = providerAt('https://op.example');
    const own1 = method === 'tls_client_auth';
    const fields = own1 ? { tls_client_auth_subject_dn: 'CN=printer' } : {};
    const more = own1 ? {} : { jwks: { keys: [jwkOf(own)] } };
    const clientId = await service(provider, method, fields, more);
    const listening = createPlain(nodeListener(provider, options));
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    const { port } = listening.address() as AddressInfo;
    const body = String(
      new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId }),
    );
    try {
      return await new Promise((resolve, reject) => {
        const type = { 'content-type': 'application/x-www-form-urlencoded' };
        const sent = requestPlain(
          { port, method: 'POST', path: '/o/token/', headers: { ...headers, ...type } as never },
          (response) => {
            response.resume();
            resolve(response.statusCode);
          },
        );
        sent.on('error', reject);
        sent.end(body);
      });
    } finally {
      listening.closeAllConnections();
      await new Promise((resolve) => listening.close(resolve));
    }
  }
  const trusted: NodeOptions = { trustProxy: ['loopback'], certificateHeaders: HEADERS };
  const told = (made: Made): Record<string, string> => ({
    'client-cert': field(made),
    'x-verify': 'SUCCESS',
  });

  it.each([
    ['RFC 9440', () => field(good)],
    ['URL-encoded PEM, as nginx writes it', () => encodeURIComponent(good.cert)],
    ['base64 of DER, as Caddy writes it', () => derOf(good)],
    ['URL-encoded base64', () => encodeURIComponent(derOf(good))],
  ])('[RFC9440 §2] CL-14 a certificate as %s proves', async (_what, text) => {
    const headers = { 'client-cert': text(), 'x-verify': 'SUCCESS' };
    expect(await statusOf(trusted, headers)).toBe(200);
  });
  it.each([
    ['no proxy is trusted', { certificateHeaders: HEADERS }],
    ['another proxy is trusted', { trustProxy: ['10.0.0.0/8'], certificateHeaders: HEADERS }],
    ['no header is named', { trustProxy: ['loopback'] }],
    [
      'another header is named',
      { trustProxy: ['loopback'], certificateHeaders: { ...HEADERS, certificate: 'X-Cert' } },
    ],
    [
      'no verdict is named',
      { trustProxy: ['loopback'], certificateHeaders: { certificate: 'Client-Cert' } },
    ],
  ] as const)('CL-14 not where %s', async (_what, options) => {
    expect(await statusOf(options, told(good))).toBe(401);
  });
  it.each<readonly [string, () => Record<string, string | readonly string[]>]>([
    ['two certificates', () => ({ ...told(good), 'client-cert': [field(own), field(good)] })],
    ['two verdicts', () => ({ ...told(good), 'x-verify': ['SUCCESS', 'FAILED'] })],
    ['a chain', () => ({ ...told(good), 'client-cert': encodeURIComponent(good.cert + own.cert) })],
    ['a list', () => ({ ...told(good), 'client-cert': `${derOf(good)},${derOf(own)}` })],
    ['garbage', () => ({ ...told(good), 'client-cert': ':AAAA:' })],
    ['broken encoding', () => ({ ...told(good), 'client-cert': '%zz' })],
    ['nothing', () => ({ ...told(good), 'client-cert': '' })],
    ['a failed verification', () => ({ ...told(good), 'x-verify': 'FAILED:unable to verify' })],
    ['the number 1, which is an error in HAProxy', () => ({ ...told(good), 'x-verify': '1' })],
    ['no verdict', () => ({ 'client-cert': field(good) })],
    [
      'more than 16 KB',
      () => ({ ...told(good), 'client-cert': `:${'A'.repeat(15_000)}${derOf(good).repeat(3)}:` }),
    ],
  ])('CL-14 %s proves nothing', async (_what, headers) => {
    expect([401, 431]).toContain(await statusOf(trusted, headers()));
  });
  it('CL-14 a number of hops trusts whoever connects, so it stops the start', () => {
    const options: NodeOptions = { trustProxy: 1, certificateHeaders: HEADERS };
    expect(() => nodeListener(providerAt('https://op.example'), options)).toThrow(/addresses/);
  });
  it('CL-14 over HTTP/2 as over HTTP/1', async () => {
    const provider = providerAt('https://op.example');
    const fields = { tls_client_auth_subject_dn: 'CN=printer' };
    const clientId = await service(provider, 'tls_client_auth', fields);
    const listener = nodeListener(provider, trusted);
    const listening = createHttp2(
      (request, response) => void listener(request as never, response as never),
    );
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => void (await new Promise((resolve) => listening.close(resolve))));
    const { port } = listening.address() as AddressInfo;
    const session = connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    const statusFor = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      await new Promise((resolve, reject) => {
        const type = { 'content-type': 'application/x-www-form-urlencoded' };
        const stream = session.request({
          ':method': 'POST',
          ':path': '/o/token/',
          ...type,
          ...headers,
        });
        stream.on('response', (answer) => resolve(Number(answer[':status'])));
        stream.on('error', reject);
        stream.resume();
        stream.end(
          String(new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId })),
        );
      });
    expect([await statusFor(told(good)), await statusFor({})]).toEqual([200, 401]);
  });
  it('[RFC8705 §2.2] a self-signed one needs no verdict', async () => {
    const options = {
      trustProxy: ['loopback'],
      certificateHeaders: { certificate: 'Client-Cert' },
    };
    const headers = { 'client-cert': field(own) };
    expect(await statusOf(options, headers, 'self_signed_tls_client_auth')).toBe(200);
  });
});
