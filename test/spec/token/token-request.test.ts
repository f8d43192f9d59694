/** Requests to the token endpoint (RFC 6749 §3.2), whatever the grant type. Rules TK. */

import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  basic,
  getCode,
  getTokens,
  isActive,
  makeWorld,
  type Pkce,
  pkce,
  post,
  REDIRECT_URI,
  read,
  redeem,
  type World,
} from '../setup.ts';

let world: World;
let proof: Pkce;
beforeEach(async () => {
  world = await makeWorld();
  proof = pkce();
});

const good = (code: string, changes: Record<string, string> = {}): Record<string, string> => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: REDIRECT_URI,
  code_verifier: proof.verifier,
  ...changes,
});

describe('the form of a request', () => {
  it('[RFC6749 §3.2] TK-08 answers GET with 405', async () => {
    const answer = await read(await world.provider.fetch(new Request(world.provider.url('token'))));
    expectRefusal(world, answer, {
      status: 405,
      error: 'invalid_request',
      reason: 'method_not_allowed',
    });
    expect(answer.headers.get('allow')).toBe('POST');
  });
  it('[RFC6749 §3.2] TK-08 refuses parameters in the query', async () => {
    const request = new Request(`${world.provider.url('token')}?client_secret=x`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials',
    });
    const answer = await read(await world.provider.fetch(request));
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_request',
      reason: 'query_not_allowed',
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
  it.each(['token', 'introspect', 'revoke-token'] as const)(
    '[RFC6749 §3.2] TK-08 refuses parameters in the address of %s, which do nothing',
    async (endpoint) => {
      const { access_token, refresh_token } = await getTokens(world);
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: basic(world.web.clientId, world.webSecret),
      };
      for (const query of [
        new URLSearchParams({ token: access_token }),
        new URLSearchParams({ grant_type: 'refresh_token', refresh_token }),
        'x',
      ]) {
        const body = new URLSearchParams({ grant_type: 'client_credentials', token: access_token });
        const request = new Request(`${world.provider.url(endpoint)}?${query}`, {
          method: 'POST',
          headers,
          body: body.toString(),
        });
        const answer = await read(await world.provider.fetch(request));
        expectRefusal(world, answer, {
          status: 400,
          error: 'invalid_request',
          reason: 'query_not_allowed',
        });
      }
      expect([await isActive(world, access_token), await isActive(world, refresh_token)]).toEqual([
        true,
        true,
      ]);
    },
  );
  it.each([
    'application/json',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/x-www-form-urlencoded; charset=utf-16',
    'application/x-www-form-urlencoded, application/json',
  ])('[RFC6749 §4.1.3] TK-08 answers the content type %s with 415', async (type) => {
    const answer = await post(world, 'token', '{"grant_type":"client_credentials"}', {
      'content-type': type,
    });
    expectRefusal(world, answer, {
      status: 415,
      error: 'invalid_request',
      reason: 'content_type',
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
  it('[RFC6749 §4.1.3] accepts utf-8 as the charset', async () => {
    const answer = await post(world, 'token', good(await getCode(world, proof)), {
      authorization: basic(world.web.clientId, world.webSecret),
      'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
    });
    expect(answer.status).toBe(200);
  });
  it.each(['code', 'grant_type', 'redirect_uri', 'code_verifier'])(
    '[RFC6749 §3.2] TK-10 refuses a repeated %s and leaves the code usable',
    async (name) => {
      const code = await getCode(world, proof);
      const body = `${new URLSearchParams(good(code))}&${name}=x`;
      const answer = await post(world, 'token', body);
      expectRefusal(world, answer, {
        status: 400,
        error: 'invalid_request',
        reason: 'repeated_parameter',
      });
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect((await redeem(world, code, proof.verifier)).status).toBe(200);
    },
  );
});

describe('the grant type', () => {
  it.each([
    ['password', 'unsupported_grant_type', 'grant_type'],
    ['urn:example:nothing', 'unsupported_grant_type', 'grant_type'],
    ['__proto__', 'unsupported_grant_type', 'grant_type'],
    ['', 'invalid_request', 'missing_parameter'],
  ])('[RFC6749 §5.2] TK-11 refuses grant_type "%s" with %s', async (type, error, reason) => {
    const answer = await post(world, 'token', { grant_type: type });
    expectRefusal(world, answer, { status: 400, error, reason });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
  it('[RFC6749 §5.2] TK-11 refuses a grant type that the client is not registered for', async () => {
    const answer = await post(
      world,
      'token',
      {
        grant_type: 'client_credentials',
        client_id: world.other.clientId,
        client_secret: world.otherSecret,
      },
      {},
    );
    expectRefusal(world, answer, {
      status: 400,
      error: 'unauthorized_client',
      reason: 'grant_type_not_allowed',
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
});
