/** Token exchange (RFC 8693): what is refused, what the new token says, and when it ends. */
import { ConfigError, type ExchangeRequest, tokenExchange } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { ALICE, claimsOf, getTokens, makeWorld, post, type World } from '../setup.ts';
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

let world: World;
let token: string;
beforeEach(async () => {
  world = await exchangeWorld();
  token = await subjectToken(world);
});

const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';

describe('what is refused, and issues nothing', () => {
  it.each<[what: string, fields: Record<string, string>, reason: string]>([
    ['another type of subject token', { subject_token_type: ID_TOKEN }, 'token_type'],
    ['an actor token without its type', { actor_token: 'x' }, 'actor_token_type'],
    ['a type without an actor token', { actor_token_type: ACCESS_TOKEN }, 'actor_token_type'],
    ['another type that is wanted', { requested_token_type: JWT }, 'requested_token_type'],
    ['resource beside audience', { resource: API, audience: API }, 'audience_and_resource'],
    ['a subject token that is none', { subject_token: 'vkat_junk' }, 'subject_token'],
    [
      'an actor token that is none',
      { actor_token: 'vkat_junk', actor_token_type: ACCESS_TOKEN },
      'actor_token',
    ],
  ])('[RFC8693 §2.1] [RFC8693 §2.2.2] %s', async (_what, fields, reason) => {
    const refusal = { status: 400, error: 'invalid_request', reason };
    expectRefusal(world, await exchange(world, token, fields), refusal);
  });
  it.each(['subject_token', 'subject_token_type'])('[RFC8693 §2.1] no %s', async (name) => {
    expectRefusal(world, await exchange(world, token, { [name]: '' }), {
      status: 400,
      error: 'invalid_request',
      reason: 'missing_parameter',
    });
  });
  it('[RFC8693 §2.2.2] a refresh token, or a code, as subject token', async () => {
    const { refresh_token: refresh } = await getTokens(world);
    expectRefusal(world, await exchange(world, refresh), {
      status: 400,
      error: 'invalid_request',
      reason: 'subject_token',
    });
  });
  it('a token that is about nobody', async () => {
    const own = await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' });
    expectRefusal(world, await exchange(world, String(own.body['access_token'])), {
      status: 400,
      error: 'invalid_request',
      reason: 'subject_token_client',
    });
  });
  it.each<[what: string, end: () => Promise<unknown>]>([
    [
      'expired',
      async () => {
        world.now += 901;
        await Promise.resolve();
      },
    ],
    ['was revoked', async () => await post(world, 'revoke-token', { token })],
    ['is of a person who was revoked', async () => await world.provider.subjects.revoke(ALICE.sub)],
  ])('[RFC8693 §2.2.2] IR-04 a subject token that %s', async (_what, end) => {
    await end();
    expectRefusal(world, await exchange(world, token), {
      status: 400,
      error: 'invalid_request',
      reason: 'subject_token',
    });
  });
  it.each([[null], [false]] as const)('what the policy answers with %s', async (answer) => {
    world = await exchangeWorld(() => answer);
    expectRefusal(world, await exchange(world, await subjectToken(world)), {
      status: 400,
      error: 'invalid_request',
      reason: 'exchange_denied',
    });
  });
  it('[RFC8693 §2.1] TK-11 a client that is not registered for it, or proves nothing', async () => {
    const fields = { subject_token: token, subject_token_type: ACCESS_TOKEN };
    expectRefusal(world, await post(world, 'token', { grant_type: EXCHANGE, ...fields }), {
      status: 400,
      error: 'unauthorized_client',
      reason: 'grant_type_not_allowed',
    });
    await world.provider.clients.update(world.spa.clientId, {
      grantTypes: [EXCHANGE],
      responseTypes: [],
    });
    const body = new URLSearchParams({
      grant_type: EXCHANGE,
      client_id: world.spa.clientId,
      ...fields,
    });
    const response = await world.provider.fetch(
      new Request(world.provider.url('token'), { method: 'POST', body }),
    );
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: 'unauthorized_client' },
    ]);
  });
  it('[RFC6749 §3.3] TK-12 a scope that the subject token does not have', async () => {
    const narrow = await subjectToken(world, { scope: 'openid read' });
    expectRefusal(world, await exchange(world, narrow, { scope: 'read write' }), {
      status: 400,
      error: 'invalid_scope',
      reason: 'scope_grew',
    });
  });
  it.each([
    ['resource', { resource: DOWNSTREAM }, 'resource_not_granted'],
    ['audience', { audience: DOWNSTREAM }, 'resource_not_granted'],
    ['an unknown resource', { resource: 'https://evil.example' }, 'resource'],
    ['an unknown audience', { audience: 'https://evil.example' }, 'resource'],
    ['an audience that is no address', { audience: 'api' }, 'resource'],
  ])('[RFC8693 §2.2.2] TK-12 another API by %s', async (_what, fields, reason) => {
    const bound = await subjectToken(world, { resource: API });
    expectRefusal(world, await exchange(world, bound, fields), {
      status: 400,
      error: 'invalid_target',
      reason,
    });
  });
});

