/** Rich authorization requests (RFC 9396): asked for, shown, granted, narrowed, told. */
import {
  type AuthorizationDetail,
  authorizationDetailType,
  type Config,
  jwtAccessTokens,
  resourceIndicators,
  richAuthorizationRequests,
} from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  makeDeviceWorld,
  pollLater,
  startDevice,
  toConfirmation,
} from '../device-authorization/device.ts';
import { expectRefusal, expectRefusedRedirect } from '../refusals.ts';
import {
  type Answer,
  allow,
  browserOf,
  claimsOf,
  codeOf,
  getCode,
  logIn,
  makeWorld,
  openAuthorize,
  pageOf,
  pkce,
  post,
  REDIRECT_URI,
  type World,
} from '../setup.ts';

interface Payment extends AuthorizationDetail {
  readonly type: 'payment';
  readonly amount: number;
  readonly to: string;
}
const payment = authorizationDetailType<Payment>({
  type: 'payment',
  read({ amount, to, locations }) {
    if (typeof amount !== 'number' || amount <= 0) return 'amount must be a positive number';
    if (typeof to !== 'string') return 'to must be "a string"';
    return { type: 'payment', amount, to, ...(locations === undefined ? {} : { locations }) };
  },
  describe: async ({ amount, to }, { languages, client }) =>
    await Promise.resolve(
      languages[0] === 'de'
        ? `${amount} EUR an ${to} zahlen`
        : `Pay ${amount} EUR to ${to} <by> ${client.name}`,
    ),
  covers: (granted, asked) => granted.to === asked.to && asked.amount <= granted.amount,
});
const report = authorizationDetailType<AuthorizationDetail>({
  type: 'report',
  read: ({ type, actions }) => ({ type, actions }),
  describe: () => 'Read the report',
  forClients: true,
});

const PAY = { type: 'payment', amount: 12, to: 'Shop', unknown: 'x' };
const GRANTED = { type: 'payment', amount: 12, to: 'Shop' };
const asked = (...details: readonly unknown[]): string => JSON.stringify(details);

let world: World;
const worldWith = async (more: Partial<Config> = {}): Promise<World> =>
  await makeWorld({
    features: [richAuthorizationRequests({ types: [payment, report] })],
    ...more,
  });
beforeEach(async () => {
  world = await worldWith();
});

/** Signs somebody in, and redeems the code. */
async function signIn(
  details: string,
  more: Readonly<Record<string, string>> = {},
  extra: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const proof = pkce();
  const code = await getCode(world, proof, { authorization_details: details, ...extra });
  const fields = { grant_type: 'authorization_code', code, code_verifier: proof.verifier };
  return await post(world, 'token', { ...fields, redirect_uri: REDIRECT_URI, ...more });
}
const refresh = async ({ body }: Answer, more: Readonly<Record<string, string>> = {}) =>
  await post(world, 'token', {
    grant_type: 'refresh_token',
    refresh_token: String(body['refresh_token']),
    ...more,
  });
const told = async ({ body }: Answer): Promise<unknown> =>
  (await post(world, 'introspect', { token: String(body['access_token']) })).body[
    'authorization_details'
  ];

