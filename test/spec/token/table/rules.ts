/** The one list of rules: each is tried for every grant and every kind of client where it holds. */
import { expect } from 'vitest';
import { damaged, post, read } from '../../setup.ts';
import { proves, provesWrongly } from './clients.ts';
import { ask, GRANTS } from './grants.ts';
import { askAs, askRaw, expectRefused, expectUnused, isAllowed, type Rule } from './rule.ts';
import { BOUNDS, TOKENS } from './rules-of-tokens.ts';

/** About the form of a request. */
const REQUESTS: readonly Rule[] = [
  {
    title: '[RFC6749 §3.2] TK-08 GET is 405',
    async check(one, fields) {
      const url = `${one.world.provider.url('token')}?${new URLSearchParams(fields)}`;
      const answer = await read(await one.world.provider.fetch(new Request(url)));
      await expectRefused(one, answer, 'invalid_request', fields, 405);
    },
  },
  {
    title: '[RFC6749 §3.2] TK-08 a parameter in the address is refused',
    async check(one, fields) {
      const { world, kind, holder } = one;
      const proof = proves(world, kind, holder);
      const request = new Request(`${world.provider.url('token')}?x=1`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...proof.headers },
        body: new URLSearchParams({ ...proof.fields, ...fields }).toString(),
      });
      await expectRefused(
        one,
        await read(await world.provider.fetch(request)),
        'invalid_request',
        fields,
      );
    },
  },
  {
    title: '[RFC6749 §4.1.3] TK-08 JSON is 415',
    async check(one, fields) {
      const answer = await askRaw(one, '', { 'content-type': 'application/json' });
      await expectRefused(one, answer, 'invalid_request', fields, 415);
    },
  },
  {
    title: '[RFC6749 §3.2] TK-10 a repeated grant_type is refused',
    async check(one, fields) {
      const body = `${new URLSearchParams(fields)}&grant_type=x`;
      await expectRefused(one, await askRaw(one, body), 'invalid_request', fields);
    },
  },
  {
    title: '[RFC6749 §3.2] TK-10 a repeated proof is refused',
    holds: (grant, kind) => isAllowed(grant, kind) && grant.proof !== null,
    async check(one, fields) {
      const name = one.grant.proof ?? '';
      const body = `${new URLSearchParams(fields)}&${name}=x`;
      await expectRefused(one, await askRaw(one, body), 'invalid_request', fields);
    },
  },
  {
    title: '[RFC6749 §3.2] a missing proof is invalid_request',
    holds: (grant, kind) => isAllowed(grant, kind) && grant.proof !== null,
    async check(one, fields) {
      const { [one.grant.proof ?? '']: _, ...rest } = fields;
      await expectRefused(one, await ask(one, rest), 'invalid_request', fields);
    },
  },
  {
    title: '[RFC6749 §3.2] a NUL character is refused',
    async check(one, fields) {
      const body = `${new URLSearchParams(fields)}&x=%00`;
      await expectRefused(one, await askRaw(one, body), 'invalid_request', fields);
    },
  },
  {
    title: '[RFC6749 §5.2] a malformed percent-encoding is refused',
    async check(one, fields) {
      const body = `${new URLSearchParams(fields)}&x=%ZZ`;
      await expectRefused(one, await askRaw(one, body), 'invalid_request', fields);
    },
  },
];

/** About the client. */
const CLIENTS: readonly Rule[] = [
  {
    title: '[RFC6749 §5.2] a client that is not known is invalid_client',
    async check(one, fields) {
      const { world } = one;
      const answer = await post(world, 'token', { ...fields, client_id: 'nobody' }, {});
      await expectRefused(one, answer, 'invalid_client', fields);
    },
  },
  {
    title: '[RFC6749 §3.2.1] TK-15 a wrong proof of the client is invalid_client',
    holds: (grant, kind) => isAllowed(grant, kind) && !kind.isPublic,
    async check(one, fields) {
      const proof = provesWrongly(one.world, one.kind, one.holder);
      if (proof === null) throw new Error('This kind proves nothing.');
      await expectRefused(one, await askAs(one, proof, fields), 'invalid_client', fields);
    },
  },
  {
    title: '[RFC6749 §3.2.1] its client_id alone is invalid_client',
    holds: (grant, kind) => isAllowed(grant, kind) && !kind.isPublic,
    async check(one, fields) {
      const { world, holder } = one;
      const asked = { ...fields, client_id: holder.client.clientId };
      await expectRefused(one, await post(world, 'token', asked, {}), 'invalid_client', fields);
    },
  },
  {
    title: '[RFC6749 §2.3] two methods at once are refused',
    holds: (grant, kind) => isAllowed(grant, kind) && kind.method === 'client_secret_basic',
    async check(one, fields) {
      const { holder } = one;
      const twice = { client_id: holder.client.clientId, client_secret: holder.secret ?? '' };
      const answer = await ask(one, { ...fields, ...twice });
      expect([answer.status >= 400, answer.body['access_token']]).toEqual([true, undefined]);
      await expectUnused(one, fields);
    },
  },
  {
    title: '[RFC6749 §5.2] TK-13 a disabled client is invalid_client',
    async check(one, fields) {
      const { world, holder } = one;
      const { clientId } = holder.client;
      await world.provider.clients.update(clientId, { disabled: true });
      await expectRefused(one, await ask(one, fields), 'invalid_client', null);
    },
  },
  {
    title: '[RFC6749 §5.2] TK-11 a grant that is not registered is unauthorized_client',
    async check(one, fields) {
      const { world, holder, grant } = one;
      const grantTypes = holder.client.grantTypes.filter((type) => type !== grant.type);
      const responseTypes = grantTypes.includes('authorization_code') ? ['code'] : [];
      await world.provider.clients.update(holder.client.clientId, { grantTypes, responseTypes });
      await expectRefused(one, await ask(one, fields), 'unauthorized_client', null);
    },
  },
  {
    title: '[RFC6749 §4.4] TK-11 a client that proves nothing is unauthorized_client',
    holds: (grant, kind) => !isAllowed(grant, kind),
    async check(one, fields) {
      await expectRefused(one, await ask(one, fields), 'unauthorized_client', null);
    },
  },
  {
    title: '[RFC6749 §5.2] RT-01 TK-04 the proof of another client is refused',
    holds: (grant, kind) => isAllowed(grant, kind) && grant.isOwn && grant.proof !== null,
    async check(one, fields) {
      const answer = await ask({ ...one, holder: one.other }, fields);
      await expectRefused(one, answer, one.grant.error, fields);
    },
  },
];

