/**
 * What pages of other origins may read (CORS): public documents and userinfo, and a browser
 * application what it asks in its own name. Rules NB.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  authorizeParams,
  authorizeUrl,
  basic,
  getTokens,
  isActive,
  makeWorld,
  pkce,
  post,
  type World,
} from '../setup.ts';

const OWN = 'https://spa.example';
const EVIL = 'https://evil.example';
let world: World;
beforeEach(async () => {
  world = await makeWorld();
  await world.provider.clients.update(world.spa.clientId, { allowedOrigins: [OWN] });
});

const fromOrigin = (origin: string): Record<string, string> => ({ origin });
const readableFrom = (headers: Headers): string | null =>
  headers.get('access-control-allow-origin');

describe('token and revocation endpoint', () => {
  const calls: [
    name: string,
    endpoint: 'token' | 'revoke-token',
    fields: Record<string, string>,
  ][] = [
    ['a refusal', 'token', { grant_type: 'authorization_code', code: 'x' }],
    ['a request without grant_type', 'token', {}],
    ['a revocation', 'revoke-token', { token: 'x' }],
  ];

  it.each(calls)(
    '[RFC9700 §2.6] NB-07 keeps %s from an unknown origin, and no cache mixes the answers up',
    async (_name, endpoint, fields) => {
      const answer = await post(
        world,
        endpoint,
        { ...fields, client_id: world.spa.clientId },
        fromOrigin(EVIL),
      );
      expect([readableFrom(answer.headers), answer.headers.get('vary')]).toEqual([null, 'Origin']);
    },
  );
  it.each(calls)(
    '[RFC9700 §2.6] NB-07 lets an origin that the client registered read %s',
    async (_name, endpoint, fields) => {
      const answer = await post(
        world,
        endpoint,
        { ...fields, client_id: world.spa.clientId },
        fromOrigin(OWN),
      );
      expect(readableFrom(answer.headers)).toBe(OWN);
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    },
  );
  it.each([
    [
      'of another client',
      () => ({ grant_type: 'refresh_token', refresh_token: 'x', client_id: world.other.clientId }),
    ],
    ['of nobody', () => ({ grant_type: 'refresh_token', refresh_token: 'x' })],
    ['of a client that is not there', () => ({ grant_type: 'refresh_token', client_id: 'nobody' })],
  ])(
    '[RFC9700 §2.6] NB-07 keeps the answer to a request %s from the origin',
    async (_name, fields) => {
      expect(
        readableFrom((await post(world, 'token', fields(), fromOrigin(OWN))).headers),
      ).toBeNull();
    },
  );
  it.each([
    'null',
    'https://spa.example.evil',
    'https://SPA.example',
    'http://spa.example',
    `${OWN}/`,
    '*',
  ])('[RFC9700 §2.6] NB-07 compares origins to the letter: %s', async (origin) => {
    const answer = await post(
      world,
      'token',
      { grant_type: 'refresh_token', client_id: world.spa.clientId },
      fromOrigin(origin),
    );
    expect(readableFrom(answer.headers)).toBeNull();
  });
  it('[RFC9700 §2.6] NB-07 keeps the refusal of a broken body from the origin', async () => {
    const answer = await post(
      world,
      'token',
      `client_id=${world.spa.clientId}&x=%zz`,
      fromOrigin(OWN),
    );
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_request',
      reason: 'malformed_encoding',
    });
    expect(readableFrom(answer.headers)).toBeNull();
  });
  it('serves a confidential client that sends an Origin header', async () => {
    const { refresh_token } = await getTokens(world);
    const headers = { authorization: basic(world.web.clientId, world.webSecret), origin: EVIL };
    const answer = await post(
      world,
      'token',
      { grant_type: 'refresh_token', refresh_token },
      headers,
    );
    expect([answer.status, readableFrom(answer.headers)]).toEqual([200, null]);
    expect(await isActive(world, String(answer.body['access_token']))).toBe(true);
  });
});

describe('userinfo endpoint', () => {
  it('[RFC9700 §2.6] NB-07 is readable from everywhere, with preflight and errors, without cookies', async () => {
    const url = world.provider.url('userinfo');
    const preflight = await world.provider.fetch(
      new Request(url, {
        method: 'OPTIONS',
        headers: { origin: EVIL, 'access-control-request-method': 'GET' },
      }),
    );
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(
      /^Authorization, Content-Type, /,
    );
    const { access_token } = await getTokens(world);
    for (const [token, status] of [
      [access_token, 200],
      ['x', 401],
    ] as const) {
      const response = await world.provider.fetch(
        new Request(url, { headers: { origin: EVIL, authorization: `Bearer ${token}` } }),
      );
      expect([
        response.status,
        readableFrom(response.headers),
        response.headers.get('access-control-allow-credentials'),
      ]).toEqual([status, '*', null]);
    }
  });
});

describe('endpoints for clients', () => {
  // What libraries for tracing and for MCP add to every call makes browsers ask first.
  it.each(['token', 'revoke-token', 'pushed-authorization-request'])(
    '[RFC9700 §2.6] NB-07 lets a page that sends traceparent or mcp-protocol-version to %s ask first',
    async (name) => {
      const response = await world.provider.fetch(
        new Request(world.provider.url(name), {
          method: 'OPTIONS',
          headers: {
            origin: OWN,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'traceparent,mcp-protocol-version,x-requested-with',
          },
        }),
      );
      const { headers } = response;
      const allowed = (headers.get('access-control-allow-headers') ?? '').toLowerCase().split(', ');
      expect(allowed).toEqual(
        expect.arrayContaining(['traceparent', 'mcp-protocol-version', 'x-requested-with']),
      );
      expect([
        response.status,
        readableFrom(headers),
        headers.get('access-control-allow-methods'),
        headers.get('access-control-allow-credentials'),
      ]).toEqual([204, '*', 'POST', null]);
    },
  );
});

describe('other endpoints', () => {
  it.each(['authorize', 'interaction', 'rp-initiated-logout', 'introspect'] as const)(
    '[RFC9700 §2.6] NB-07 AZ-23 keeps %s from every origin, and lets no preflight pass',
    async (name) => {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const headers = {
          origin: OWN,
          'access-control-request-method': 'POST',
          accept: 'application/json',
        };
        const response = await world.provider.fetch(
          new Request(world.provider.url(name), { method, headers }),
        );
        expect([
          readableFrom(response.headers),
          response.headers.get('access-control-allow-methods'),
        ]).toEqual([null, null]);
      }
    },
  );
  it('[RFC9700 §2.6] AZ-23 answers a preflight to the authorization endpoint with 405', async () => {
    const response = await world.provider.fetch(
      new Request(authorizeUrl(world, authorizeParams(world, pkce().challenge)), {
        method: 'OPTIONS',
        headers: { origin: EVIL, 'access-control-request-method': 'GET' },
      }),
    );
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, POST');
    expect(
      [...response.headers.keys()].filter((name) => name.startsWith('access-control')),
    ).toEqual([]);
  });
});
