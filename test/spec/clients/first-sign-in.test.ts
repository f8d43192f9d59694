/**
 * What clients with the defaults of their libraries need for their first sign-in, each named by
 * what people saw. Which client sends what: the table in `docs/guides/clients.md`.
 */
import type { ClientMetadata } from 'valetkey';
import { memoryAccounts } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal, expectRefusedRedirect } from '../refusals.ts';
import {
  ALICE,
  type Answer,
  allow,
  authorizeUrl,
  basic,
  browserOf,
  claimsOf,
  codeOf,
  logIn,
  makeWorld,
  pageOf,
  pkce,
  post,
  type World,
} from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

const CALLBACK = 'https://app.example/cb';

/** A client, and what it sends to the token endpoint with a code. */
interface Made {
  readonly clientId: string;
  readonly secret: string;
}

const make = async (metadata: Partial<ClientMetadata> = {}): Promise<Made> => {
  const { client, clientSecret } = await world.provider.clients.create({
    name: 'App',
    redirectUris: [CALLBACK],
    ...metadata,
  });
  return { clientId: client.clientId, secret: clientSecret ?? '' };
};

type Changes = Readonly<Record<string, string>>;

const request = ({ clientId }: Made, changes: Changes = {}): string =>
  authorizeUrl(
    world,
    new URLSearchParams({
      client_id: clientId,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: 'openid profile',
      ...changes,
    }),
  );

const signIn = async (client: Made, changes: Changes = {}): Promise<string> => {
  const browser = browserOf(world);
  let visit = await logIn(browser, await browser.open(request(client, changes)));
  if (visit.leaves === null) visit = await allow(browser, visit);
  const code = codeOf(visit);
  if (code === null) throw new Error(visit.leaves?.href ?? visit.html);
  return code;
};

const inHeader = ({ clientId, secret }: Made): [Changes, Changes] => [
  {},
  { authorization: basic(clientId, secret) },
];
const inBody = ({ clientId, secret }: Made): [Changes, Changes] => [
  { client_id: clientId, client_secret: secret },
  {},
];

const redeem = async (
  code: string,
  [body, headers]: [Changes, Changes],
  more: Changes = {},
): Promise<Answer> =>
  await post(
    world,
    'token',
    { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...body, ...more },
    headers,
  );