describe('the new token', () => {
  it('[RFC8693 §2.2.1] is an access token of the client that asked, and nothing else', async () => {
    const answer = await exchange(world, token);
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^vkat_/),
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'openid read write',
    });
    expect(await toldOf(world, answer)).toMatchObject({
      active: true,
      sub: ALICE.sub,
      client_id: world.other.clientId,
      auth_time: world.now,
    });
  });
  it('[RFC8693 §4.1] of an impersonation names no actor', async () => {
    expect((await toldOf(world, await exchange(world, token)))['act']).toBeUndefined();
  });
  it('[RFC8693 §4.1] of a delegation names who acts, and who acted before', async () => {
    const own = { grant_type: 'client_credentials', scope: 'read' };
    const actor = String((await post(world, 'token', own, asOther(world))).body['access_token']);
    const acting = { actor_token: actor, actor_token_type: ACCESS_TOKEN };
    const first = await exchange(world, token, acting);
    const party = { sub: world.other.clientId, client_id: world.other.clientId };
    expect((await toldOf(world, first))['act']).toEqual(party);
    const person = await subjectToken(world);
    const second = await exchange(world, String(first.body['access_token']), {
      actor_token: person,
      actor_token_type: ACCESS_TOKEN,
    });
    expect((await toldOf(world, second))['act']).toEqual({
      sub: ALICE.sub,
      client_id: world.web.clientId,
      act: party,
    });
    // Without an actor the chain stays as it is.
    const third = await exchange(world, String(first.body['access_token']));
    expect((await toldOf(world, third))['act']).toEqual(party);
  });
  it('[RFC8693 §4.1] names the client where the policy says so', async () => {
    world = await exchangeWorld(() => ({ allow: true, actsAsClient: true }));
    const answer = await exchange(world, await subjectToken(world), { resource: API });
    expect((await toldOf(world, answer))['act']).toEqual({
      sub: world.other.clientId,
      client_id: world.other.clientId,
    });
  });
  it('[RFC8693 §2.1] has less where less is asked for, or where the policy says so', async () => {
    expect((await exchange(world, token, { scope: 'read' })).body['scope']).toBe('read');
    world = await exchangeWorld(() => ({ allow: true, scopes: ['read'], lifetime: 60 }));
    const { body } = await exchange(world, await subjectToken(world));
    expect([body['scope'], body['expires_in']]).toEqual(['read', 60]);
  });
  it('[RFC6749 §3.3] TK-12 never has more than its client may have', async () => {
    await world.provider.clients.update(world.other.clientId, { scopes: ['read'] });
    expect((await exchange(world, token)).body['scope']).toBe('read');
  });
  it.each([
    ['resource', { resource: API }],
    ['audience', { audience: `${API}/` }],
  ])('[RFC8693 §2.1] is for the API that %s names', async (_what, fields) => {
    expect((await toldOf(world, await exchange(world, token, fields)))['aud']).toBe(API);
    const bound = await subjectToken(world, { resource: `${API} ${DOWNSTREAM}` });
    expect((await toldOf(world, await exchange(world, bound, fields)))['aud']).toBe(API);
  });
  it('[RFC8693 §2.1] is for another API where the policy says so', async () => {
    const asked: ExchangeRequest[] = [];
    world = await exchangeWorld((request) => {
      asked.push(request);
      return { allow: true, resources: [DOWNSTREAM] };
    });
    const bound = await subjectToken(world, { resource: API });
    const answer = await exchange(world, bound, { audience: DOWNSTREAM, scope: 'read' });
    expect((await toldOf(world, answer))['aud']).toBe(DOWNSTREAM);
    expect(asked[0]).toMatchObject({
      client: { clientId: world.other.clientId },
      subject: { sub: ALICE.sub, resources: [API], isBound: false, client: world.web },
      actor: null,
      scopes: ['read'],
      resources: [DOWNSTREAM],
    });
    expect((await toldOf(world, await exchange(world, bound)))['aud']).toBe(DOWNSTREAM);
  });
  it('[RFC9068 §2.2] is a JWT where its client or its API wants one', async () => {
    const fields = { access_token_format: 'jwt' };
    await world.provider.clients.update(world.other.clientId, { fields });
    const { body } = await exchange(world, token, {
      resource: API,
      requested_token_type: ACCESS_TOKEN,
    });
    expect(claimsOf(body['access_token'])).toMatchObject({
      sub: ALICE.sub,
      client_id: world.other.clientId,
      aud: API,
    });
  });
});

