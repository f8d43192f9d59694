/**
 * openid-client and oauth4webapi drive every grant, by each way to prove a client, with bearer
 * tokens and with tokens that are bound to a key. Both hold each answer to their own checks, and an
 * API holds the tokens to those of RFC 9068.
 */
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Application,
  BEARER,
  EXCHANGE,
  type Library,
  type Method,
  register,
  type Tokens,
} from './application.ts';
import { oauth4webapi } from './oauth4webapi.ts';
import { openidClient } from './openid-client.ts';
import { ALICE, type GrantsProvider, openGrants, PRINTER } from './provider.ts';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const FOR_PRINTER = { scope: 'openid read', resource: PRINTER };

interface Row {
  readonly rule: string;
  /** What the answer holds besides an access token. */
  readonly beside: readonly string[];
  /** Whether it is about the client itself. */
  readonly isOfClient?: boolean;
  run(application: Application, op: GrantsProvider): Promise<Tokens>;
}

const GRANTS: readonly Row[] = [
  {
    rule: '[RFC6749 §4.1.3] [RFC7636 §4.5] authorization code with PKCE',
    beside: ['id_token', 'refresh_token'],
    run: async (application) => await application.signIn(FOR_PRINTER),
  },
  {
    rule: '[RFC6749 §6] refresh token',
    beside: ['id_token', 'refresh_token'],
    async run(application) {
      const { refresh_token } = await application.signIn(FOR_PRINTER);
      return await application.refresh(String(refresh_token), { resource: PRINTER });
    },
  },
  {
    rule: '[RFC6749 §4.4.2] client credentials',
    beside: [],
    isOfClient: true,
    run: async (application) =>
      await application.clientCredentials({ scope: 'read', resource: PRINTER }),
  },
  {
    rule: '[RFC8628 §3.4] device code',
    beside: ['id_token', 'refresh_token'],
    run: async (application) => await application.device(FOR_PRINTER),
  },
  {
    rule: '[RFC8693 §2.1] token exchange',
    beside: ['issued_token_type'],
    async run(application) {
      const { access_token } = await application.signIn({ scope: 'openid read' });
      return await application.generic(EXCHANGE, {
        subject_token: access_token,
        subject_token_type: ACCESS_TOKEN,
        resource: PRINTER,
      });
    },
  },
  {
    rule: '[RFC7523 §2.1] JWT bearer',
    beside: [],
    run: async (application, op) =>
      await application.generic(BEARER, {
        assertion: await op.assertion(),
        scope: 'read',
        resource: PRINTER,
      }),
  },
  {
    rule: '[RFC6749 §4.3.2] password',
    beside: ['id_token', 'refresh_token'],
    run: async (application) =>
      await application.generic('password', {
        username: ALICE.username,
        password: ALICE.password,
        ...FOR_PRINTER,
      }),
  },
];

const LIBRARIES: readonly Library[] = [openidClient, oauth4webapi];
const PROOFS: readonly { readonly method: Method; readonly isDpop: boolean }[] = [
  { method: 'client_secret_basic', isDpop: false },
  { method: 'client_secret_post', isDpop: false },
  { method: 'private_key_jwt', isDpop: false },
  { method: 'client_secret_basic', isDpop: true },
  { method: 'client_secret_post', isDpop: true },
  { method: 'private_key_jwt', isDpop: true },
];

let op: GrantsProvider;
beforeAll(async () => {
  op = await openGrants();
});
afterAll(async () => await op.close());

describe.each(LIBRARIES)('$name', (library) => {
  describe.each(PROOFS)('$method, DPoP: $isDpop', ({ method, isDpop }) => {
    let application: Application;
    beforeAll(async () => {
      application = await register(op, library, { method, isDpop });
    });

    it.each(GRANTS)(
      '$rule, to a JWT access token that an API verifies [RFC9068 §4]',
      async ({ run, beside, isOfClient = false }) => {
        const tokens = await run(application, op);
        expect(tokens.token_type).toBe(isDpop ? 'dpop' : 'bearer');
        for (const member of ['id_token', 'refresh_token', 'issued_token_type'])
          expect([member, member in tokens]).toEqual([member, beside.includes(member)]);

        const answer = await application.call(op.api, tokens.access_token);
        const claims = (await answer.json()) as Record<string, unknown>;
        expect(claims).toMatchObject({
          iss: op.issuer,
          aud: PRINTER,
          scope: 'read',
          client_id: application.clientId,
          sub: isOfClient ? application.clientId : ALICE.sub,
        });
        expect(Object.keys((claims['cnf'] ?? {}) as object)).toEqual(isDpop ? ['jkt'] : []);
        const keys = createRemoteJWKSet(new URL(`${op.issuer}/.well-known/jwks.json`));
        const by = { issuer: op.issuer, audience: PRINTER, typ: 'at+jwt' };
        expect((await jwtVerify(tokens.access_token, keys, by)).payload).toEqual(claims);

        // RFC 7662 §2.2: what is introspected is what the token says of itself.
        const told = await application.introspect(tokens.access_token);
        const { jti: _jti, ...said } = claims;
        expect(told).toMatchObject({ active: true, ...said });
        expect(told['token_type']).toBe(isDpop ? 'DPoP' : 'Bearer');
        await application.revoke(tokens.access_token);
        expect(await application.introspect(tokens.access_token)).toEqual({ active: false });
      },
    );

    it('[OIDC Core §5.3] userinfo takes an access token that is for this provider', async () => {
      const { access_token } = await application.signIn({ scope: 'openid profile email' });
      expect(await application.userinfo(access_token, ALICE.sub)).toEqual({
        sub: ALICE.sub,
        ...ALICE.claims,
      });
    });
  });
});
