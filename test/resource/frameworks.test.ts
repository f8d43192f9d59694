/** Each rule, with each source of tokens, in each framework, on real servers. */

import type { Server } from 'node:http';
import { createServer, request as send } from 'node:http';
import { resourceIndicators } from 'valetkey';
import { nodeListener } from 'valetkey/node';
import {
  createResource,
  introspectedTokens,
  jwtTokens,
  providerTokens,
  readWrite,
  type TokenSource,
} from 'valetkey/resource';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, ISSUER, makeWorld, START, type World } from '../spec/setup.ts';
import { FRAMEWORKS, listen, type Routes } from './frameworks.ts';
import { newProofKey, type ProofKey, proofFor } from './proofs.ts';
import { API, AS, keySet, newSigner, type Signer, signToken } from './signed.ts';

const ROUTES: Routes = {
  '/v1/any': {},
  '/v1/read': { scope: 'read' },
  '/v1/both': { scope: ['read', 'write'] },
  '/v1/either': { anyScope: ['write', 'read admin'] },
  '/v1/rw': readWrite({ read: 'read', write: 'write' }),
  '/v1/other': { audience: 'urn:other' },
  '/v1/fresh': { maxAge: 60 },
  '/v1/me': { scope: 'read' },
};

/** Scopes of the token, method, path, and the status of the answer. */
const ROWS: readonly (readonly [scope: string, method: string, path: string, status: number])[] = [
  ['read', 'GET', '/v1/both', 403],
  ['write', 'GET', '/v1/read', 403],
  ['read', 'GET', '/v1/either', 403],
  ['read', 'POST', '/v1/rw', 403],
  ['write', 'GET', '/v1/rw', 403],
  ['write', 'HEAD', '/v1/rw', 403],
  ['read write', 'GET', '/v1/other', 401],
  ['read write', 'GET', '/v1/fresh', 401],
  ['write', 'GET', '/v1/me', 403],
  ['read', 'GET', '/v1/any', 200],
  ['read', 'GET', '/v1/read?size=large', 200],
  ['read write', 'GET', '/v1/both', 200],
  ['write', 'GET', '/v1/either', 200],
  ['read', 'GET', '/v1/rw', 200],
  ['read', 'HEAD', '/v1/rw', 200],
  ['write', 'PUT', '/v1/rw', 200],
  ['read', 'POST', '/v1/me', 200],
];

interface Issuing {
  readonly tokens: TokenSource;
  /** A token for the API. */
  issue(scope: string, key?: ProofKey): Promise<string>;
}

let world: World;
let signer: Signer;
let introspection: Server;
let sources: Readonly<Record<string, Issuing>>;
let key: ProofKey;

async function issued(scope: string, bound?: ProofKey): Promise<string> {
  const htu = `${ISSUER}/o/token/`;
  const dpop = bound && (await proofFor(bound, null, { htm: 'POST', htu }));
  const request = new Request(htu, {
    method: 'POST',
    headers: {
      authorization: basic(world.web.clientId, world.webSecret),
      ...(dpop === undefined ? {} : { dpop }),
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope, resource: API }),
  });
  const answer = (await (await world.provider.fetch(request)).json()) as Record<string, string>;
  if (answer['access_token'] === undefined) throw new Error(JSON.stringify(answer));
  return answer['access_token'];
}

beforeAll(async () => {
  world = await makeWorld({ features: [resourceIndicators({ enabled: true, resources: [API] })] });
  [signer, key] = [await newSigner(), await newProofKey()];
  introspection = createServer(nodeListener(world.provider));
  const { client, clientSecret } = await world.provider.clients.create({
    name: 'Photos',
    grantTypes: [],
    responseTypes: [],
    scopes: ['introspection'],
    tokenEndpointAuthMethod: 'client_secret_basic',
  });
  const clock = (): number => START;
  sources = {
    'a provider in the process': { tokens: providerTokens(world.provider), issue: issued },
    introspection: {
      tokens: introspectedTokens({
        issuer: ISSUER,
        endpoint: `${await listen(introspection)}/o/introspect/`,
        clientId: client.clientId,
        clientSecret: clientSecret ?? '',
        clock,
      }),
      issue: issued,
    },
    JWTs: {
      tokens: jwtTokens({ issuer: AS, jwks: keySet(signer), clock }),
      issue: async (scope, bound) =>
        await signToken(signer, {
          scope,
          ...(bound === undefined ? {} : { cnf: { jkt: bound.thumbprint } }),
        }),
    },
  };
});
afterAll(() => void introspection.close());

