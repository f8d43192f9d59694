/** Rules about what may be asked for, and about the tokens. `rules.ts` has the others. */
import { expect } from 'vitest';
import { newKey, proofOf, thumbprintOf } from '../../dpop/proofs.ts';
import { ISSUER, post } from '../../setup.ts';
import { proves } from './clients.ts';
import { API, ask, type Case, OTHER_API } from './grants.ts';
import {
  askAs,
  expectOutOfBounds,
  expectUnused,
  isAllowed,
  isLive,
  type Rule,
  tokensOf,
} from './rule.ts';

const PAYMENT = JSON.stringify([{ type: 'payment', amount: 1 }]);
const claims = (jwt: unknown, part = 1): Record<string, unknown> =>
  JSON.parse(Buffer.from(String(jwt).split('.')[part] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;

/** Introspection, by the client itself where it may, else as an operator has it. */
const told = async ({ world }: Case, token: unknown): Promise<Record<string, unknown>> => {
  await world.provider.clients.update(world.web.clientId, { scopes: ['introspection', 'read'] });
  return (await post(world, 'introspect', { token: String(token) })).body;
};

/** About what may be asked for. */
export const BOUNDS: readonly Rule[] = [
  {
    title: '[RFC6749 §3.3] a malformed scope is invalid_scope',
    holds: (grant, kind) => isAllowed(grant, kind) && grant.readsScope,
    async check(one, fields) {
      const answer = await ask(one, { ...fields, scope: 'read "' });
      await expectOutOfBounds(one, answer, 'invalid_scope', fields);
    },
  },
  {
    title: '[RFC6749 §3.3] RT-06 TK-12 a scope that may not be had is invalid_scope',
    holds: (grant, kind) => isAllowed(grant, kind) && grant.readsScope,
    async check(one, fields) {
      const answer = await ask(one, { ...fields, scope: 'unknown' });
      await expectOutOfBounds(one, answer, 'invalid_scope', fields);
    },
  },
  {
    title: '[RFC6749 §3.3] a client gets no scope that its registration has lost',
    holds: (grant, kind) => isAllowed(grant, kind) && grant.isForUser,
    async check(one, fields) {
      const { world, holder } = one;
      await world.provider.clients.update(holder.client.clientId, { scopes: ['openid'] });
      const answer = await ask(one, fields);
      expect([answer.body['scope'] ?? 'openid', answer.status]).toEqual(['openid', 200]);
    },
  },
  {
    title: '[RFC8707 §2] TK-12 RT-07 an API that is not served is invalid_target',
    async check(one, fields) {
      const answer = await ask(one, { ...fields, resource: 'https://evil.example' });
      await expectOutOfBounds(one, answer, 'invalid_target', fields);
    },
  },
  {
    title: '[RFC8707 §2] an API with a fragment is invalid_target',
    async check(one, fields) {
      const answer = await ask(one, { ...fields, resource: `${OTHER_API}#x` });
      await expectOutOfBounds(one, answer, 'invalid_target', fields);
    },
  },
  {
    title: '[RFC8707 §2.2] its token is for the API that it names',
    async check(one, fields) {
      const tokens = await tokensOf(one, { ...fields, resource: OTHER_API });
      expect((await told(one, tokens['access_token']))['aud']).toBe(OTHER_API);
    },
  },
  {
    title: '[RFC9068 §2.2] its token is a JWT for an API that wants one',
    async check(one, fields) {
      const { access_token: token } = await tokensOf(one, { ...fields, resource: API });
      expect(claims(token, 0)).toMatchObject({ typ: 'at+jwt', alg: 'RS256' });
      const { clientId } = one.holder.client;
      const sub = one.grant.isForUser ? 'alice-sub' : clientId;
      const expected = { iss: ISSUER, aud: API, client_id: clientId, sub, scope: 'read' };
      expect(claims(token)).toMatchObject(expected);
      expect((await told(one, token))['active']).toBe(true);
    },
  },
  {
    title: '[RFC9396 §6] details that nobody granted are refused',
    async check(one, fields) {
      const answer = await ask(one, { ...fields, authorization_details: PAYMENT });
      await expectOutOfBounds(one, answer, 'invalid_authorization_details', fields);
    },
  },
  {
    title: '[RFC9396 §5] malformed details are refused',
    async check(one, fields) {
      const answer = await ask(one, { ...fields, authorization_details: '{' });
      await expectOutOfBounds(one, answer, 'invalid_authorization_details', fields);
    },
  },
  {
    title: '[RFC9449 §5] a proof of possession that is not good is refused',
    async check(one, fields) {
      const { world, kind, holder } = one;
      const dpop = proofOf(world, newKey(), { claims: { htm: 'GET' } });
      const proof = proves(world, kind, holder);
      const answer = await askAs(one, { ...proof, headers: { ...proof.headers, dpop } }, fields);
      await expectOutOfBounds(one, answer, 'invalid_dpop_proof', fields);
    },
  },
];

/** About the tokens. */
export const TOKENS: readonly Rule[] = [
  {
    title: '[RFC6749 §5.1] TK-09 the answer has what the grant gives, and no cache keeps it',
    async check(one, fields) {
      const { headers, body } = await expectUnused(one, fields);
      const { grant, kind } = one;
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body).toMatchObject({
        token_type: kind.isBound ? 'DPoP' : 'Bearer',
        expires_in: 900,
        scope: grant.isForUser ? expect.stringMatching(/^openid read/) : 'read',
      });
      expect([typeof body['refresh_token'], typeof body['id_token']]).toEqual([
        grant.refreshes ? 'string' : 'undefined',
        grant.identifies ? 'string' : 'undefined',
      ]);
    },
  },
  {
    title: '[RFC7662 §2.2] IR-02 introspection tells whose it is',
    async check(one, fields) {
      const { access_token: token } = await tokensOf(one, fields);
      const { clientId } = one.holder.client;
      expect(await told(one, token)).toMatchObject({
        active: true,
        iss: ISSUER,
        client_id: clientId,
        sub: one.grant.isForUser ? 'alice-sub' : clientId,
        exp: one.world.now + 900,
      });
    },
  },
  {
    title: '[RFC9449 §6] SC-01 it is bound to the key that the request proves',
    holds: (grant, kind) => isAllowed(grant, kind) && kind.isBound,
    async check(one, fields) {
      const { access_token: token } = await tokensOf(one, fields);
      const jkt = one.holder.key === null ? '' : thumbprintOf(one.holder.key);
      expect((await told(one, token))['cnf']).toEqual({ jkt });
    },
  },
  {
    title: '[RFC7009 §2.1] RV-01 RV-02 its own client ends it, and no other',
    async check(one, fields) {
      const { access_token: token } = await tokensOf(one, fields);
      const { world, kind } = one;
      for (const [holder, lives] of [
        [one.other, true],
        [one.holder, false],
      ] as const) {
        const proof = proves(world, kind, holder);
        const asked = { token: String(token), ...proof.fields };
        const answer = await post(world, 'revoke-token', asked, proof.headers);
        expect([answer.status, await isLive(one, token)]).toEqual([200, lives]);
      }
    },
  },
  {
    title: '[RFC7662 §2.2] IR-04 it ends with its time, its client and its person',
    async check(one, fields) {
      const { access_token: token } = await tokensOf(one, fields);
      const { world, holder } = one;
      expect(await isLive(one, token)).toBe(true);
      await world.provider.clients.update(holder.client.clientId, { disabled: true });
      expect(await isLive(one, token)).toBe(false);
      await world.provider.clients.update(holder.client.clientId, { disabled: false });
      if (one.grant.isForUser) await world.provider.subjects.revoke('alice-sub');
      else world.now += 900;
      expect(await isLive(one, token)).toBe(false);
    },
  },
  {
    title: 'is told to listeners, with client, grant and scope',
    async check(one, fields) {
      one.world.events.length = 0;
      await expectUnused(one, fields);
      expect(one.world.events.map(({ type }) => type)).toContain('tokens.issued');
    },
  },
];