describe('a library that sends no code_challenge', () => {
  it('PK-01 signs in when it sends the nonce of OpenID Connect', async () => {
    const client = await make();
    const code = await signIn(client, { nonce: 'n' });
    expect((await redeem(code, inHeader(client))).status).toBe(200);
  });
  it('[RFC9700 §2.1.1] PK-01 and a verifier without a challenge is refused all the same', async () => {
    const client = await make();
    const code = await signIn(client, { nonce: 'n' });
    expectRefusal(world, await redeem(code, inHeader(client), { code_verifier: pkce().verifier }), {
      status: 400,
      error: 'invalid_grant',
      reason: 'code_verifier_unexpected',
    });
  });
  it('PK-01 and a challenge that was sent beside a nonce is enforced', async () => {
    const client = await make();
    const code = await signIn(client, {
      nonce: 'n',
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
    });
    expectRefusal(world, await redeem(code, inHeader(client)), {
      status: 400,
      error: 'invalid_grant',
      reason: 'code_verifier_missing',
    });
  });
  it.each<[string, Partial<ClientMetadata>, Changes]>([
    ['no nonce', {}, {}],
    ['an empty nonce', {}, { nonce: '' }],
    ['a nonce without openid', {}, { nonce: 'n', scope: 'read' }],
    ['a nonce, as a public client', { clientType: 'public' }, { nonce: 'n' }],
    ['a nonce, where PKCE is required', { fields: { require_pkce: true } }, { nonce: 'n' }],
  ])('PK-01 is refused with %s', async (_what, metadata, changes) => {
    const client = await make(metadata);
    const visit = await browserOf(world).open(request(client, changes));
    expectRefusedRedirect(world, visit, {
      error: 'invalid_request',
      reason: 'code_challenge_missing',
    });
  });
  it('PK-01 is refused where PKCE is required of this client, also with allowMissingPkce', async () => {
    world = await makeWorld({ allowMissingPkce: true });
    const client = await make({ fields: { require_pkce: true } });
    const visit = await browserOf(world).open(request(client, { nonce: 'n' }));
    expectRefusedRedirect(world, visit, {
      error: 'invalid_request',
      reason: 'code_challenge_missing',
    });
  });
  it('PK-01 signs in without a nonce once the operator registered it so (passport, goth)', async () => {
    const client = await make({ fields: { require_pkce: false } });
    expect((await redeem(await signIn(client), inHeader(client))).status).toBe(200);
    const asPublic = await make({ clientType: 'public', fields: { require_pkce: false } });
    expectRefusedRedirect(world, await browserOf(world).open(request(asPublic)), {
      error: 'invalid_request',
      reason: 'code_challenge_missing',
    });
  });
  it('[OIDC Core §3.1.2.6] PK-01 hears login_required when it asks silently and nobody is signed in', async () => {
    const client = await make();
    expectRefusedRedirect(world, await browserOf(world).open(request(client, { prompt: 'none' })), {
      error: 'login_required',
      reason: 'login_required',
    });
    const browser = browserOf(world);
    const other = request(client, { nonce: 'n' });
    await allow(browser, await logIn(browser, await browser.open(other)));
    expectRefusedRedirect(world, await browser.open(request(client, { prompt: 'none' })), {
      error: 'invalid_request',
      reason: 'code_challenge_missing',
    });
  });
});

describe('where a library puts the secret', () => {
  it('[RFC6749 §2.3.1] CL-02 does not matter for a client made without naming a method: header or body', async () => {
    const client = await make();
    for (const how of [inHeader(client), inBody(client)])
      expect((await redeem(await signIn(client, { nonce: 'n' }), how)).status).toBe(200);
    expect((await world.provider.clients.find(client.clientId))?.tokenEndpointAuthMethod).toBe(
      'client_secret',
    );
  });
  it.each([
    ['client_secret_basic', inBody],
    ['client_secret_post', inHeader],
  ] as const)('[RFC7591 §2] CL-02 is held to %s where that was named', async (method, how) => {
    const client = await make({ tokenEndpointAuthMethod: method });
    expectRefusal(world, await redeem(await signIn(client, { nonce: 'n' }), how(client)), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_authentication_method',
    });
  });
  it.each([inHeader, inBody])(
    '[RFC6749 §2.3] CL-02 a wrong secret, or both places, is refused (%#)',
    async (how) => {
      const client = await make();
      const code = await signIn(client, { nonce: 'n' });
      expectRefusal(world, await redeem(code, how({ ...client, secret: 'wrong' })), {
        status: 401,
        error: 'invalid_client',
        reason: 'client_secret_wrong',
      });
      const [body] = inBody(client);
      const [, headers] = inHeader(client);
      expectRefusal(world, await redeem(code, [body, headers]), {
        status: 400,
        error: 'invalid_request',
        reason: 'several_client_authentication_methods',
      });
    },
  );
  it('[RFC6749 §2.3.1] a chosen secret with % and + works, form-encoded or as it is', async () => {
    const secret = 'a%zz+b c/d?ef:0123456789-0123456789';
    const { client } = await world.provider.clients.create(
      { name: 'App', redirectUris: [CALLBACK], grantTypes: ['client_credentials'] },
      { clientSecret: secret },
    );
    const raw = `Basic ${Buffer.from(`${client.clientId}:${secret}`).toString('base64')}`;
    for (const authorization of [basic(client.clientId, secret), raw])
      expect(
        (await post(world, 'token', { grant_type: 'client_credentials' }, { authorization }))
          .status,
      ).toBe(200);
  });
});

