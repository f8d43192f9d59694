/**
 * What openid-client and oauth4webapi do around the grants: how requests are sent and answered,
 * details and APIs that they ask for, introspection as JSON and as JWT, and the ends of tokens.
 */
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BEARER, EXCHANGE, type Library, register, type Tokens, type Ways } from './application.ts';
import { oauth4webapi } from './oauth4webapi.ts';
import { openidClient } from './openid-client.ts';
import { ALICE, ARCHIVE, type GrantsProvider, openGrants, PRINTER } from './provider.ts';

const LIBRARIES: readonly Library[] = [openidClient, oauth4webapi];
const PAY = { type: 'payment', amount: 12 };
const LESS = { type: 'payment', amount: 5 };
const asked = (...details: readonly object[]): string => JSON.stringify(details);

let op: GrantsProvider;
beforeAll(async () => {
  op = await openGrants();
});
afterAll(async () => await op.close());

describe.each(LIBRARIES)('$name', (library) => {
  describe('authorization requests and their answers', () => {
    const ROWS: readonly [rule: string, ways: Ways & { readonly jarm?: boolean }][] = [
      ['[RFC9126 §2.1] pushed', { par: true }],
      ['[RFC9101 §5.1] signed', { jar: true }],
      ['[RFC9126 §3] signed and pushed', { par: true, jar: true }],
      ['[JARM §2.4] answered by a JWT', { jarm: true }],
      [
        '[RFC9101 §5.1] [RFC9126 §3] [JARM §2.4] signed, pushed and answered by a JWT',
        { par: true, jar: true, jarm: true },
      ],
    ];
    describe.each([false, true])('DPoP: %s', (isDpop) => {
      it.each(ROWS)('%s', async (_rule, { jarm = false, ...ways }) => {
        const wanted = { method: 'private_key_jwt', isDpop, isJarm: jarm } as const;
        const application = await register(op, library, wanted);
        const tokens = await application.signIn({ scope: 'openid read', resource: PRINTER }, ways);
        const answer = await application.call(op.api, tokens.access_token);
        expect([answer.status, await answer.json()]).toMatchObject([200, { sub: ALICE.sub }]);
      });
    });
    it('[JARM §2.4] [OIDC Core §10.2] answered by an encrypted JWT', async () => {
      const fields = { authorization_encrypted_response_alg: 'ECDH-ES' };
      const wanted = { isJarm: true, isEncrypted: true, fields };
      const application = await register(op, library, wanted);
      const { id_token } = await application.signIn({ scope: 'openid' });
      expect(decodeJwt(String(id_token)).sub).toBe(ALICE.sub);
    });
  });

  describe('authorization_details', () => {
    it.each<[rule: string, ways: Ways]>([
      ['[RFC9396 §3]', {}],
      ['[RFC9396 §3] [RFC9126 §2.1]', { par: true }],
      ['[RFC9396 §3] [RFC9101 §4]', { jar: true }],
    ])(
      '%s are asked for, answered [RFC9396 §7], narrowed [RFC9396 §6] and told to APIs [RFC9396 §9.1] [RFC9396 §9.2]',
      async (_rule, ways) => {
        const application = await register(op, library);
        const request = {
          scope: 'openid read',
          resource: PRINTER,
          authorization_details: asked(PAY),
        };
        const tokens = await application.signIn(request, ways);
        expect(tokens['authorization_details']).toEqual([PAY]);
        const less = { authorization_details: asked(LESS) };
        const next = await application.refresh(String(tokens.refresh_token), less);
        expect(next['authorization_details']).toEqual([LESS]);
        for (const [{ access_token }, details] of [
          [tokens, PAY],
          [next, LESS],
        ] as const) {
          const claims = (await (await application.call(op.api, access_token)).json()) as object;
          expect(claims).toMatchObject({ authorization_details: [details] });
          const told = await application.introspect(access_token);
          expect(told['authorization_details']).toEqual([details]);
        }
      },
    );
    it('[RFC9396 §5] of another type are told as invalid_authorization_details', async () => {
      const application = await register(op, library);
      const request = { scope: 'openid', authorization_details: asked({ type: 'other' }) };
      const failure = application.signIn(request, { par: true });
      await expect(failure).rejects.toMatchObject({ error: 'invalid_authorization_details' });
    });
  });

  describe('several APIs', () => {
    const both = [PRINTER, ARCHIVE];
    const audienceOf = ({ access_token }: Tokens): unknown => decodeJwt(access_token).aud;

    it('[RFC8707 §2.1] [RFC8707 §2.2] of one grant, each token is for the one that is asked for', async () => {
      const application = await register(op, library);
      const request = { scope: 'openid read', resource: both };
      const first = await application.signIn(request, {}, { resource: ARCHIVE });
      const second = await application.refresh(String(first.refresh_token), { resource: PRINTER });
      expect([first, second].map(audienceOf)).toEqual([ARCHIVE, PRINTER]);
      expect((await application.call(op.api, first.access_token)).status).toBe(401);
      expect((await application.call(op.api, second.access_token)).status).toBe(200);
    });
    it('[RFC8707 §2.2] one token may be for both', async () => {
      const application = await register(op, library);
      const tokens = await application.clientCredentials({ scope: 'read', resource: both });
      expect(audienceOf(tokens)).toEqual(both);
      expect((await application.call(op.api, tokens.access_token)).status).toBe(200);
      expect((await application.introspect(tokens.access_token))['aud']).toEqual(both);
    });
    it('[RFC8707 §2] an unknown one is told as invalid_target', async () => {
      const application = await register(op, library);
      const failure = application.clientCredentials({ resource: 'https://unknown.example' });
      await expect(failure).rejects.toMatchObject({ error: 'invalid_target' });
    });
  });

  describe('introspection', () => {
    const ALG = 'introspection_signed_response_alg';
    const ENCRYPTED = { introspection_encrypted_response_alg: 'ECDH-ES' };
    it.each<[rule: string, fields: Readonly<Record<string, string>>, isEncrypted: boolean]>([
      ['[RFC7662 §2.2] as JSON', {}, false],
      ['[RFC9701 §5] signed by RS256', { [ALG]: 'RS256' }, false],
      ['[RFC9701 §5] signed by PS256', { [ALG]: 'PS256' }, false],
      ['[RFC9701 §5] signed by ES256', { [ALG]: 'ES256' }, false],
      ['[RFC9701 §5] signed by EdDSA', { [ALG]: 'EdDSA' }, false],
      ['[RFC9701 §6] signed and encrypted', { [ALG]: 'ES256', ...ENCRYPTED }, true],
    ])('%s', async (_rule, fields, isEncrypted) => {
      const application = await register(op, library, { fields, isEncrypted });
      const tokens = await application.signIn({ scope: 'openid read' });
      for (const token of [tokens.access_token, String(tokens.refresh_token)])
        expect(await application.introspect(token)).toMatchObject({
          active: true,
          sub: ALICE.sub,
          client_id: application.clientId,
        });
      expect(await application.introspect('unknown')).toEqual({ active: false });
    });
  });

  describe('revocation', () => {
    it.each(['access_token', 'refresh_token'] as const)(
      '[RFC7009 §2.1] of the %s ends both',
      async (which) => {
        const application = await register(op, library);
        const tokens = await application.signIn({ scope: 'openid read', resource: PRINTER });
        await application.revoke(String(tokens[which]));
        for (const token of [tokens.access_token, String(tokens.refresh_token)])
          expect(await application.introspect(token)).toEqual({ active: false });
        const failure = application.refresh(String(tokens.refresh_token));
        await expect(failure).rejects.toMatchObject({ error: 'invalid_grant' });
      },
    );
    it('[RFC7009 §2.2] of an unknown token is no error', async () => {
      await (await register(op, library)).revoke('unknown');
    });
  });

  describe('a refusal is read by the library', () => {
    it.each<[rule: string, grant: string, parameters: () => Promise<Record<string, string>>]>([
      [
        '[RFC7521 §4.1.1] an assertion that was used',
        BEARER,
        async () => {
          const assertion = await op.assertion();
          await (await register(op, library)).generic(BEARER, { assertion, scope: 'read' });
          return { assertion };
        },
      ],
      [
        '[RFC6749 §4.3.2] a wrong password',
        'password',
        async () => await Promise.resolve({ username: 'nobody', password: 'wrong' }),
      ],
    ])('%s', async (_rule, grant, parameters) => {
      const application = await register(op, library);
      const failure = application.generic(grant, await parameters());
      await expect(failure).rejects.toMatchObject({ error: 'invalid_grant', status: 400 });
    });
    it('[RFC8693 §2.2.2] a subject_token that is worth nothing', async () => {
      const application = await register(op, library);
      const failure = application.generic(EXCHANGE, {
        subject_token: 'unknown',
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      });
      await expect(failure).rejects.toMatchObject({ error: 'invalid_request', status: 400 });
    });
    it('[RFC9449 §5.2] a request without a proof, where tokens have to be bound', async () => {
      const more = { fields: { dpop_bound_access_tokens: true } };
      const application = await register(op, library, { more });
      const failure = application.clientCredentials({ scope: 'read' });
      await expect(failure).rejects.toMatchObject({ error: 'invalid_request' });
    });
    it('[RFC6750 §3.1] a token that ended, at userinfo', async () => {
      const application = await register(op, library);
      const { access_token } = await application.signIn({ scope: 'openid' });
      await application.revoke(access_token);
      await expect(application.userinfo(access_token, ALICE.sub)).rejects.toMatchObject({
        status: 401,
        cause: [{ scheme: 'bearer', parameters: { error: 'invalid_token' } }],
      });
    });
  });
});