describe('an authorization request', () => {
  it.each<[what: string, details: string, reason: string]>([
    ['no JSON', 'payment', 'authorization_details_malformed'],
    ['an object', JSON.stringify(PAY), 'authorization_details_malformed'],
    ['an empty list', '[]', 'authorization_details_malformed'],
    ['a list of texts', '["payment"]', 'authorization_details_malformed'],
    ['no type', asked({ amount: 1 }), 'authorization_details_malformed'],
    ['a type that is no text', asked({ type: 1 }), 'authorization_details_malformed'],
    ['21 of them', asked(...Array(21).fill(PAY)), 'authorization_details_malformed'],
    ['an unknown type', asked({ type: 'other' }), 'authorization_details_type'],
    ['a name of an object', asked({ type: '__proto__' }), 'authorization_details_type'],
    ['a known and an unknown type', asked(PAY, { type: 'other' }), 'authorization_details_type'],
    ['a wrong field', asked({ ...PAY, amount: -1 }), 'authorization_details'],
    ['locations that are no list', asked({ ...PAY, locations: 'x' }), 'authorization_details'],
    ['actions that are no texts', asked({ ...PAY, actions: [1] }), 'authorization_details'],
    ['an identifier that is no text', asked({ ...PAY, identifier: 1 }), 'authorization_details'],
    ['a problem with quotes', asked({ ...PAY, to: 1 }), 'authorization_details'],
  ])(
    '[RFC9396 §2] [RFC9396 §5] with %s is invalid_authorization_details',
    async (_what, details, reason) => {
      const visit = await openAuthorize(world, browserOf(world), {
        authorization_details: details,
      });
      expectRefusedRedirect(world, visit, { error: 'invalid_authorization_details', reason });
    },
  );
  it('[RFC9396 §10] of a client that may not ask for the type', async () => {
    const fields = { authorization_details_types: ['report'] };
    await world.provider.clients.update(world.web.clientId, { fields });
    const visit = await openAuthorize(world, browserOf(world), {
      authorization_details: asked(PAY),
    });
    const reason = 'authorization_details_type';
    expectRefusedRedirect(world, visit, { error: 'invalid_authorization_details', reason });
    expect(world.refusals.at(-1)).toMatchObject({ expected: 'report', received: 'payment' });
  });
  it('[RFC9396 §12] shows what it asks for, escaped, every time', async () => {
    const browser = browserOf(world);
    const proof = pkce();
    const request = { authorization_details: asked(PAY) };
    const first = await logIn(browser, await openAuthorize(world, browser, request, proof));
    expect(first.html).toContain('Pay 12 EUR to Shop &lt;by&gt; Web App');
    expect(codeOf(await allow(browser, first))).not.toBeNull();
    const again = await openAuthorize(world, browser, request, proof);
    expect(pageOf(again)).toBe('consent');
    const without = await openAuthorize(world, browser, {}, proof);
    expect(codeOf(without)).not.toBeNull();
  });
  it('[OIDC Core §5.2] shows it in the language of the reader', async () => {
    const browser = browserOf(world);
    const request = { authorization_details: asked(PAY), ui_locales: 'de' };
    const page = await logIn(browser, await openAuthorize(world, browser, request));
    expect(page.html).toContain('12 EUR an Shop zahlen');
  });
  it('[OIDC Core §3.1.2.1] with prompt=none is consent_required', async () => {
    const browser = browserOf(world);
    await allow(browser, await logIn(browser, await openAuthorize(world, browser)));
    const request = { authorization_details: asked(PAY), prompt: 'none' };
    const visit = await openAuthorize(world, browser, request);
    expect(visit.leaves?.searchParams.get('error')).toBe('consent_required');
  });
  it('asks nobody for an application of the operator', async () => {
    await world.provider.clients.update(world.web.clientId, { skipConsent: true });
    expect(await told(await signIn(asked(PAY)))).toEqual([GRANTED]);
  });
});

