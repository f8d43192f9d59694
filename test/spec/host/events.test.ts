/**
 * What the listener of a host hears, and what each event tells. That every event has a test is
 * checked by `tools/events-page.ts`.
 */
import {
  type Config,
  ConfigError,
  defineEvent,
  defineFeature,
  type EventDefinition,
  isEvent,
  type ProviderEvent,
  responseTypes,
} from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { describe, expect, it } from 'vitest';
import { houseRules, invitations, invited } from '../../../examples/feature.ts';
import { allowAll } from '../response-types/responses.ts';
import {
  ALICE,
  BOB,
  basic,
  browserOf,
  getCode,
  getTokens,
  makeWorld,
  openAuthorize,
  pkce,
  post,
  redeem,
  type World,
} from '../setup.ts';
import { makeHost, sessionOf, tokensFor } from './host.ts';

interface Heard {
  readonly world: World;
  readonly heard: ProviderEvent[];
  /** What is told of the events of a type, in their order. */
  of(type: string): Pick<ProviderEvent, 'sub' | 'clientId' | 'reason' | 'detail'>[];
}

async function listen(options: Parameters<typeof makeWorld>[0] = {}): Promise<Heard> {
  const heard: ProviderEvent[] = [];
  const world = await makeWorld({ onEvent: (event) => void heard.push(event), ...options });
  return {
    world,
    heard,
    of: (type) =>
      heard
        .filter((event) => event.type === type)
        .map(({ sub, clientId, reason, detail }) => ({ sub, clientId, reason, detail })),
  };
}

describe('tokens.issued', () => {
  it('tells client, person, grant type and scope, of every way to get tokens', async () => {
    const { world, of } = await listen({ features: [responseTypes({ allowImplicit: true })] });
    const { clientId } = world.web;
    const { refresh_token } = await getTokens(world, { scope: 'openid read offline_access' });
    await post(world, 'token', { grant_type: 'refresh_token', refresh_token });
    await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' });
    await allowAll(world, world.web);
    const browser = browserOf(world);
    await getCode(world, pkce(), { scope: 'openid read' }, browser);
    await openAuthorize(world, browser, {
      scope: 'openid read',
      response_type: 'id_token token',
      code_challenge: null,
      code_challenge_method: null,
    });
    const told = of('tokens.issued').map(({ sub, detail, ...rest }) => [sub, detail, rest]);
    const rest = { clientId, reason: null };
    const scope = 'openid read offline_access';
    expect(told).toEqual([
      [ALICE.sub, { grant_type: 'authorization_code', scope }, rest],
      [ALICE.sub, { grant_type: 'refresh_token', scope }, rest],
      [null, { grant_type: 'client_credentials', scope: 'read' }, rest],
      [ALICE.sub, { grant_type: 'implicit', scope: 'openid read' }, rest],
      // The ID token beside it.
      [ALICE.sub, { grant_type: 'implicit', scope: null }, rest],
    ]);
  });
});

describe('authorization.granted', () => {
  it('tells whether the person was asked', async () => {
    const { world, of } = await listen();
    const browser = browserOf(world);
    for (let time = 0; time < 2; time += 1)
      await getCode(world, pkce(), { scope: 'openid' }, browser);
    expect(of('authorization.granted').map(({ detail }) => detail)).toEqual([
      { scope: 'openid', asked: true, device: false },
      { scope: 'openid', asked: false, device: false },
    ]);
  });
});

describe('sessions', () => {
  it('have the same sid at their begin and their end', async () => {
    const { world, of } = await listen();
    await getTokens(world);
    const [session] = await world.provider.subjects.sessions(ALICE.sub);
    const detail = { sid: session?.sid };
    await world.provider.subjects.endSession(ALICE.sub, session?.sid ?? '');
    const told = { sub: ALICE.sub, clientId: null, reason: null, detail };
    expect([of('login.succeeded'), of('logout')]).toEqual([[told], [told]]);
  });
  it('of a host are told once, when they are new', async () => {
    const heard: ProviderEvent[] = [];
    const host = await makeHost({ onEvent: (event) => void heard.push(event) });
    host.current = sessionOf(BOB.sub);
    for (let time = 0; time < 2; time += 1) await tokensFor(host);
    const [session] = await host.world.provider.subjects.sessions(BOB.sub);
    await host.world.provider.sessions.end(host.current.sessionId);
    expect(
      heard
        .filter(({ type }) => ['session.started', 'login.succeeded', 'logout'].includes(type))
        .map(({ type, sub, detail }) => [type, sub, detail]),
    ).toEqual([
      ['session.started', BOB.sub, { sid: session?.sid }],
      ['logout', BOB.sub, { sid: session?.sid }],
    ]);
  });
});

describe('what was stolen', () => {
  it('a code and a refresh token that are used again are told with their person', async () => {
    const { world, of } = await listen();
    const proof = pkce();
    const code = await getCode(world, proof);
    for (let time = 0; time < 2; time += 1) await redeem(world, code, proof.verifier);
    const about = { sub: ALICE.sub, clientId: world.web.clientId, detail: {} };
    expect(of('code.replayed')).toEqual([{ ...about, reason: 'code_replayed' }]);
    const { refresh_token } = await getTokens(world, { scope: 'openid offline_access' });
    for (let time = 0; time < 2; time += 1) {
      await post(world, 'token', { grant_type: 'refresh_token', refresh_token });
      world.now += 60;
    }
    expect(of('refresh_token.reused')).toEqual([{ ...about, reason: 'refresh_token_replayed' }]);
  });
});

