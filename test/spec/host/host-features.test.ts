/** The feature of `examples/feature.ts`, as a host mounts it: what it brings, and how it fails. */

import { authorizationParameter, defineFeature, type Endpoint, json, prompts } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { beforeAll, describe, expect, it } from 'vitest';
import { houseRules, invitations } from '../../../examples/feature.ts';
import { expectErrorPage, expectRefusal, expectRefusedRedirect } from '../refusals.ts';
import {
  type Answer,
  authorizeParams,
  authorizeUrl,
  basic,
  browserOf,
  codeOf,
  ISSUER,
  logIn,
  makeWorld,
  pageOf,
  pkce,
  read,
  type World,
} from '../setup.ts';

const GRANT = 'urn:example:invitation';
let world: World;
beforeAll(async () => {
  world = await makeWorld({
    features: [invitations({ lifetime: 60 })],
    pages: builtInPages({ templates: { houseRules } }),
  });
  const { clients } = world.provider;
  const grantTypes = ['authorization_code', 'refresh_token', GRANT];
  await clients.update(world.web.clientId, { grantTypes, fields: { may_invite: true } });
});

const ask = async (
  endpoint: string,
  fields: Readonly<Record<string, string>>,
  authorization = basic(world.web.clientId, world.webSecret),
): Promise<Answer> => {
  const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
  const body = new URLSearchParams(fields).toString();
  const request = new Request(world.provider.url(endpoint), { method: 'POST', headers, body });
  return await read(await world.provider.fetch(request));
};

const invite = async (): Promise<string> =>
  String((await ask('invitations', {})).body['invitation']);

const redeem = async (invitation: string): Promise<Answer> =>
  await ask('token', { grant_type: GRANT, invitation });

