/**
 * The redirect_uri of authorization requests: which ones match, and that nothing else is ever
 * redirected to. Which ones can be registered stands in clients/registration.test.ts. Rules AZ, NB.
 */

import fc from 'fast-check';
import type { Visit } from 'valetkey/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectErrorPage } from '../refusals.ts';
import { browserOf, makeWorld, openAuthorize, type World } from '../setup.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

const ask = async (changes: Readonly<Record<string, string | null>>): Promise<Visit> =>
  await openAuthorize(world, browserOf(world), changes);
const expectPage = async (
  changes: Readonly<Record<string, string | null>>,
  reason: string,
): Promise<void> =>
  expectErrorPage(await ask(changes), { status: 400, code: 'invalid_request', reason });

describe('a redirect_uri', () => {
  const strangers = [
    '/CB',
    '/cb/',
    '/cb?x=1',
    '/cb;x=1',
    '/cb#',
    '/cb#f',
    '/cb/../cb',
    '/cb%2f',
    '/cb%00',
    '/./cb',
    '/cb/.',
    '/cb\\',
    '//cb',
    '/%63b',
    '/cb?',
    '/cb&x',
    '/ cb',
    '/cb%20',
    '/cb%0d%0aX:1',
    '/cb/x',
  ].map((tail) => `https://rp.example${tail}`);

  const tricks = [
    'https://rp.example:443/cb',
    'https://u@rp.example/cb',
    'https://RP.example/cb',
    'http://rp.example/cb',
    'https://rp.example.evil/cb',
    'https://rp.example@evil/cb',
    'https://evil/cb?https://rp.example/cb',
    'https://rp.example%40evil/cb',
    'https://rp.example\\@evil/cb',
    'https://rp。example/cb',
    'https://rp.example%00.evil/cb',
    'javascript:alert(1)',
    '//rp.example/cb',
    'https:rp.example/cb',
    'http://127.0.0.1/cb',
  ];

  it.each([...strangers, ...tricks])(
    '[RFC9700 §2.1] AZ-02 AZ-03 is refused unless it is the registered string: %s',
    async (uri) => {
      await expectPage({ redirect_uri: uri }, 'redirect_uri_mismatch');
    },
  );
  it('[RFC9700 §2.1] AZ-02 is refused for every string but the registered one', async () => {
    const registered = 'https://rp.example/cb';
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 8 }),
        fc.nat(registered.length),
        async (noise, at) => {
          const uri = registered.slice(0, at) + noise + registered.slice(at);
          fc.pre(uri !== registered);
          const visit = await ask({ redirect_uri: uri });
          expect([visit.status, visit.leaves]).toEqual([400, null]);
        },
      ),
      { numRuns: 200 },
    );
  });
  it.each([
    { prompt: 'none' },
    { response_type: 'nonsense' },
    { response_mode: 'web_message' },
    { scope: '"' },
    { max_age: 'x' },
  ])('[RFC6749 §4.1.2.1] AZ-04 receives no refusal as long as it is not proven: %o', (changes) =>
    expectPage({ ...changes, redirect_uri: 'https://evil.example' }, 'redirect_uri_mismatch'),
  );
  it('[OIDC Core §3.1.2.1] AZ-06 is required', () =>
    expectPage({ redirect_uri: null }, 'redirect_uri_missing'));
  it('[RFC6749 §3.1.2.3] AZ-06 is required where several are registered', () =>
    expectPage({ redirect_uri: null, scope: 'read' }, 'redirect_uri_missing'));
  it('[RFC6749 §4.1.2.1] is not guessed for a request object, which might hold another one', async () => {
    const { client } = await world.provider.clients.create({
      name: 'One',
      redirectUris: ['https://one.example/cb'],
    });
    const request = { client_id: client.clientId, redirect_uri: null, scope: 'read' };
    for (const name of ['request', 'request_uri'])
      await expectPage({ ...request, [name]: 'x' }, 'redirect_uri_missing');
  });
});

describe('a loopback redirect_uri', () => {
  const registered = 'http://127.0.0.1:4000/cb';
  let clientId = '';
  beforeAll(async () => {
    clientId = (
      await world.provider.clients.create({
        name: 'CLI',
        tokenEndpointAuthMethod: 'none',
        applicationType: 'native',
        redirectUris: [registered, 'http://[::1]/cb'],
      })
    ).client.clientId;
  });
  it.each(['http://127.0.0.1:51004/cb', 'http://127.0.0.1/cb', 'http://[::1]:9/cb'])(
    '[RFC8252 §7.3] NB-01 may have any port: %s',
    async (uri) => {
      const seen = await ask({ client_id: clientId, redirect_uri: uri });
      expect(seen.status).toBe(200);
    },
  );
  it.each([
    'http://127.0.0.1:51004/other',
    'http://127.0.0.1:51004/cb?x=1',
    'http://127.0.0.1@evil/cb',
    'http://127.0.0.1.evil/cb',
    'http://127.1/cb',
    'http://0x7f000001/cb',
    'http://[::ffff:127.0.0.1]/cb',
    'http://localhost:1@evil/cb',
    'http://localhost:5000/cb',
    'https://127.0.0.1/cb',
    'http://127.0.0.1:99999/cb',
    'http://127.0.0.1:0/cb',
  ])(
    '[RFC8252 §8.3] NB-01 NB-02 NB-03 is refused when it only looks like the registered one: %s',
    (uri) => expectPage({ client_id: clientId, redirect_uri: uri }, 'redirect_uri_mismatch'),
  );
});