const NAMES = ['a provider in the process', 'introspection', 'JWTs'];

describe.each(Object.keys(FRAMEWORKS))('%s', (framework) => {
  const serve = FRAMEWORKS[framework]!;
  describe.each(NAMES)('with %s', (source) => {
    let server: Server;
    let origin = '';
    let issuing: Issuing;
    const reasons: string[] = [];
    beforeAll(async () => {
      issuing = sources[source]!;
      const api = createResource({
        resource: API,
        tokens: issuing.tokens,
        allowTokenInBody: true,
        clock: () => START,
        onRefused: ({ reason }) => reasons.push(reason),
      });
      server = await serve(api, ROUTES, {});
      origin = await listen(server);
    });
    afterAll(() => void server.close());

    const ask = async (
      path: string,
      headers: Readonly<Record<string, string>>,
      init: RequestInit = {},
    ): Promise<Response> => await fetch(origin + path, { ...init, headers });

    it.each(ROWS)(
      '[RFC6750 §3.1] a token with %s: %s %s is %i',
      async (scope, method, path, status) => {
        const token = await issuing.issue(scope);
        const response = await ask(path, { authorization: `Bearer ${token}` }, { method });
        expect(response.status).toBe(status);
        if (status !== 200)
          expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="[a-z_]+", /);
        else if (method !== 'HEAD')
          expect(await response.json()).toMatchObject({ scopes: scope.split(' ') });
      },
    );

    it('[RFC6750 §3.1] no token, a bad one and a malformed one are refused', async () => {
      for (const [authorization, status, reason] of [
        [null, 401, 'no_token'],
        ['Basic YTpi', 401, 'no_token'],
        ['Bearer unknown', 401, 'token_not_known'],
        ['Bearer a b', 400, 'token_malformed'],
      ] as const) {
        const response = await ask('/v1/any', authorization === null ? {} : { authorization });
        expect([response.status, reasons.at(-1)]).toEqual([status, reason]);
        expect(response.headers.get('www-authenticate')).toContain('resource_metadata="https://');
        expect(response.headers.get('content-type')).toMatch(/^application\/json/);
        expect(await response.json()).toMatchObject({ error: expect.any(String) });
      }
    });

    it('[RFC6750 §2.1] two Authorization headers are refused', async () => {
      const token = await issuing.issue('read');
      const { port } = new URL(origin);
      const status = await new Promise((resolve, reject) => {
        const headers = ['Host', 'localhost', 'Authorization', `Bearer ${token}`];
        const twice = [...headers, 'Authorization', `Bearer ${token}`];
        send({ port, path: '/v1/any', headers: twice }, ({ statusCode }) => resolve(statusCode))
          .on('error', reject)
          .end();
      });
      expect([status, reasons.at(-1)]).toEqual([400, 'token_malformed']);
    });

    it('[RFC6750 §2.2] a token in a form is found, one beside the header or twice is refused', async () => {
      const token = await issuing.issue('write');
      const post = async (body: string, headers: Record<string, string> = {}): Promise<number> => {
        const form = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
        return (await ask('/v1/rw', form, { method: 'POST', body })).status;
      };
      expect(await post(`access_token=${token}`)).toBe(200);
      expect(await post(`access_token=${token}&access_token=${token}`)).toBe(400);
      const authorization = `Bearer ${token}`;
      expect(await post(`access_token=${token}`, { authorization })).toBe(400);
      expect(await post('a=b', { authorization })).toBe(200);
    });

    it('[RFC9449 §7.1] RS-09 SC-07 a token that is bound to a key needs its proof, once', async () => {
      const token = await issuing.issue('read', key);
      const dpop = await proofFor(key, token, { htu: `${API}/read` });
      const authorization = `DPoP ${token}`;
      expect((await ask('/v1/read', { authorization: `Bearer ${token}`, dpop })).status).toBe(401);
      expect((await ask('/v1/read', { authorization })).status).toBe(401);
      const elsewhere = await proofFor(key, token, { htu: `${origin}/v1/read` });
      expect((await ask('/v1/read', { authorization, dpop: elsewhere })).status).toBe(401);
      expect((await ask('/v1/read?a=b', { authorization, dpop })).status).toBe(200);
      const again = await ask('/v1/read', { authorization, dpop });
      expect([again.status, reasons.at(-1)]).toEqual([401, 'dpop_proof_replayed']);
    });

    it('RS-07 lets pass who is signed in, and a preflight request, where that is asked for', async () => {
      const cookie = 'session=1';
      const preflight = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
      expect((await ask('/v1/me', {})).status).toBe(401);
      expect((await ask('/v1/read', { cookie })).status).toBe(401);
      expect((await ask('/v1/me', { cookie, authorization: 'Bearer unknown' })).status).toBe(401);
      expect((await ask('/v1/read', preflight, { method: 'OPTIONS' })).status).toBe(401);
      expect((await ask('/v1/me', {}, { method: 'OPTIONS' })).status).toBe(401);
      expect(await (await ask('/v1/me', { cookie })).json()).toMatchObject({ sub: 'the session' });
      expect((await ask('/v1/me', preflight, { method: 'OPTIONS' })).status).toBe(200);
    });

    it('[RFC9728 §3.1] serves the document about the API', async () => {
      const path = '/.well-known/oauth-protected-resource/v1';
      const response = await ask(path, { origin: 'https://app.example' });
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(await response.json()).toMatchObject({
        resource: API,
        authorization_servers: [issuing.tokens.issuer],
      });
      expect((await ask(path, {}, { method: 'OPTIONS' })).status).toBe(204);
      expect((await ask(path, {}, { method: 'POST' })).status).toBe(405);
    });
  });
});