describe('a feature of the host', () => {
  it('stands in discovery, beside what is built in', async () => {
    const url = `${ISSUER}/.well-known/openid-configuration`;
    const { body } = await read(await world.provider.fetch(new Request(url)));
    expect(body['invitation_endpoint']).toBe(`${ISSUER}/o/invitations/`);
    expect(body['grant_types_supported']).toContain(GRANT);
  });
  it('brings a field of clients that is checked like those of the core', async () => {
    const { clients, clientFields } = world.provider;
    expect(clientFields.map(({ wireName }) => wireName)).toContain('may_invite');
    for (const fields of [{ may_invite: 'yes' }, { may_envite: true }])
      await expect(clients.update(world.web.clientId, { fields })).rejects.toThrow(/may_[ie]nvite/);
  });
  it('keeps clients from its endpoint that prove nothing, or whose field does not allow it', async () => {
    const spa = await ask('invitations', {}, basic(world.spa.clientId, 'nothing'));
    expectRefusal(world, spa, {
      status: 401,
      error: 'invalid_client',
      reason: 'client_authentication_method',
    });
    const { client, clientSecret } = await world.provider.clients.create({
      name: 'Uninvited',
      redirectUris: ['https://rp.example/cb'],
    });
    const answer = await ask('invitations', {}, basic(client.clientId, clientSecret ?? ''));
    expectRefusal(world, answer, { status: 400, error: 'access_denied', reason: 'may_not_invite' });
  });
  it('redeems what it made once: one of a hundred parallel requests gets a token', async () => {
    const invitation = await invite();
    const answers = await Promise.all(Array.from({ length: 100 }, () => redeem(invitation)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won.map(({ body }) => body['scope'])).toEqual(['read']);
    const lost = answers.filter(({ status }) => status !== 200);
    expect(new Set(lost.map(({ status, body }) => `${status} ${body['error']}`))).toEqual(
      new Set(['400 invalid_grant']),
    );
  });
  it('refuses what has expired by its option, and what it never made', async () => {
    const invitation = await invite();
    world.now += 60;
    for (const text of [invitation, 'vkiv_guessed'])
      expectRefusal(world, await redeem(text), {
        status: 400,
        error: 'invalid_grant',
        reason: 'invitation',
      });
  });
  it('[OIDC Core §3.1.2.6] shows its step before consent, and refuses under prompt=none', async () => {
    const browser = browserOf(world);
    const proof = pkce();
    const open = async (changes: Readonly<Record<string, string>> = {}) =>
      await browser.open(authorizeUrl(world, authorizeParams(world, proof.challenge, changes)));
    const rules = await logIn(browser, await open());
    expect(rules.html).toContain('id="house-rules-form"');
    expectErrorPage(await browser.submit(rules, { decision: 'allow' }), {
      status: 400,
      code: 'invalid_request',
      reason: 'decision',
    });
    expectErrorPage(await browser.submit(rules, { decision: 'agree', step: 'consent' }), {
      status: 403,
      code: 'invalid_request',
      reason: 'form_token',
    });
    expectErrorPage(await browser.submit(rules, { decision: 'agree', step: 'other' }), {
      status: 400,
      code: 'invalid_request',
      reason: 'step',
    });
    const consent = await browser.submit(rules, { decision: 'agree' });
    expect(pageOf(consent)).toBe('consent');
    expect(codeOf(await browser.submit(consent, { decision: 'allow' }))).toMatch(/^vkac_/);
    const silent = await open({ prompt: 'none' });
    expectRefusedRedirect(world, silent, { error: 'interaction_required', reason: 'prompt_none' });
  });
});

describe('a parameter of the host', () => {
  it('is read after those of the core, travels with the request, and is refused out of place', async () => {
    const seen: unknown[] = [];
    const colour = authorizationParameter<string | null>({
      names: ['colour'],
      absent: null,
      read(_ctx, { params, request, source }) {
        seen.push([params.get('colour'), prompts(request), source]);
        return params.get('colour') ?? null;
      },
    });
    const pushedOnly = authorizationParameter<string | null>({
      names: ['secret_wish'],
      onlyIn: ['pushed-authorization-request'],
      absent: null,
      read: (_ctx, { params }) => params.get('secret_wish') ?? null,
    });
    const feature = defineFeature({
      name: 'colours',
      description: 'x',
      options: {},
      create: () => ({ parameters: [colour, pushedOnly] }),
    });
    const own = await makeWorld({ features: [feature()] });
    const visit = async (changes: Readonly<Record<string, string>>) => {
      const params = authorizeParams(own, pkce().challenge, changes);
      const browser = browserOf(own);
      return [browser, await browser.open(authorizeUrl(own, params))] as const;
    };
    const [browser, login] = await visit({ colour: 'green', prompt: 'login' });
    expect(pageOf(await logIn(browser, login))).toBe('consent');
    expect(new Set(seen.map((one) => JSON.stringify(one)))).toEqual(
      new Set([JSON.stringify(['green', ['login'], 'front-channel'])]),
    );
    const [, refused] = await visit({ secret_wish: 'x' });
    expectRefusedRedirect(own, refused, {
      error: 'invalid_request',
      reason: 'parameter_misplaced',
    });
  });
});

describe('an endpoint of the host', () => {
  const seen: unknown[] = [];
  const echo: Endpoint = {
    name: 'echo',
    path: 'echo/:who/of/:what',
    methods: ['POST'],
    errors: 'json',
    async handle(ctx) {
      seen.push(ctx.request.native);
      return json(200, { path: ctx.request.path, body: await ctx.request.json() });
    },
  };

  const feature = defineFeature({
    name: 'echo',
    description: 'x',
    options: {},
    create: () => ({ endpoints: [echo] }),
  });

  let own: World;
  const post = async (
    path: string,
    body: string,
    type = 'application/json',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => {
    own = await makeWorld({ features: [feature()] });
    const request = new Request(`${ISSUER}/o/${path}`, {
      method: 'POST',
      headers: { 'content-type': type, ...headers },
      body,
    });
    return await read(await own.provider.fetch(request, { native: 'the native request' }));
  };

  it('gets parameters of its path, a JSON body, and the request of the host’s framework', async () => {
    for (const path of ['echo/ann/of/a%20b', 'echo/ann/of/a%20b/']) {
      const { status, body } = await post(path, '{"a":[1]}');
      expect([status, body]).toEqual([
        200,
        { path: { who: 'ann', what: 'a b' }, body: { a: [1] } },
      ]);
    }
    expect(seen).toEqual(['the native request', 'the native request']);
  });
  it.each([
    'echo/ann/of',
    'echo/ann/of/',
    'echo//of/b',
    'echo/a/of/b/c',
    'echo/a/to/b',
    'echo/%zz/of/b',
    'echo/a%00/of/b',
  ])('[RFC9110 §15.5.5] is not found at /o/%s', async (path) => {
    const headers = { accept: 'application/json' };
    const answer = await post(path, '{}', 'application/json', headers);
    expectRefusal(own, answer, {
      status: 404,
      error: 'invalid_request',
      reason: 'path_unknown',
    });
  });
  it.each<[type: string, body: string, status: number, reason: string]>([
    ['text/plain', '{}', 415, 'content_type_json'],
    ['application/x-www-form-urlencoded', 'a=b', 415, 'content_type_json'],
    ['application/json; charset=latin1', '{}', 415, 'content_type_json'],
    ['application/json', '{', 400, 'json_malformed'],
    ['application/json', '{"a":"\\u0000"}', 400, 'json_malformed'],
    ['application/json', '{"a":{"__proto__":{}}}', 400, 'json_malformed'],
    ['application/json', '[]', 400, 'json_object'],
    ['application/json', 'null', 400, 'json_object'],
    ['application/json', `${'{"a":'.repeat(30)}1${'}'.repeat(30)}`, 400, 'json_object'],
    ['application/json', JSON.stringify({ a: 'x'.repeat(70_000) }), 413, 'request_too_large'],
  ])('IN-05 refuses the %s body %s', async (type, body, status, reason) => {
    const answer = await post('echo/a/of/b', body, type);
    expectRefusal(own, answer, { status, error: 'invalid_request', reason });
  });
});