describe('a public client that sends Basic with its id and an empty secret', () => {
  const asPublic: Partial<ClientMetadata> = { clientType: 'public' };
  const proof = pkce();
  const challenge = { code_challenge: proof.challenge, code_challenge_method: 'S256' };

  it('[RFC6749 §2.3.1] CL-04 is a public client (oidc-agent, x/oauth2)', async () => {
    const client = await make(asPublic);
    const code = await signIn(client, challenge);
    const answer = await redeem(code, inHeader(client), { code_verifier: proof.verifier });
    expect(answer.status).toBe(200);
  });
  it('CL-04 names the same client in header and body', async () => {
    const [client, other] = [await make(asPublic), await make(asPublic)];
    const code = await signIn(client, challenge);
    const [, headers] = inHeader(other);
    expectRefusal(
      world,
      await redeem(code, [{ client_id: client.clientId }, headers], {
        code_verifier: proof.verifier,
      }),
      { status: 401, error: 'invalid_client', reason: 'client_credentials_missing' },
    );
  });
});

describe('two names in one request', () => {
  it('CL-03 an empty Basic secret of another client beside a right secret is refused', async () => {
    const [client, other] = [await make(), await make()];
    const code = await signIn(client, { nonce: 'n' });
    const [body] = inBody(client);
    const headers = { authorization: basic(other.clientId, '') };
    expectRefusal(world, await redeem(code, [body, headers]), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_credentials_missing',
    });
  });
});

describe('a login that works, and nobody has a name', () => {
  const idTokenOf = async (metadata: Partial<ClientMetadata>): Promise<Record<string, unknown>> => {
    const client = await make(metadata);
    const answer = await redeem(
      await signIn(client, { nonce: 'n', scope: 'openid profile email offline_access' }),
      inHeader(client),
    );
    const refreshed = await post(
      world,
      'token',
      { grant_type: 'refresh_token', refresh_token: String(answer.body['refresh_token']) },
      inHeader(client)[1],
    );
    const [first, later] = [answer, refreshed].map(({ body }) => claimsOf(body['id_token']));
    expect([later?.['name'], later?.['email']]).toEqual([first?.['name'], first?.['email']]);
    return first ?? {};
  };
  it('[OIDC Core §5.4] has one with idTokenClaims, for clients that read the ID token alone', async () => {
    const claims = await idTokenOf({ idTokenClaims: true });
    expect([claims['name'], claims['email'], claims['sub'], claims['birthdate']]).toEqual([
      ALICE.claims.name,
      ALICE.claims.email,
      ALICE.sub,
      undefined,
    ]);
  });
  it('[OIDC Core §5.4] has none without it: the claims of scopes are for the userinfo endpoint', async () => {
    expect(await idTokenOf({})).not.toHaveProperty('name');
  });
  it('and no claim of an account takes the place of what the protocol says', async () => {
    world = await makeWorld({
      scopes: { more: { description: 'More', claims: ['acr', 'at_hash', 'nonce', 'level'] } },
      accounts: memoryAccounts([
        { ...ALICE, claims: { acr: 'high', at_hash: 'x', nonce: 'x', level: 5 } },
      ]),
    });
    const client = await make({ idTokenClaims: true });
    const scope = 'openid more';
    const { body } = await redeem(await signIn(client, { nonce: 'n', scope }), inHeader(client));
    const claims = claimsOf(body['id_token']);
    expect([claims['level'], claims['acr'], claims['nonce']]).toEqual([5, undefined, 'n']);
    expect(claims['at_hash']).not.toBe('x');
  });
});

