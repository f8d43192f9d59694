/** Requests that are too large, cut off, or at no address. Rules IN. */

import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { authorizeUrl, makeWorld, post, read, type World } from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe('the address', () => {
  it('[RFC9110 §15.5.15] IN-01 is refused with 414 when it is too long', async () => {
    const request = new Request(`${authorizeUrl(world, '')}${'x'.repeat(17_000)}`);
    expectRefusal(world, await read(await world.provider.fetch(request)), {
      status: 414,
      error: 'invalid_request',
      reason: 'url_too_long',
    });
  });
  it('MD-01 is refused when a strange Host header made it unreadable', async () => {
    for (const url of ['http://xn--a/o/token/', 'http://999.999.999.999/', '']) {
      const request = { url, method: 'GET', headers: new Headers() } as Request;
      expectRefusal(world, await read(await world.provider.fetch(request)), {
        status: 400,
        error: 'invalid_request',
        reason: 'url_malformed',
      });
    }
  });
});

describe('the body', () => {
  it.each([
    'token',
    'introspect',
    'revoke-token',
    'authorize',
    'interaction',
    'rp-initiated-logout',
  ] as const)(
    '[RFC9110 §15.5.14] IN-01 at %s is not read when it says that it is too large',
    async (endpoint) => {
      let pulled = 0;
      const body = new ReadableStream(
        {
          pull(controller) {
            pulled += 1;
            controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      const headers = { ...FORM, 'content-length': '65537', accept: 'application/json' };
      const request = new Request(world.provider.url(endpoint), {
        method: 'POST',
        headers,
        body,
        duplex: 'half',
      } as RequestInit);
      expectRefusal(world, await read(await world.provider.fetch(request)), {
        status: 413,
        error: 'invalid_request',
        reason: 'request_too_large',
      });
      expect(pulled).toBe(0);
    },
  );
  it('[RFC9110 §15.5.14] IN-01 is refused with 413 when it is too large', async () => {
    const answer = await post(world, 'token', `grant_type=x&a=${'a'.repeat(70_000)}`);
    expectRefusal(world, answer, {
      status: 413,
      error: 'invalid_request',
      reason: 'request_too_large',
    });
  });
  it('IN-01 is refused with 413 when it is too large and declares no length', async () => {
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('a'.repeat(10_000)));
      },
    });
    const request = new Request(world.provider.url('token'), {
      method: 'POST',
      headers: FORM,
      body: stream,
      duplex: 'half',
    } as RequestInit);
    expectRefusal(world, await read(await world.provider.fetch(request)), {
      status: 413,
      error: 'invalid_request',
      reason: 'request_too_large',
    });
  });
  it('IN-06 that breaks off is a bad request, and no failure of ours', async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('grant_type='));
        controller.error(new Error('aborted'));
      },
    });
    const request = new Request(world.provider.url('token'), {
      method: 'POST',
      headers: FORM,
      body,
      duplex: 'half',
    } as RequestInit);
    expectRefusal(world, await read(await world.provider.fetch(request)), {
      status: 400,
      error: 'invalid_request',
      reason: 'body_incomplete',
    });
  });
});