describe('what operators do', () => {
  it('to applications is told with the names of what changed, never with values', async () => {
    const { world, of } = await listen();
    const { clients } = world.provider;
    const { clientId } = world.web;
    await clients.update(clientId, { name: 'A secret project' });
    await clients.update(clientId, { disabled: true });
    await clients.update(clientId, { disabled: false });
    await clients.rotateSecret(clientId, 60);
    await clients.delete(clientId);
    const by = { by: 'manual', disabled: false, secret: null };
    expect(of('client.updated').map(({ detail }) => detail)).toEqual([
      { ...by, changed: 'client_name' },
      { ...by, changed: 'disabled', disabled: true },
      { ...by, changed: 'disabled' },
      { ...by, changed: 'secrets', secret: 'rotated' },
    ]);
    expect(of('client.deleted')).toEqual([{ sub: null, clientId, reason: null, detail: {} }]);
  });
  it('to applications of the configuration is told as its work', async () => {
    const { world, of } = await listen();
    const managed = {
      clientId: 'managed',
      name: 'Managed',
      redirectUris: ['https://rp.example/cb'],
      clientType: 'public',
    } as const;
    await world.provider.clients.ensure(managed);
    await world.provider.clients.ensure({ ...managed, fields: { require_pkce: false } });
    expect([of('client.created').at(-1)?.detail, of('client.updated').at(-1)?.detail]).toEqual([
      { by: 'configuration' },
      { by: 'configuration', changed: 'require_pkce', disabled: false, secret: null },
    ]);
  });
  it('to people is told in the order in which it happens', async () => {
    const { world, heard } = await listen();
    await getTokens(world);
    const { subjects } = world.provider;
    heard.length = 0;
    await subjects.create('carol');
    await subjects.update('carol', ['email', 'name']);
    await subjects.disable(ALICE.sub, 'left');
    await subjects.enable(ALICE.sub);
    await subjects.unlock('alice');
    await subjects.delete(ALICE.sub);
    expect(heard.map(({ type, sub, reason, detail }) => [type, sub, reason, detail])).toEqual([
      ['subject.created', 'carol', null, {}],
      ['subject.updated', 'carol', null, { changed: 'email name' }],
      ['subject.disabled', ALICE.sub, 'left', {}],
      ['subject.enabled', ALICE.sub, null, {}],
      ['subject.unlocked', null, null, { username: 'alice' }],
      ['subject.revoked', ALICE.sub, null, {}],
      ['authorization.revoked', ALICE.sub, null, {}],
      ['subject.deleted', ALICE.sub, null, {}],
    ]);
  });
  it('to tokens is told with the client, and the person where it is known', async () => {
    const { world, of } = await listen();
    const { tokens, initialAccessTokens } = world.provider;
    await tokens.revoke((await getTokens(world)).access_token);
    await post(world, 'revoke-token', { token: (await getTokens(world)).access_token });
    const facts = { clientId: world.web.clientId, reason: null, detail: {} };
    expect(of('token.revoked')).toEqual([
      { sub: ALICE.sub, ...facts },
      { sub: null, ...facts },
    ]);
    const { record } = await initialAccessTokens.create({ name: 'partners', uses: 3 });
    await initialAccessTokens.delete(record.id);
    expect([
      of('initial_access_token.created').map(({ detail }) => detail),
      of('initial_access_token.deleted').map(({ detail }) => detail),
    ]).toEqual([[{ id: record.id, uses: 3 }], [{ id: record.id }]]);
  });
  it('to keys is told with its kind', async () => {
    const OWN_KEYS = { signingKeys: undefined, keySchedule: { algs: ['ES256'] } };
    const { world, of } = await listen(OWN_KEYS as unknown as Partial<Config>);
    const { keys } = world.provider;
    await world.provider.maintain();
    await keys.rotate({ immediate: true });
    await keys.rotate({ emergency: true });
    expect(of('keys.rotated').map(({ detail }) => detail)).toEqual([
      { scheduled: true, emergency: false, immediate: false },
      { scheduled: false, emergency: false, immediate: true },
      { scheduled: false, emergency: true, immediate: false },
    ]);
  });
});

describe('an event of a feature of the host', () => {
  it('is heard with its own types, and stands in the audit log', async () => {
    const cars: [string, number][] = [];
    const world = await makeWorld({
      features: [invitations({ lifetime: 60 })],
      pages: builtInPages({ templates: { houseRules } }),
      onEvent(event) {
        if (isEvent(event, invited)) cars.push([event.clientId, event.detail.expires_at]);
      },
    });
    const { clientId } = world.web;
    await world.provider.clients.update(clientId, { fields: { may_invite: true } });
    const headers = {
      authorization: basic(clientId, world.webSecret),
      'content-type': 'application/x-www-form-urlencoded',
    };
    const url = world.provider.url('invitations');
    await world.provider.fetch(new Request(url, { method: 'POST', headers, body: '' }));
    expect(cars).toEqual([[clientId, world.now + 60]]);
    await world.provider.close();
    const [row] = await world.provider.store.audit.list({ limit: 1, type: 'invitation.made' });
    expect(row).toMatchObject({ clientId, detail: { expires_at: world.now + 60 } });
  });
  it.each([
    ['a name that a built-in event has', 'tokens.issued', /event tokens\.issued twice/],
    ['a name that no database has room for', `car.${'x'.repeat(61)}`, /bring the event car\.x/],
    ['a name with other characters', 'Car taken', /bring the event Car taken/],
  ])('is refused at the start with %s', async (_case, name, message) => {
    const description = 'A car was taken.';
    const events: readonly EventDefinition[] = [defineEvent({ name, description })];
    const cars = defineFeature({
      name: 'cars',
      description: 'Cars',
      options: {},
      create: () => ({ events }),
    });
    const refused = makeWorld({ features: [cars()] });
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow(message);
  });
});