describe('tokens', () => {
  it('[RFC9396 §7] [RFC9396 §9] hold what was granted, for client and API', async () => {
    const answer = await signIn(asked(PAY, { type: 'report', actions: ['read'] }));
    const both = [GRANTED, { type: 'report', actions: ['read'] }];
    expect(answer.body['authorization_details']).toEqual(both);
    expect(await told(answer)).toEqual(both);
    const next = await refresh(answer);
    expect([next.body['authorization_details'], await told(next)]).toEqual([both, both]);
  });
  it('[RFC9396 §6] are narrowed, and the grant is not', async () => {
    const less = { type: 'payment', amount: 5, to: 'Shop' };
    const answer = await signIn(asked(PAY), { authorization_details: asked(less) });
    expect(await told(answer)).toEqual([less]);
    const next = await refresh(answer, { authorization_details: asked({ ...less, amount: 9 }) });
    expect(await told(next)).toEqual([{ ...less, amount: 9 }]);
    expect(await told(await refresh(next))).toEqual([GRANTED]);
  });
  it.each<[what: string, details: readonly unknown[], reason: string]>([
    ['a larger amount', [{ ...PAY, amount: 13 }], 'authorization_details_grew'],
    ['another receiver', [{ ...PAY, to: 'Other' }], 'authorization_details_grew'],
    ['another type', [{ type: 'report' }], 'authorization_details_grew'],
    ['one more', [PAY, { type: 'report' }], 'authorization_details_grew'],
    ['the same twice', [PAY, PAY], 'authorization_details_grew'],
    [
      'two that are less each',
      [
        { ...PAY, amount: 7 },
        { ...PAY, amount: 7 },
      ],
      'authorization_details_grew',
    ],
    ['an unknown type', [{ type: 'other' }], 'authorization_details_type'],
  ])(
    '[RFC9396 §6] with %s than was granted is refused, and nothing is used up',
    async (_what, details, reason) => {
      const error = 'invalid_authorization_details';
      const proof = pkce();
      const code = await getCode(world, proof, { authorization_details: asked(PAY) });
      const fields = {
        grant_type: 'authorization_code',
        code,
        code_verifier: proof.verifier,
        redirect_uri: REDIRECT_URI,
      };
      const more = { authorization_details: asked(...details) };
      expectRefusal(world, await post(world, 'token', { ...fields, ...more }), {
        status: 400,
        error,
        reason,
      });
      const first = await post(world, 'token', fields);
      expect(first.status).toBe(200);
      expectRefusal(world, await refresh(first, more), { status: 400, error, reason });
      expect((await refresh(first)).status).toBe(200);
    },
  );
  it.each<[what: string, more: Record<string, unknown>]>([
    ['another place', { locations: ['https://b.example'] }],
    ['no place', {}],
    ['one place more', { locations: ['https://a.example', 'https://b.example'] }],
  ])('[RFC9396 §2.2] do not move to %s, whatever the type covers', async (_what, more) => {
    const granted = asked({ ...PAY, locations: ['https://a.example'] });
    const refused = await signIn(granted, { authorization_details: asked({ ...PAY, ...more }) });
    expectRefusal(world, refused, {
      status: 400,
      error: 'invalid_authorization_details',
      reason: 'authorization_details_grew',
    });
  });
  it('[RFC9396 §6] find one grant for each, in whatever order they stand', async () => {
    const [small, large] = [PAY, { ...PAY, amount: 50 }].map((one) => ({ ...one, unknown: 1 }));
    const answer = await signIn(asked(large, small), {
      authorization_details: asked({ ...PAY, amount: 10 }, { ...PAY, amount: 40 }),
    });
    expect(await told(answer)).toHaveLength(2);
  });
  it('[RFC9396 §10] lose a type that the client may not have any longer', async () => {
    const answer = await signIn(asked(PAY, { type: 'report' }));
    const fields = { authorization_details_types: ['report'] };
    await world.provider.clients.update(world.web.clientId, { fields });
    const next = await refresh(answer);
    expect(await told(next)).toEqual([{ type: 'report' }]);
    await world.provider.clients.update(world.web.clientId, {
      fields: { authorization_details_types: [] },
    });
    expect(await told(await refresh(next))).toBeUndefined();
  });
  it('[RFC9396 §6] of a grant without details get none', async () => {
    const proof = pkce();
    const code = await getCode(world, proof);
    const fields = { grant_type: 'authorization_code', code, code_verifier: proof.verifier };
    const more = { redirect_uri: REDIRECT_URI, authorization_details: asked(PAY) };
    const reason = 'authorization_details_grew';
    expectRefusal(world, await post(world, 'token', { ...fields, ...more }), {
      status: 400,
      error: 'invalid_authorization_details',
      reason,
    });
  });
  it('[RFC9396 §6] of a client for itself hold types that are for clients alone', async () => {
    const fields = { grant_type: 'client_credentials' };
    const own = { ...fields, authorization_details: asked({ type: 'report', actions: ['read'] }) };
    expect(await told(await post(world, 'token', own))).toEqual([
      { type: 'report', actions: ['read'] },
    ]);
    const refused = { ...fields, authorization_details: asked(PAY) };
    expectRefusal(world, await post(world, 'token', refused), {
      status: 400,
      error: 'invalid_authorization_details',
      reason: 'authorization_details_for_client',
    });
  });
  it('[RFC9396 §9.1] are JWTs that say the same', async () => {
    world = await worldWith({
      features: [
        richAuthorizationRequests({ types: [payment] }),
        jwtAccessTokens({ format: 'jwt' }),
      ],
    });
    const answer = await signIn(asked(PAY));
    expect(claimsOf(answer.body['access_token'])['authorization_details']).toEqual([GRANTED]);
  });
  it('[RFC9396 §3] for one API do not tell what was granted at another', async () => {
    const [a, b] = ['https://a.example/api', 'https://b.example/api'];
    world = await worldWith({
      features: [
        richAuthorizationRequests({ types: [payment, report] }),
        resourceIndicators({ enabled: true, resources: [a, b] }),
      ],
    });
    const details = asked({ ...PAY, locations: [`${a}/`] }, { type: 'report' });
    const answer = await signIn(details, { resource: b }, { resource: `${a} ${b}` });
    expect(await told(answer)).toEqual([{ type: 'report' }]);
    const other = await refresh(answer, { resource: a });
    expect(await told(other)).toHaveLength(2);
  });
});

describe('a device', () => {
  it('[RFC9396 §12] asks for them, and people see what they allow', async () => {
    const types = [payment, report];
    world = await makeDeviceWorld({}, { features: [richAuthorizationRequests({ types })] });
    const device = await startDevice(world, {
      scope: 'read',
      authorization_details: asked(PAY),
    });
    const browser = browserOf(world);
    const page = await toConfirmation(browser, device);
    expect(page.html).toContain('Pay 12 EUR to Shop');
    await allow(browser, page);
    const answer = await pollLater(world, device);
    expect(answer.body['authorization_details']).toEqual([GRANTED]);
  });
});

it('[RFC9396 §10] discovery names the types', async () => {
  const response = await world.provider.fetch(
    new Request(`${world.provider.issuer}/.well-known/openid-configuration`),
  );
  const document = (await response.json()) as Record<string, unknown>;
  expect(document['authorization_details_types_supported']).toEqual(['payment', 'report']);
});
