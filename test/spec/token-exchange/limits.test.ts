/** What an exchange never gives away: APIs, claims, names of people (RFC 8693). */
import {
  authorizationDetailType,
  type ExchangeRequest,
  jwtAccessTokens,
  pairwiseSubjects,
  responseTypes,
  richAuthorizationRequests,
  tokenExchange,
} from 'valetkey';
import { describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  ALICE,
  allow,
  BOB,
  browserOf,
  getTokens,
  logIn,
  openAuthorize,
  post,
  type World,
} from '../setup.ts';
import {
  ACCESS_TOKEN,
  API,
  asOther,
  DOWNSTREAM,
  EXCHANGE,
  exchange,
  exchangeWorld,
  subjectToken,
  toldOf,
} from './exchange.ts';

const textOf = ({ body }: { readonly body: Record<string, unknown> }): string =>
  String(body['access_token']);

describe('APIs', () => {
  const listed = ({ resources }: ExchangeRequest) =>
    ({ allow: true, resources: resources.filter((one) => one === API) }) as const;
  it.each([
    ['names another one', { resource: DOWNSTREAM }],
    ['names none', {}],
  ])(
    '[RFC8693 §2.2.2] TK-12 a policy that leaves none: a request that %s',
    async (_what, fields) => {
      const world = await exchangeWorld(listed);
      const token = await subjectToken(world, { resource: API });
      expectRefusal(world, await exchange(world, token, fields), {
        status: 400,
        error: 'invalid_target',
        reason: 'resource_not_granted',
      });
      const answer = await exchange(world, token, { resource: API });
      expect((await toldOf(world, answer))['aud']).toBe(API);
    },
  );
  it('[RFC8693 §2.1] by audience are ten at most, each once and as it is registered', async () => {
    const asked: ExchangeRequest[] = [];
    const world = await exchangeWorld((request) => {
      asked.push(request);
      return { allow: true };
    });
    const token = await subjectToken(world);
    const many = Array.from({ length: 11 }, (_, n) => `https://${n}.example`).join(' ');
    const reason = 'too_many_resources';
    const refusal = { status: 400, error: 'invalid_target', reason };
    expectRefusal(world, await exchange(world, token, { audience: many }), refusal);
    expect(asked).toEqual([]);
    const answer = await exchange(world, token, { audience: `${API} ${API}/` });
    expect((await toldOf(world, answer))['aud']).toBe(API);
    expect(asked[0]?.resources).toEqual([API]);
  });
  it.each([
    ['audience', { audience: DOWNSTREAM }],
    ['resource', { resource: DOWNSTREAM }],
  ])(
    '[RFC8693 §2.1] by %s hold without the feature for resources as well',
    async (_what, fields) => {
      const features = [
        tokenExchange({ policy: () => ({ allow: true, resources: [DOWNSTREAM] }) }),
        jwtAccessTokens({ format: 'jwt' }),
      ];
      const world = await exchangeWorld(undefined, {}, { features });
      const token = await subjectToken(world);
      // Nothing is registered, so nothing can be named; what the policy says holds.
      expect((await exchange(world, token, fields)).body['error']).toBe('invalid_target');
      const answer = await exchange(world, token);
      expect((await toldOf(world, answer))['aud']).toBe(DOWNSTREAM);
      const bearer = { authorization: `Bearer ${textOf(answer)}` };
      expect((await post(world, 'userinfo', '', bearer)).status).toBe(401);
    },
  );
});

describe('people', () => {
  it('[OIDC Core §5.5] claims by name were for the other client', async () => {
    const world = await exchangeWorld();
    const claims = JSON.stringify({ userinfo: { email: null } });
    const token = await subjectToken(world, { scope: 'openid read', claims });
    const bearer = { authorization: `Bearer ${textOf(await exchange(world, token))}` };
    expect((await post(world, 'userinfo', '', bearer)).body).toEqual({ sub: ALICE.sub });
  });
  it('[OIDC Core §8] who acts is named as the client knows them', async () => {
    const party = { sub: ALICE.sub };
    const world = await exchangeWorld(
      () => ({ allow: true }),
      {},
      {
        features: [
          tokenExchange({ policy: () => ({ allow: true }), mayAct: () => party }),
          pairwiseSubjects({ salt: 'a salt that nobody else has, long enough' }),
        ],
      },
    );
    await world.provider.clients.update(world.other.clientId, {
      fields: { subject_type: 'pairwise' },
    });
    const token = await subjectToken(world);
    const acting = { actor_token: token, actor_token_type: ACCESS_TOKEN };
    const answer = await exchange(world, token, acting);
    const told = await toldOf(world, answer);
    expect(JSON.stringify(told)).not.toContain(ALICE.sub);
    expect(told['act']).toMatchObject({ sub: told['sub'] });
  });
  it('[RFC8693 §2.1] an actor whose account is gone does not act', async () => {
    const world = await exchangeWorld();
    const subject = await subjectToken(world);
    const browser = browserOf(world);
    const opened = await openAuthorize(world, browser);
    await allow(browser, await logIn(browser, opened, BOB));
    const actor = (await getTokens(world, {}, browser)).access_token;
    const acting = { actor_token: actor, actor_token_type: ACCESS_TOKEN };
    expect((await exchange(world, subject, acting)).status).toBe(200);
    const { find } = world.accounts;
    Object.assign(world.accounts, {
      find: async (sub: string) => (sub === BOB.sub ? null : await find(sub)),
    });
    expectRefusal(world, await exchange(world, subject, acting), {
      status: 400,
      error: 'invalid_request',
      reason: 'actor_token',
    });
  });
});

