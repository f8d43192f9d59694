/** The authorization code at the token endpoint. Rows TK and PK; rule × client kind. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type Answer,
  basic,
  getCode,
  isActive,
  makeWorld,
  type Pkce,
  pkce,
  post,
  REDIRECT_URI,
  read,
  redeem,
  type Tokens,
  type World,
} from './setup.ts';

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
const without = (fields: Record<string, string>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
const refused = (answer: Answer): unknown => [
  answer.status,
  answer.body['error'],
  answer.headers.get('cache-control'),
];

describe('the request', () => {
  it('[RFC6749 §3.2] TK-08 GET is 405', async () => {
    const answer = await read(await world.provider.fetch(new Request(world.provider.url('token'))));
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });
  it('[RFC6749 §3.2] TK-08 nothing stands in the query', async () => {
    const request = new Request(`${world.provider.url('token')}?client_secret=x`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials',
    });
    expect(refused(await read(await world.provider.fetch(request)))).toEqual([
      400,
      'invalid_request',
      'no-store',
    ]);
    expect(world.reasons.at(-1)).toBe('query_not_allowed');
  });
  it.each([
    'application/json',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/x-www-form-urlencoded; charset=utf-16',
    'application/x-www-form-urlencoded, application/json',
  ])('[RFC6749 §4.1.3] TK-08 content type %s is 415', async (type) => {
    const answer = await post(world, 'token', '{"grant_type":"client_credentials"}', {
      'content-type': type,
    });
    expect(refused(answer)).toEqual([415, 'invalid_request', 'no-store']);
    expect(world.reasons.at(-1)).toBe('content_type');
  });
  it('[RFC6749 §4.1.3] a charset of utf-8 is fine', async () => {
    const answer = await post(world, 'token', good(await getCode(world, proof)), {
      authorization: basic(world.web.clientId, world.webSecret),
      'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
    });
    expect(answer.status).toBe(200);
  });
  it.each(['code', 'grant_type', 'redirect_uri', 'code_verifier'])(
    '[RFC6749 §3.2] TK-10 a repeated %s is refused and uses nothing up',
    async (name) => {
      const code = await getCode(world, proof);
      const body = `${new URLSearchParams(good(code))}&${name}=x`;
      const answer = await post(world, 'token', body);
      expect(refused(answer)).toEqual([400, 'invalid_request', 'no-store']);
      expect((await redeem(world, code, proof.verifier)).status).toBe(200);
    },
  );
  it.each([
    ['password', 'unsupported_grant_type'],
    ['urn:example:nothing', 'unsupported_grant_type'],
    ['__proto__', 'unsupported_grant_type'],
    ['', 'invalid_request'],
  ])('[RFC6749 §5.2] TK-11 grant_type "%s" is %s', async (type, error) => {
    expect(refused(await post(world, 'token', { grant_type: type }))).toEqual([
      400,
      error,
      'no-store',
    ]);
  });
  it('[RFC6749 §5.2] TK-11 a grant the client is not registered for', async () => {
    const headers = {};
    const answer = await post(
      world,
      'token',
      {
        grant_type: 'client_credentials',
        client_id: world.other.clientId,
        client_secret: world.otherSecret,
      },
      headers,
    );
    expect(refused(answer)).toEqual([400, 'unauthorized_client', 'no-store']);
    expect(world.reasons.at(-1)).toBe('grant_type_not_allowed');
  });
  it('[RFC9110 §15.5.14] IN-01 a body too large is 413', async () => {
    expect((await post(world, 'token', `grant_type=x&a=${'a'.repeat(70_000)}`)).status).toBe(413);
    expect(world.reasons.at(-1)).toBe('request_too_large');
  });
  it('IN-01 a body too large without a declared length is 413', async () => {
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('a'.repeat(10_000)));
      },
    });
    const request = new Request(world.provider.url('token'), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: stream,
      duplex: 'half',
    } as RequestInit);
    expect((await world.provider.fetch(request)).status).toBe(413);
  });
  it.each(['__proto__=x', 'constructor[prototype][a]=b', 'toString=', 'hasOwnProperty=1'])(
    'IN-02 parameter names are data: %s',
    async (extra) => {
      const answer = await post(
        world,
        'token',
        `${new URLSearchParams(good(await getCode(world, proof)))}&${extra}`,
      );
      expect(answer.status).toBe(200);
      expect(({} as Record<string, unknown>)['a']).toBeUndefined();
    },
  );
});

describe('the response', () => {
  it('[RFC6749 §5.1] [OIDC Core §3.1.3.3] TK-09 tokens, never cached', async () => {
    const answer = await redeem(world, await getCode(world, proof), proof.verifier);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'openid profile email',
    });
    expect(Object.keys(answer.body).sort()).toEqual([
      'access_token',
      'expires_in',
      'id_token',
      'refresh_token',
      'scope',
      'token_type',
    ]);
  });
  it('[OIDC Core §3.1.2.1] without openid there is no ID token', async () => {
    const code = await getCode(world, proof, { scope: 'read' });
    expect((await redeem(world, code, proof.verifier)).body).not.toHaveProperty('id_token');
  });
  it('[RFC6749 §6] a client without the refresh grant gets no refresh token', async () => {
    await world.provider.clients.update(world.web.clientId, { grantTypes: ['authorization_code'] });
    expect(
      (await redeem(world, await getCode(world, proof), proof.verifier)).body,
    ).not.toHaveProperty('refresh_token');
  });
});

describe('single use', () => {
  it.each([1, 31, 90])(
    '[RFC6749 §4.1.2] TK-01 the same request again after %i s ends what the first one got',
    async (seconds) => {
      const code = await getCode(world, proof);
      const first = (await redeem(world, code, proof.verifier)).body as unknown as Tokens;
      expect(await isActive(world, first.access_token)).toBe(true);
      world.now += seconds;
      const second = await redeem(world, code, proof.verifier);
      expect(refused(second)).toEqual([400, 'invalid_grant', 'no-store']);
      expect(world.events.filter(({ reason }) => reason === 'code_replayed')).toHaveLength(1);
      expect(await isActive(world, first.access_token)).toBe(false);
      expect(
        (
          await post(world, 'token', {
            grant_type: 'refresh_token',
            refresh_token: first.refresh_token,
          })
        ).body['error'],
      ).toBe('invalid_grant');
    },
  );
  it('[RFC6749 §4.1.2] TK-02 of 100 parallel requests one gets tokens', async () => {
    const code = await getCode(world, proof);
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => await redeem(world, code, proof.verifier)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(
      new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => body['error'])),
    ).toEqual(new Set(['invalid_grant']));
  });
  const wrong: [string, (code: string) => Promise<Answer>][] = [
    [
      'another client',
      async (code) =>
        await post(
          world,
          'token',
          { ...good(code), client_id: world.other.clientId, client_secret: world.otherSecret },
          {},
        ),
    ],
    [
      'a wrong verifier',
      async (code) => await post(world, 'token', good(code, { code_verifier: pkce().verifier })),
    ],
    [
      'a wrong redirect_uri',
      async (code) =>
        await post(world, 'token', good(code, { redirect_uri: 'https://rp.example/other' })),
    ],
  ];
  it.each(wrong)(
    '[RFC6749 §4.1.3] TK-03 a used code with %s ends nothing',
    async (_name, attempt) => {
      const code = await getCode(world, proof);
      const first = (await redeem(world, code, proof.verifier)).body as unknown as Tokens;
      expect((await attempt(code)).body['error']).toBe('invalid_grant');
      expect(await isActive(world, first.access_token)).toBe(true);
    },
  );
});

describe('what the code is bound to', () => {
  const failures: [string, string, (fields: Record<string, string>) => Record<string, string>][] = [
    [
      'TK-05 another registered redirect_uri',
      'code_redirect_uri',
      (fields) => ({ ...fields, redirect_uri: 'https://rp.example/other' }),
    ],
    ['TK-05 no redirect_uri', 'code_redirect_uri', (fields) => without(fields, 'redirect_uri')],
    ['PK-04 no verifier', 'code_verifier_missing', (fields) => without(fields, 'code_verifier')],
    [
      'PK-06 an empty verifier',
      'code_verifier_missing',
      (fields) => ({ ...fields, code_verifier: '' }),
    ],
    [
      'PK-07 a short verifier',
      'code_verifier_malformed',
      (fields) => ({ ...fields, code_verifier: 'abc' }),
    ],
    [
      'PK-07 42 characters',
      'code_verifier_malformed',
      (fields) => ({ ...fields, code_verifier: 'a'.repeat(42) }),
    ],
    [
      'PK-07 129 characters',
      'code_verifier_malformed',
      (fields) => ({ ...fields, code_verifier: 'a'.repeat(129) }),
    ],
    [
      'PK-07 foreign characters',
      'code_verifier_malformed',
      (fields) => ({ ...fields, code_verifier: `${'a'.repeat(42)}+` }),
    ],
    [
      'PK-08 a wrong verifier',
      'code_verifier_wrong',
      (fields) => ({ ...fields, code_verifier: 'a'.repeat(43) }),
    ],
    [
      'PK-07 an array',
      'code_verifier_missing',
      (fields) => ({
        ...without(fields, 'code_verifier'),
        'code_verifier[]': fields['code_verifier'] ?? '',
      }),
    ],
  ];
  it.each(failures)(
    '[RFC6749 §4.1.3] [RFC7636 §4.6] [RFC7636 §4.1] TK-15 %s is refused and uses nothing up',
    async (_name, reason, change) => {
      const code = await getCode(world, proof);
      const answer = await post(world, 'token', change(good(code)));
      expect(refused(answer)).toEqual([400, 'invalid_grant', 'no-store']);
      expect(world.reasons.at(-1)).toBe(reason);
      expect((await redeem(world, code, proof.verifier)).status).toBe(200);
    },
  );

  it('[RFC7636 §4.6] PK-08 five wrong verifiers leave the code usable', async () => {
    const code = await getCode(world, proof);
    for (let guess = 0; guess < 5; guess += 1)
      await post(world, 'token', good(code, { code_verifier: pkce().verifier }));
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
  });
  it('[RFC7636 §4.6] PK-08 the sixth burns it', async () => {
    const code = await getCode(world, proof);
    for (let guess = 0; guess < 6; guess += 1)
      await post(world, 'token', good(code, { code_verifier: pkce().verifier }));
    expect((await redeem(world, code, proof.verifier)).body['error']).toBe('invalid_grant');
    expect(world.reasons.at(-1)).toBe('code_burned');
  });
  it('[RFC9700 §2.1.1] PK-05 a verifier for a request without challenge is a downgrade ', async () => {
    world = await makeWorld({ allowMissingPkce: true });
    const code = await getCode(world, proof, { code_challenge: null, code_challenge_method: null });
    expect((await post(world, 'token', good(code))).body['error']).toBe('invalid_grant');
    expect(world.reasons.at(-1)).toBe('code_verifier_unexpected');
    expect((await post(world, 'token', without(good(code), 'code_verifier'))).status).toBe(200);
  });
  it('[RFC6749 §4.1.3] TK-04 another client cannot redeem it, and does not use it up', async () => {
    const code = await getCode(world, proof);
    const answer = await post(
      world,
      'token',
      { ...good(code), client_id: world.other.clientId, client_secret: world.otherSecret },
      {},
    );
    expect(answer.body['error']).toBe('invalid_grant');
    expect(world.events.some(({ reason }) => reason === 'code_foreign')).toBe(true);
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
  });
  it('[RFC6749 §4.1.3] redirect_uri left out of a request with one registered URI may be left out again', async () => {
    const { client, clientSecret } = await world.provider.clients.create({
      name: 'Plain',
      redirectUris: ['https://plain.example/cb'],
    });
    for (const redirectUri of [null, 'https://plain.example/cb', 'https://evil.example']) {
      const code = await getCode(world, proof, {
        client_id: client.clientId,
        redirect_uri: null,
        scope: 'read',
      });
      const fields =
        redirectUri === null
          ? without(good(code), 'redirect_uri')
          : good(code, { redirect_uri: redirectUri });
      const answer = await post(world, 'token', fields, {
        authorization: basic(client.clientId, clientSecret ?? ''),
      });
      expect(answer.status).toBe(redirectUri === 'https://evil.example' ? 400 : 200);
    }
  });
  it.each([
    [60, 200],
    [61, 400],
    [600, 400],
  ])('[RFC6749 §4.1.2] TK-06 after %i s: %i', async (seconds, status) => {
    const code = await getCode(world, proof);
    world.now += seconds - (seconds === 60 ? 1 : 0);
    expect((await redeem(world, code, proof.verifier)).status).toBe(status);
    if (status === 400) expect(world.reasons.at(-1)).toBe('code_expired');
  });
  it('TK-13 an account disabled in between', async () => {
    const code = await getCode(world, proof);
    world.accounts.setEnabled('alice-sub', false);
    expect((await redeem(world, code, proof.verifier)).body['error']).toBe('invalid_grant');
    expect(world.reasons.at(-1)).toBe('account_disabled');
  });
  it('TK-13 a client disabled in between', async () => {
    const code = await getCode(world, proof);
    await world.provider.clients.update(world.web.clientId, { disabled: true });
    expect((await redeem(world, code, proof.verifier)).body['error']).toBe('invalid_client');
  });
  it('an authorization withdrawn in between', async () => {
    const code = await getCode(world, proof);
    await world.provider.subjects.withdraw('alice-sub', world.web.clientId);
    expect((await redeem(world, code, proof.verifier)).body['error']).toBe('invalid_grant');
    expect(world.reasons.at(-1)).toBe('authorization_withdrawn');
  });
  it('TK-16 TK-17 nothing but the whole code is a code', async () => {
    const code = await getCode(world, proof);
    const tokens = (await redeem(world, await getCode(world, proof), proof.verifier))
      .body as unknown as Tokens;
    const damaged = [
      code.slice(0, -1),
      `${code}A`,
      code.replace('vkac_', 'vkat_'),
      code.toUpperCase(),
      ` ${code}`,
      tokens.access_token,
      tokens.refresh_token,
      'x',
      '\u0000',
    ];
    for (const text of damaged)
      expect((await post(world, 'token', good(text))).body['error'], text).toMatch(
        /^invalid_(grant|request)$/,
      );
    await post(world, 'token', good('x'));
    expect(world.reasons.at(-1)).toBe('code_unknown');
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
  });
});

describe('public clients', () => {
  const asSpa = async (code: string, changes: Record<string, string> = {}): Promise<Answer> =>
    await post(
      world,
      'token',
      {
        ...good(code, { redirect_uri: 'https://spa.example/cb', client_id: world.spa.clientId }),
        ...changes,
      },
      {},
    );
  const spaCode = async (): Promise<string> =>
    await getCode(world, proof, {
      client_id: world.spa.clientId,
      redirect_uri: 'https://spa.example/cb',
    });

  it('[RFC7636 §4.6] PK-01 redeem with the verifier alone', async () => {
    expect((await asSpa(await spaCode())).status).toBe(200);
  });
  it('[RFC7591 §2] CL-05 a secret proves nothing for a public client', async () => {
    const code = await spaCode();
    expect((await asSpa(code, { client_secret: 'random', code_verifier: '' })).body['error']).toBe(
      'invalid_client',
    );
    expect((await asSpa(code, { code_verifier: '' })).body['error']).toBe('invalid_grant');
  });
});