/** About what the grant proves. */
const PROOFS: readonly Rule[] = [
  {
    title: '[RFC6749 §5.2] TK-16 a proof with another character is refused',
    holds: (grant, kind) => isAllowed(grant, kind) && grant.proof !== null,
    async check(one, fields) {
      const name = one.grant.proof ?? '';
      const wrong = { ...fields, [name]: damaged(fields[name] ?? '', 7) };
      await expectRefused(one, await ask(one, wrong), one.grant.error, fields);
    },
  },
  {
    title: '[RFC6749 §5.2] TK-16 a proof that is cut is refused',
    holds: (grant, kind) => isAllowed(grant, kind) && grant.proof !== null,
    async check(one, fields) {
      const name = one.grant.proof ?? '';
      const wrong = { ...fields, [name]: (fields[name] ?? '').slice(0, -2) };
      await expectRefused(one, await ask(one, wrong), one.grant.error, fields);
    },
  },
  {
    title: '[RFC6749 §10.10] TK-17 the proof of any other grant is refused',
    holds: (grant, kind) =>
      isAllowed(grant, kind) && grant.proof !== null && grant.type !== 'password',
    async check(one, fields) {
      for (const other of GRANTS) {
        if (other.type === one.grant.type || other.proof === null) continue;
        if (other.proof === 'password' || !isAllowed(other, one.kind)) continue;
        const foreign = await other.make({ ...one, grant: other });
        const wrong = { ...fields, [one.grant.proof ?? '']: foreign[other.proof] ?? '' };
        await expectRefused(one, await ask(one, wrong), one.grant.error, null);
      }
      await expectUnused(one, fields);
    },
  },
  {
    title: '[RFC6749 §4.1.2] TK-01 a proof that was used is refused',
    holds: (grant, kind) => isAllowed(grant, kind) && grant.isOnce,
    async check(one, fields) {
      await expectUnused(one, fields);
      await expectRefused(one, await ask(one, fields), one.grant.error, null);
    },
  },
  {
    title: '[RFC6749 §4.1.2] TK-02 of 20 parallel requests one gets tokens',
    holds: (grant, kind) => isAllowed(grant, kind) && grant.isOnce,
    async check(one, fields) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, async () => await ask(one, fields)),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect([statuses[0], statuses[1], statuses.at(-1)]).toEqual([200, 400, 400]);
    },
  },
  {
    title: '[RFC6749 §5.2] TK-06 RT-08 a proof that has expired is refused',
    holds: (grant, kind) => isAllowed(grant, kind) && grant.endsAfter !== null,
    async check(one, fields) {
      one.world.now += one.grant.endsAfter ?? 0;
      const answer = await ask(one, fields);
      const error = one.grant.proof === 'device_code' ? 'expired_token' : one.grant.error;
      await expectRefused(one, answer, error, null);
    },
  },
  {
    title: '[RFC9700 §4.14] RT-09 TK-13 after the subject is revoked it is refused',
    holds: (grant, kind) =>
      isAllowed(grant, kind) && grant.isOwn && grant.isForUser && grant.proof !== 'link',
    async check(one, fields) {
      await one.world.provider.subjects.revoke('alice-sub');
      await expectRefused(one, await ask(one, fields), one.grant.error, null);
    },
  },
  {
    title: '[RFC6749 §5.2] TK-13 for an account that is disabled it is refused',
    holds: (grant, kind) => isAllowed(grant, kind) && grant.isForUser,
    async check(one, fields) {
      const disabled = { sub: 'alice-sub', enabled: false, claims: {} };
      Object.assign(one.world.accounts, {
        find: async () => await Promise.resolve(disabled),
        authenticate: async () => await Promise.resolve({ account: disabled, amr: [] }),
      });
      // RFC 8693 §2.2.2: a subject token that is worth nothing is invalid_request.
      await expectRefused(one, await ask(one, fields), one.grant.error, null);
    },
  },
];

/** All rules. */
export const RULES = {
  'the form of the request': REQUESTS,
  'the client': CLIENTS,
  'the proof': PROOFS,
  'the bounds': BOUNDS,
  'the tokens': TOKENS,
} as const;