describe('tokens of a provider', () => {
  it('that were revoked end at once in the process, and after seconds elsewhere', async () => {
    const clock = (): number => START;
    const token = await issued('read');
    const { tokens } = sources['introspection']!;
    const [here, there] = [sources['a provider in the process']!.tokens, tokens].map((one) =>
      createResource({ resource: API, tokens: one, clock }),
    );
    const request = (): Request =>
      new Request(API, { headers: { authorization: `Bearer ${token}` } });
    expect((await here!.check(request())).auth?.clientId).toBe(world.web.clientId);
    expect((await there!.check(request())).auth?.isClientOnly).toBe(true);
    await world.provider.tokens.revoke(token);
    expect((await here!.check(request())).response?.status).toBe(401);
    expect((await there!.check(request())).auth?.sub).toBe(world.web.clientId);
  });
  it('are no refresh tokens, ID tokens or codes', async () => {
    const { getTokens } = await import('../spec/setup.ts');
    const { access_token, refresh_token, id_token } = await getTokens(world, { scope: 'openid' });
    for (const source of NAMES) {
      const { tokens } = sources[source]!;
      for (const token of [refresh_token, id_token, 'x'])
        await expect(
          tokens.find(token).catch((error: Error) => (error.name === 'JwtError' ? null : error)),
        ).resolves.toBeNull();
    }
    const described = await world.provider.tokens.introspect(access_token);
    expect(described).toMatchObject({ active: true, sub: 'alice-sub', scope: 'openid' });
    expect(await world.provider.tokens.introspect(refresh_token)).toBeNull();
  });
  it('RS-04 are 503 while its store does not answer', async () => {
    const { StoreUnavailable } = await import('valetkey');
    const introspect = async (): Promise<never> =>
      await Promise.reject(new StoreUnavailable('connection lost'));
    const tokens = providerTokens({ issuer: ISSUER, tokens: { introspect } });
    const { response } = await createResource({ resource: API, tokens }).check(
      new Request(API, { headers: { authorization: 'Bearer x' } }),
    );
    expect(response?.status).toBe(503);
  });
});