describe('who may act', () => {
  const named = async (party: object | null): Promise<void> => {
    world = await exchangeWorld(() => ({ allow: true }), { mayAct: () => party as never });
    token = await subjectToken(world);
  };
  it('[RFC8693 §4.4] stands in tokens, as may_act', async () => {
    await named({ sub: 'admin' });
    const told = await post(world, 'introspect', { token });
    expect(told.body['may_act']).toEqual({ sub: 'admin' });
  });
  it.each<[what: string, party: (world: World) => object | null, isAllowed: boolean]>([
    ['somebody else', () => ({ sub: 'admin' }), false],
    [
      'the client, but of another issuer',
      ({ other }) => ({ sub: other.clientId, iss: 'x' }),
      false,
    ],
    ['nothing that can be compared', () => ({}), false],
    ['a claim that no actor has', ({ other }) => ({ sub: other.clientId, role: 'x' }), false],
    ['the client', ({ other }) => ({ client_id: other.clientId }), true],
    ['nobody', () => null, true],
  ])('[RFC8693 §4.4] a token that names %s', async (_what, party, isAllowed) => {
    let wanted: object | null = null;
    world = await exchangeWorld(() => ({ allow: true }), { mayAct: () => wanted as never });
    wanted = party(world);
    const answer = await exchange(world, await subjectToken(world));
    if (isAllowed) expect(answer.status).toBe(200);
    else expectRefusal(world, answer, { status: 400, error: 'invalid_request', reason: 'may_act' });
  });
});

describe('the end of an exchanged token', () => {
  const isActive = async (answer: Awaited<ReturnType<typeof exchange>>): Promise<unknown> =>
    (await toldOf(world, answer))['active'];
  it('[RFC8693 §2.2.1] is not after the one of the subject token', async () => {
    world.now += 600;
    expect((await exchange(world, token)).body['expires_in']).toBe(300);
  });
  it.each<[what: string, end: () => Promise<unknown>]>([
    ['a revocation of the subject token', async () => await post(world, 'revoke-token', { token })],
    [
      'a consent that is withdrawn',
      async () => await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId),
    ],
    ['a subject that is revoked', async () => await world.provider.subjects.revoke(ALICE.sub)],
    [
      'its client that is disabled',
      async () => await world.provider.clients.update(world.other.clientId, { disabled: true }),
    ],
  ])('IR-04 comes with %s', async (_what, end) => {
    const answer = await exchange(world, token);
    const second = await exchange(world, String(answer.body['access_token']));
    expect([await isActive(answer), await isActive(second)]).toEqual([true, true]);
    await end();
    const bearer = { authorization: `Bearer ${String(answer.body['access_token'])}` };
    expect((await post(world, 'userinfo', '', bearer)).status).toBe(401);
    expect((await world.provider.tokens.inspect(String(second.body['access_token'])))?.state).toBe(
      undefined,
    );
  });
  it('RV-01 by its own client ends nothing else', async () => {
    const answer = await exchange(world, token);
    await post(
      world,
      'revoke-token',
      { token: String(answer.body['access_token']) },
      asOther(world),
    );
    expect(await isActive(answer)).toBe(false);
    expect((await post(world, 'introspect', { token })).body['active']).toBe(true);
  });
  it('is its own where the policy says so, but for the end of the consent', async () => {
    world = await exchangeWorld(() => ({ allow: true, endsWithSubject: false }));
    token = await subjectToken(world);
    world.now += 600;
    const answer = await exchange(world, token);
    expect(answer.body['expires_in']).toBe(900);
    await post(world, 'revoke-token', { token });
    expect(await isActive(answer)).toBe(true);
    await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId);
    expect(await isActive(answer)).toBe(false);
  });
});

describe('the options', () => {
  it('[RFC8693 §2.1] without a policy the grant is not offered', async () => {
    world = await makeWorld();
    const answer = await post(world, 'token', { grant_type: EXCHANGE });
    expect(answer.body['error']).toBe('unsupported_grant_type');
  });
  it('a policy is a function', async () => {
    const features = [tokenExchange({ policy: 'yes' as never })];
    await expect(makeWorld({ features })).rejects.toBeInstanceOf(ConfigError);
  });
});