describe('http://localhost and private schemes', () => {
  const native: Partial<ClientMetadata> = { applicationType: 'native', clientType: 'public' };

  it('[RFC8252 §8.3] NB-03 is for native applications, at any port', async () => {
    const { clientId } = await make({ ...native, redirectUris: ['http://localhost/cb'] });
    const visit = await browserOf(world).open(
      request(
        { clientId, secret: '' },
        {
          redirect_uri: 'http://localhost:53127/cb',
          code_challenge: pkce().challenge,
          code_challenge_method: 'S256',
        },
      ),
    );
    expect(pageOf(visit)).toBe('login');
  });
  it('NB-03 is refused for a web application unless it is allowed', async () => {
    const redirectUris = ['http://localhost:5000/cb'];
    await expect(make({ redirectUris })).rejects.toThrow(/--allow-localhost/);
    await make({ redirectUris, allowLocalhost: true });
    world = await makeWorld({ issuer: 'http://localhost:3000' });
    await make({ redirectUris });
  });
  it('[RFC8252 §7.1] NB-04 a private scheme without a dot is refused unless the operator names it', async () => {
    const redirectUris = ['cursor://anysphere.cursor-retrieval/oauth/callback'];
    await expect(make({ ...native, redirectUris })).rejects.toThrow(/allowPrivateSchemes/);
    world = await makeWorld({ allowPrivateSchemes: ['cursor'] });
    await make({ ...native, redirectUris });
    await expect(make({ redirectUris, applicationType: 'native' })).rejects.toThrow(/private-use/);
    await expect(make({ redirectUris, clientType: 'public' })).rejects.toThrow(/native/);
  });
  it.each(['javascript', 'data', 'file', 'http', 'https', 'Cursor', 'cursor:'])(
    'NB-04 and %s cannot be named',
    async (scheme) => {
      await expect(makeWorld({ allowPrivateSchemes: [scheme] })).rejects.toThrow(
        /allowPrivateSchemes/,
      );
    },
  );
  it('[RFC8252 §8.6] NB-04 asks every time, also for an application of the operator', async () => {
    world = await makeWorld({ allowPrivateSchemes: ['cursor'] });
    const redirectUri = 'cursor://callback';
    const client = await make({ ...native, redirectUris: [redirectUri], skipConsent: true });
    const proof = pkce();
    const url = request(client, {
      redirect_uri: redirectUri,
      code_challenge: proof.challenge,
      code_challenge_method: 'S256',
    });
    const browser = browserOf(world);
    for (let round = 0; round < 2; round += 1) {
      let visit = await browser.open(url);
      if (pageOf(visit) === 'login') visit = await logIn(browser, visit);
      expect(pageOf(visit)).toBe('consent');
      expect((await allow(browser, visit)).leaves?.href).toMatch(/^cursor:\/\/callback\?code=/);
    }
  });
});

describe('a request that names no scope', () => {
  const ask = async (client: Made): Promise<Answer> =>
    await post(world, 'token', { grant_type: 'client_credentials' }, inHeader(client)[1]);

  it('[RFC6749 §3.3] gets the default scopes of the application, else those of the server', async () => {
    world = await makeWorld({ defaultScopes: ['read'] });
    const grantTypes = ['client_credentials'];
    const redirectUris: readonly string[] = [];
    const plain = await make({ grantTypes, redirectUris });
    const own = await make({ grantTypes, redirectUris, defaultScopes: ['write'] });
    const none = await make({ grantTypes, redirectUris, defaultScopes: [] });
    expect((await ask(plain)).body['scope']).toBe('read');
    expect((await ask(own)).body['scope']).toBe('write');
    const { body } = await ask(none);
    expect(body).not.toHaveProperty('scope');
    const seen = await post(
      world,
      'introspect',
      { token: String(body['access_token']) },
      inHeader(none)[1],
    );
    expect([seen.body['active'], 'scope' in seen.body]).toEqual([true, false]);
  });
  it('cannot get more than the application may have', async () => {
    await expect(make({ scopes: ['read'], defaultScopes: ['write'] })).rejects.toThrow(
      /defaultScopes write/,
    );
  });
});
