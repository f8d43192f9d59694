/** Keys of a client behind an address of its own (RFC 7591 §2, `jwks_uri`). Rules CL, OB. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  assertionOf,
  byEc,
  EC,
  type JwtWorld,
  jwkOf,
  makeJwtWorld,
  ownTokens,
} from './assertions.ts';

const NEXT = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let server: Server;
let origin: string;
let answer: { status: number; body: unknown };
let asked: number;
let world: JwtWorld;
const JWKS = { keys: [jwkOf(EC.publicKey, { kid: 'ec' })] };

beforeEach(async () => {
  asked = 0;
  answer = { status: 200, body: JWKS };
  server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(answer.status, { 'cache-control': 'max-age=3600' });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  world = await makeJwtWorld(
    {},
    { jwks: null, jwksUri: `${origin}/jwks` },
    { allowOutbound: [origin] },
  );
});
afterEach(async () => {
  await world.provider.close();
  await new Promise((resolve) => server.close(resolve));
});

const ask = async (changes: Parameters<typeof assertionOf>[2] = {}) =>
  await ownTokens(world, assertionOf(world, world.jwt.clientId, changes));

describe('keys behind a jwks_uri', () => {
  it('[RFC7523 §3] are fetched once, and verify', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, async () => await ask()));
    expect([new Set(answers.map(({ status }) => status)), asked]).toEqual([new Set([200]), 1]);
  });
  it('CL-11 are fetched again when none of them verifies, also without a key id', async () => {
    const without = { header: { kid: undefined } };
    expect((await ask(without)).status).toBe(200);
    answer = { status: 200, body: { keys: [jwkOf(NEXT.publicKey, { kid: undefined })] } };
    const next = { ...without, signed: byEc(NEXT.privateKey) };
    expect([(await ask(next)).status, asked]).toEqual([401, 1]);
    world.now += 60;
    expect([(await ask(next)).status, asked]).toEqual([200, 2]);
    for (let turn = 0; turn < 20; turn += 1) expect((await ask(without)).status).toBe(401);
    expect(asked).toBe(2);
  });
  it('CL-11 are fetched again at a key id that is new, and a thousand unknown ones cost nothing', async () => {
    expect((await ask()).status).toBe(200);
    answer = { status: 200, body: { keys: [jwkOf(NEXT.publicKey, { kid: 'next' })] } };
    const next = { header: { kid: 'next' }, signed: byEc(NEXT.privateKey) };
    // The first document is of this minute.
    expect([(await ask(next)).status, asked]).toEqual([401, 1]);
    world.now += 60;
    expect([(await ask(next)).status, asked]).toEqual([200, 2]);
    // The key before is not there any more.
    expect((await ask()).status).toBe(401);
    for (let turn = 0; turn < 1000; turn += 1) {
      // Each from a network of its own, as far as limits go.
      if (turn % 15 === 0) world.now += turn % 30 === 0 ? 1 : 0;
      await ask({ header: { kid: `unknown ${turn}` } });
    }
    expect(asked).toBeLessThanOrEqual(4);
  });
  it.each<[string, unknown, number]>([
    ['404', JWKS, 404],
    ['no JSON', '<html>', 200],
    ['no key set', { keys: {} }, 200],
    ['a list', [], 200],
  ])('OB-05 that are %s let nobody in, and the log says so', async (_what, body, status) => {
    answer = { status, body };
    expectRefusal(world, await ask(), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_assertion_keys_unavailable',
    });
  });
  it('OB-05 of a host that does not answer let nobody in, and it is not asked again for a minute', async () => {
    server.close();
    server.closeAllConnections();
    for (let turn = 0; turn < 5; turn += 1)
      expectRefusal(world, await ask(), {
        status: 401,
        error: 'invalid_client',
        reason: 'client_assertion_keys_unavailable',
      });
    expect(asked).toBe(0);
  });
  it('OB-04 inside the network are not fetched unless the operator names the origin', async () => {
    const lines: object[] = [];
    const note = (facts: object): void => void lines.push(facts);
    const logger = { info: note, warn: note, error: note };
    await world.provider.close();
    world = await makeJwtWorld({}, { jwks: null, jwksUri: 'https://127.0.0.1/jwks' }, { logger });
    expect((await ask()).status).toBe(401);
    expect(lines.at(-1)).toMatchObject({
      reason: 'client_assertion_keys_unavailable',
      received: 'the address is inside a network',
      remedy: expect.stringMatching(/allowOutbound/),
    });
    expect(asked).toBe(0);
  });
  it('are named at the start, where they may be inside the network', () => {
    expect(world.provider.weakened).toContain('allowOutbound');
  });
});