describe('who may act', () => {
  it('[RFC8693 §4.4] holds for a token of an authorization response as well', async () => {
    const world = await exchangeWorld(
      undefined,
      {},
      {
        features: [
          tokenExchange({ policy: () => ({ allow: true }), mayAct: () => ({ sub: 'admin' }) }),
          responseTypes({ allowImplicit: true }),
        ],
      },
    );
    await world.provider.clients.update(world.web.clientId, {
      responseTypes: ['id_token token'],
      grantTypes: ['implicit'],
    });
    const browser = browserOf(world);
    const opened = await openAuthorize(world, browser, { response_type: 'id_token token' });
    const done = await allow(browser, await logIn(browser, opened));
    const token = new URLSearchParams(done.leaves?.hash.slice(1)).get('access_token') ?? '';
    expectRefusal(world, await exchange(world, token), {
      status: 400,
      error: 'invalid_request',
      reason: 'may_act',
    });
  });
});

describe('life and death', () => {
  const chain = async (): Promise<{ world: World; tokens: string[] }> => {
    const world = await exchangeWorld();
    await world.provider.clients.update(world.spa.clientId, { disabled: false });
    const first = await subjectToken(world);
    const second = textOf(await exchange(world, first));
    const third = textOf(await exchange(world, second));
    return { world, tokens: [first, second, third] };
  };
  const isLive = async (world: World, token: string): Promise<boolean> =>
    (await world.provider.tokens.inspect(token)) !== null;
  it('IR-04 a token ends with the one that it was made from, whoever ends that', async () => {
    const { world, tokens } = await chain();
    const [first = '', second = '', third = ''] = tokens;
    await post(world, 'revoke-token', { token: second }, asOther(world));
    expect([await isLive(world, first), await isLive(world, third)]).toEqual([true, false]);
  });
  it('IR-04 and with the client of that one', async () => {
    const { world, tokens } = await chain();
    await world.provider.clients.update(world.web.clientId, { disabled: true });
    for (const token of tokens) expect(await isLive(world, token)).toBe(false);
    await world.provider.clients.update(world.web.clientId, { disabled: false });
    expect(await isLive(world, tokens[2] ?? '')).toBe(true);
  });
  it('[RFC8693 §4.1] a chain has an end', async () => {
    const world = await exchangeWorld(() => ({ allow: true, actsAsClient: true }));
    let token = await subjectToken(world);
    for (let times = 0; times < 5; times += 1) token = textOf(await exchange(world, token));
    expectRefusal(world, await exchange(world, token), {
      status: 400,
      error: 'invalid_request',
      reason: 'exchange_depth',
    });
  });
});

describe('what a policy has to say', () => {
  it('[RFC9449 §7] SC-07 a bound token is exchanged only where it says so', async () => {
    const { newKey, proofOf } = await import('../dpop/proofs.ts');
    const bound = async (world: World): Promise<string> => {
      const fields = { grant_type: EXCHANGE, subject_token_type: ACCESS_TOKEN };
      const dpop = { ...asOther(world), dpop: proofOf(world, newKey()) };
      const subject_token = await subjectToken(world);
      return textOf(await post(world, 'token', { ...fields, subject_token }, dpop));
    };
    const world = await exchangeWorld();
    expectRefusal(world, await exchange(world, await bound(world)), {
      status: 400,
      error: 'invalid_request',
      reason: 'subject_token_bound',
    });
    expect(world.refusals.at(-1)?.['remedy']).toContain('allowBoundSubject');
    const open = await exchangeWorld(() => ({ allow: true, allowBoundSubject: true }));
    expect((await exchange(open, await bound(open))).status).toBe(200);
  });
  it('[RFC9396 §6] details go along only where it says so', async () => {
    const report = authorizationDetailType({
      type: 'report',
      read: (detail) => detail,
      describe: () => 'Read it',
    });
    for (const keepsDetails of [false, true]) {
      const world = await exchangeWorld(
        undefined,
        {},
        {
          features: [
            tokenExchange({ policy: () => ({ allow: true, keepsDetails }) }),
            richAuthorizationRequests({ types: [report] }),
          ],
        },
      );
      const details = JSON.stringify([{ type: 'report' }]);
      const token = await subjectToken(world, { authorization_details: details });
      const told = await toldOf(world, await exchange(world, token));
      expect(told['authorization_details']).toEqual(
        keepsDetails ? [{ type: 'report' }] : undefined,
      );
    }
  });
  it.each([Number.NaN, 0, -1, 1.5, Number.POSITIVE_INFINITY])(
    'a lifetime of %s is a mistake of the policy, and issues nothing',
    async (lifetime) => {
      const world = await exchangeWorld(() => ({ allow: true, lifetime }));
      const answer = await exchange(world, await subjectToken(world));
      expect([answer.status, answer.body['error']]).toEqual([500, 'server_error']);
    },
  );
});
