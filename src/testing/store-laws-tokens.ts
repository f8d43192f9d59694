/**
 * Laws about the redemption of codes, the rotation of refresh tokens, and the revocation of
 * families, access tokens and subjects. What ends leave alone is in `store-laws-ends.ts`.
 */
import assert from 'node:assert/strict';
import type { AccessToken, Family } from 'valetkey';
import { extend, insertCode, issueFreely, redeem, rotate } from './store-acts.ts';
import { count, crowd, isLive, type Law } from './store-case.ts';
import { NOW, sample, withClient, withCode, withFamily, word } from './store-samples.ts';

/** A rotation of the live refresh token of a family. */
function rotation(family: Family): {
  familyId: string;
  presented: string;
  refreshDigest: string;
  refreshExpiresAt: number;
  sealedSuccessor: string;
} {
  return {
    familyId: family.id,
    presented: family.refreshDigest ?? '',
    refreshDigest: word(),
    refreshExpiresAt: NOW + 900,
    sealedSuccessor: 'sealed',
  };
}

/** The laws of this file. */
export const TOKEN_LAWS: readonly Law[] = [
  [
    'redeem: of 100 concurrent calls exactly one is fresh, and only its tokens exist',
    async (store) => {
      const { facts, authorization, code } = await withCode(store);
      const tries = await crowd(async () => {
        const family = sample.family(facts, authorization.id);
        const issue = sample.issue(facts, family.id, authorization.id);
        return {
          family,
          issue,
          outcome: await redeem(store, code.digest, family, issue, NOW),
        };
      });
      assert.equal(tries.filter(({ outcome }) => outcome === 'fresh').length, 1);
      for (const { family, issue, outcome } of tries) {
        assert.equal((await store.tokens.findFamily(family.id)) !== null, outcome === 'fresh');
        assert.equal(await isLive(store, issue), outcome === 'fresh');
        assert.equal(
          (await store.tokens.findIdToken(issue.idToken?.jti ?? '')) !== null,
          outcome === 'fresh',
        );
        if (outcome === 'fresh')
          assert.equal((await store.codes.find(code.digest))?.code.familyId, family.id);
      }
    },
  ],
  [
    'redeem: an expired, an unknown and a deleted code are consumed',
    async (store) => {
      const { facts, authorization, code, session } = await withCode(store);
      const family = sample.family(facts, authorization.id);
      const issue = sample.issue(facts, family.id, authorization.id);
      assert.equal(await redeem(store, code.digest, family, issue, code.expiresAt), 'consumed');
      assert.equal(await redeem(store, word(), family, issue, NOW), 'consumed');
      await store.sessions.end(session, NOW, true, null);
      assert.equal(await redeem(store, code.digest, family, issue, NOW), 'consumed');
      assert.equal(await store.tokens.findFamily(family.id), null);
    },
  ],
  [
    'redeem: what is stored comes back unchanged',
    async (store) => {
      const { family, issue, code } = await withFamily(store);
      assert.deepEqual((await store.tokens.findFamily(family.id))?.family, family);
      assert.deepEqual(await store.tokens.findAccessToken(issue.accessToken.digest), {
        token: issue.accessToken,
        live: true,
        login: { authTime: family.authTime, amr: family.amr, acr: family.acr },
      });
      assert.deepEqual(await store.tokens.findIdToken(issue.idToken?.jti ?? ''), issue.idToken);
      assert.deepEqual(await store.codes.find(code.digest), {
        code: { ...code, consumedAt: NOW, familyId: family.id },
        authorized: true,
      });
    },
  ],
  [
    'rotate: of 100 concurrent calls exactly one is fresh, and its successor is the live token',
    async (store) => {
      const { facts, authorization, family } = await withFamily(store);
      const tries = await crowd(async () => {
        const wish = rotation(family);
        return {
          wish,
          outcome: await rotate(store, wish, sample.issue(facts, family.id, authorization.id), NOW),
        };
      });
      const winners = tries.filter(({ outcome }) => outcome === 'fresh');
      assert.equal(winners.length, 1);
      const after = (await store.tokens.findFamily(family.id))?.family;
      assert.equal(after?.refreshDigest, winners[0]?.wish.refreshDigest);
      assert.deepEqual(
        [after?.previousDigest, after?.rotatedAt, after?.sealedSuccessor],
        [family.refreshDigest, NOW, 'sealed'],
      );
    },
  ],
  [
    'rotate: may bind a family to a key, in the same act and for that of its client which wins',
    async (store) => {
      const { facts, authorization, family } = await withFamily(store);
      const now = async (): Promise<unknown> =>
        (await store.tokens.findFamily(family.id))?.family.details;
      const issue = () => sample.issue(facts, family.id, authorization.id);
      const first = rotation(family);
      assert.equal(await rotate(store, first, issue(), NOW), 'fresh');
      assert.deepEqual(await now(), family.details);
      const live = { ...family, refreshDigest: first.refreshDigest };
      const bound = { ...rotation(live), details: { cnf: { jkt: 'the key' }, more: 'é"' } };
      assert.equal(await rotate(store, bound, issue(), NOW), 'fresh');
      assert.deepEqual(await now(), bound.details);
      const late = { ...rotation(live), details: { cnf: { jkt: 'another key' } } };
      assert.notEqual(await rotate(store, late, issue(), NOW), 'fresh');
      assert.deepEqual(await now(), bound.details);
    },
  ],
  [
    'rotate, extend: never in a family that is revoked, expired, idle too long, or without authorization',
    async (store) => {
      const breaks: ((made: Awaited<ReturnType<typeof withFamily>>) => Promise<number>)[] = [
        async ({ family }) => {
          assert.equal(await store.tokens.revokeFamily(family.id, NOW, null), true);
          return NOW;
        },
        async () => NOW + 1000,
        async () => NOW + 500,
        async ({ authorization }) => {
          assert.equal(await store.authorizations.revoke(authorization, NOW, null), true);
          return NOW;
        },
      ];
      for (const spoil of breaks) {
        const made = await withFamily(store);
        const now = await spoil(made);
        const issue = sample.issue(made.facts, made.family.id, made.authorization.id);
        assert.equal(await rotate(store, rotation(made.family), issue, now), 'consumed');
        assert.equal(
          await extend(store, made.family.id, made.family.refreshDigest ?? '', now + 1, issue, now),
          'consumed',
        );
        assert.equal(await store.tokens.findAccessToken(issue.accessToken.digest), null);
      }
    },
  ],
  [
    'extend: stores under the same live token and moves its end',
    async (store) => {
      const { facts, authorization, family } = await withFamily(store);
      const issue = sample.issue(facts, family.id, authorization.id);
      assert.equal(
        await extend(store, family.id, family.refreshDigest ?? '', NOW + 777, issue, NOW),
        'fresh',
      );
      assert.equal(await isLive(store, issue), true);
      assert.equal((await store.tokens.findFamily(family.id))?.family.refreshExpiresAt, NOW + 777);
      assert.equal(
        await extend(
          store,
          family.id,
          word(),
          NOW + 777,
          sample.issue(facts, family.id, authorization.id),
          NOW,
        ),
        'consumed',
      );
    },
  ],
  [
    'revokeFamily: one of 100 callers is told, and every token under it is dead',
    async (store) => {
      const { family, issue } = await withFamily(store);
      assert.equal(
        count(await crowd(async () => await store.tokens.revokeFamily(family.id, NOW, null)), true),
        1,
      );
      assert.equal(await isLive(store, issue), false);
      assert.equal((await store.tokens.findFamily(family.id))?.family.revokedAt, NOW);
      assert.equal(await store.tokens.revokeFamily(word(), NOW, null), false);
    },
  ],
  [
    'revokeFamily beside rotate: nothing is alive afterwards',
    async (store) => {
      for (let round = 0; round < 20; round += 1) {
        const { facts, authorization, family, issue } = await withFamily(store);
        const next = sample.issue(facts, family.id, authorization.id);
        await Promise.all([
          rotate(store, rotation(family), next, NOW),
          store.tokens.revokeFamily(family.id, NOW, null),
        ]);
        assert.deepEqual([await isLive(store, issue), await isLive(store, next)], [false, false]);
      }
    },
  ],
  [
    'issue: tokens that consume nothing may begin a family, with or without authorization',
    async (store) => {
      const facts = await withClient(store);
      const family = { ...sample.family(facts, word()), authorizationId: null };
      const issue = sample.issue(facts, family.id, null);
      await issueFreely(store, issue, family);
      const stands = { authorized: true, clientVersion: 1 };
      assert.deepEqual(await store.tokens.findFamily(family.id), { family, ...stands });
      assert.equal(await isLive(store, issue), true);
      const next = sample.issue(facts, family.id, null);
      assert.equal(await rotate(store, rotation(family), next, NOW), 'fresh');
      await store.tokens.revokeFamily(family.id, NOW, null);
      assert.deepEqual([await isLive(store, issue), await isLive(store, next)], [false, false]);
    },
  ],
  [
    'revokeAccessToken: a token with the family it has, and only for its client',
    async (store) => {
      const facts = await withClient(store);
      const alone = sample.issue(facts, null, null, { sub: null, sid: null });
      await issueFreely(store, { ...alone, idToken: null }, null);
      assert.deepEqual(await store.tokens.findAccessToken(alone.accessToken.digest), {
        token: alone.accessToken,
        live: true,
        login: null,
      });
      const revoke = async ({ digest, clientId }: AccessToken): Promise<boolean> =>
        await store.tokens.revokeAccessToken(digest, clientId, NOW, null);
      const strange = { ...alone.accessToken, clientId: word() };
      assert.deepEqual(
        [await revoke(strange), await revoke(alone.accessToken), await revoke(alone.accessToken)],
        [false, true, false],
      );
      const { issue, family } = await withFamily(store);
      assert.equal(await revoke({ ...issue.accessToken, clientId: word() }), false);
      assert.equal(await isLive(store, issue), true);
      assert.deepEqual(
        [await revoke(issue.accessToken), await revoke(issue.accessToken)],
        [true, false],
      );
      assert.equal((await store.tokens.findFamily(family.id))?.family.revokedAt, NOW);
      assert.equal(await isLive(store, issue), false);
    },
  ],
  [
    'revokeAccessToken: a token of another client in a family ends alone, and with the family',
    async (store) => {
      const { family, issue } = await withFamily(store);
      const other = await withClient(store);
      const joined = () => sample.issue(other, family.id, family.authorizationId);
      const [one, two] = [joined(), joined()];
      for (const each of [one, two]) await issueFreely(store, { ...each, idToken: null }, null);
      const { digest, clientId } = one.accessToken;
      assert.equal(await store.tokens.revokeAccessToken(digest, clientId, NOW, null), true);
      assert.equal(await store.tokens.findAccessToken(digest), null);
      assert.deepEqual([await isLive(store, issue), await isLive(store, two)], [true, true]);
      await store.tokens.revokeFamily(family.id, NOW, null);
      assert.deepEqual([await isLive(store, issue), await isLive(store, two)], [false, false]);
    },
  ],
  [
    'revokeFamily: only for the client that is given',
    async (store) => {
      const { family } = await withFamily(store);
      const revoke = async (clientId: string): Promise<boolean> =>
        await store.tokens.revokeFamily(family.id, NOW, null, clientId);
      assert.deepEqual(
        [await revoke(word()), await revoke(family.clientId), await revoke(family.clientId)],
        [false, true, false],
      );
    },
  ],
  [
    'revokeSubject: sessions, codes and families of the subject, and of nobody else',
    async (store) => {
      const mine = await withFamily(store);
      const another = await withFamily(store);
      const pending = sample.code(mine.facts, mine.authorization.id);
      await insertCode(store, pending, mine.session.handle, null);
      assert.equal((await store.tokens.revokeSubject(mine.facts.sub, NOW, null)).families, 1);
      assert.equal(await isLive(store, mine.issue), false);
      assert.equal((await store.codes.find(pending.digest))?.code.consumedAt, NOW);
      assert.deepEqual(await store.sessions.listBySubject(mine.facts.sub), []);
      assert.equal(await isLive(store, another.issue), true);
    },
  ],
];
